import t from 'tap'
import { ConfigError, parseBrokerConfig } from '../../src/config/broker.ts'

const parse = (settings: Record<string, string> = {}) => parseBrokerConfig(new Map(Object.entries(settings)))

function problems(settings: Record<string, string>): readonly string[] {
  try {
    parse(settings)
  } catch (error) {
    if (error instanceof ConfigError) return error.problems
    throw error
  }
  return []
}

t.test('a broker that is simply started', async t => {
  const config = parse()
  t.equal(config.nodeId, 1)
  t.same(config.logDirs, ['./data'])
  t.equal(config.metadataLogDir, './data')
  t.same(config.listeners, [
    { name: 'PLAINTEXT', host: 'localhost', port: 9092, protocol: 'PLAINTEXT', advertised: null },
  ])
  t.equal(config.interBrokerListener, config.listeners[0])
  t.equal(config.logRetentionMs, 168 * 3_600_000)
  t.equal(config.logFlushIntervalMs, null)
  t.equal(config.offsetsTopicReplicationFactor, 1)
  t.same(config.warnings, [])
})

t.test('wrong values name key, value and what is allowed, all at once', async t => {
  const found = problems({
    'num.partitions': '0',
    'message.max.bytes': 'many',
    'compression.type': 'zip',
    'ssl.keystore.password': 'x',
    'log.cleaner.threads': '-1',
  })
  t.same(found, [
    'Invalid value 0 for configuration num.partitions: Value must be at least 1',
    'Invalid value many for configuration message.max.bytes: Not a number of type INT (it must be at least 0)',
    'Invalid value zip for configuration compression.type: Value must be one of uncompressed, zstd, lz4, snappy, gzip, producer',
    'Invalid value -1 for configuration log.cleaner.threads: Value must be at least 0',
  ])
})

t.test('units', async t => {
  t.equal(parse({ 'log.retention.hours': '2' }).logRetentionMs, 7_200_000)
  t.equal(parse({ 'log.retention.hours': '2', 'log.retention.minutes': '3' }).logRetentionMs, 180_000)
  t.equal(parse({ 'log.retention.minutes': '3', 'log.retention.ms': '4' }).logRetentionMs, 4)
  t.equal(parse({ 'log.retention.hours': '-1' }).logRetentionMs, -1)
  t.equal(parse({ 'log.roll.hours': '1' }).logRollMs, 3_600_000)
  t.equal(parse({ 'log.flush.scheduler.interval.ms': '7' }).logFlushIntervalMs, 7)
})

t.test('listeners', async t => {
  const config = parse({
    listeners: 'INSIDE://:9092,OUTSIDE://[::1]:0,CONTROLLER://:9093',
    'advertised.listeners': 'inside://broker:9092',
    'controller.listener.names': 'CONTROLLER',
    'listener.security.protocol.map': 'INSIDE:PLAINTEXT,OUTSIDE:plaintext,CONTROLLER:PLAINTEXT',
    'inter.broker.listener.name': 'INSIDE',
  })
  t.same(config.listeners, [
    {
      name: 'INSIDE',
      host: '',
      port: 9092,
      protocol: 'PLAINTEXT',
      advertised: { name: 'INSIDE', host: 'broker', port: 9092 },
    },
    { name: 'OUTSIDE', host: '::1', port: 0, protocol: 'PLAINTEXT', advertised: null },
  ])
  t.equal(config.interBrokerListener?.name, 'INSIDE')
  t.same(
    config.controllerListeners.map(({ name, port }) => [name, port]),
    [['CONTROLLER', 9093]],
  )
  const named = parseBrokerConfig(new Map([['listeners', 'PLAINTEXT://:9092']]), { hostName: 'box' })
  t.same(named.listeners[0].advertised, { name: 'PLAINTEXT', host: 'box', port: 9092 })
})

t.test('listeners that cannot be', async t => {
  const refuses = (settings: Record<string, string>, pattern: RegExp) =>
    t.match(problems(settings).join('\n'), pattern, JSON.stringify(settings))
  refuses({ listeners: '127.0.0.1:9092' }, /must have the form NAME:\/\/host:port/)
  refuses({ listeners: 'PLAINTEXT://a:70000' }, /must be between 0 and 65535/)
  refuses({ listeners: 'A://a:1' }, /listener.security.protocol.map must say which protocol A speaks/)
  refuses({ listeners: 'PLAINTEXT://a:1,PLAINTEXT://a:2' }, /two listeners named PLAINTEXT/)
  refuses(
    { listeners: 'PLAINTEXT://a:1,B://a:1', 'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,B:PLAINTEXT' },
    /two listeners on a:1/,
  )
  refuses({ listeners: 'PLAINTEXT://0.0.0.0:1' }, /advertised.listeners must name an address/)
  refuses({ 'advertised.listeners': 'PLAINTEXT://0.0.0.0:1' }, /must be an address that clients can reach/)
  refuses({ 'advertised.listeners': 'OTHER://a:1' }, /listeners must have a listener OTHER/)
  refuses({ 'advertised.listeners': 'PLAINTEXT://:1' }, /must name a host/)
  refuses(
    { 'listener.security.protocol.map': 'PLAINTEXT:TLS' },
    /must be one of PLAINTEXT, SSL, SASL_PLAINTEXT, SASL_SSL/,
  )
  refuses({ listeners: 'SSL://a:1' }, /must be PLAINTEXT, the only protocol served/)
  refuses(
    { listeners: 'CONTROLLER://a:1', 'controller.listener.names': 'CONTROLLER' },
    /There must be at least one broker advertised listener/,
  )
  refuses({ 'inter.broker.listener.name': 'X' }, /must be one of listeners/)
})

t.test('settings of consumer groups that do not fit together', t => {
  const refuses = (settings: Record<string, string>, pattern: RegExp) =>
    t.match(problems(settings).join('\n'), pattern, JSON.stringify(settings))
  refuses(
    { 'group.consumer.heartbeat.interval.ms': '500' },
    /must be greater than or equal to group.consumer.min.heartbeat/,
  )
  refuses({ 'group.consumer.session.timeout.ms': '70000' }, /must be less than or equal to group.consumer.max.session/)
  refuses(
    { 'group.consumer.min.session.timeout.ms': '70000' },
    /max.session.timeout.ms must be greater than or equal to/,
  )
  refuses(
    {
      'group.consumer.min.session.timeout.ms': '1000',
      'group.consumer.session.timeout.ms': '5000',
    },
    /heartbeat.interval.ms must be less than group.consumer.session/,
  )
  refuses({ 'group.consumer.assignors': 'uniform,mine' }, /assignors here are uniform and range/)
  t.same(problems({ 'group.consumer.assignors': 'org.apache.kafka.coordinator.group.assignor.RangeAssignor' }), [])
  t.end()
})

t.test('roles and quorum', async t => {
  const refuses = (settings: Record<string, string>, pattern: RegExp) =>
    t.match(problems(settings).join('\n'), pattern, JSON.stringify(settings))
  const voters = { 'controller.quorum.voters': '1@a:1,2@b:2' }
  const both = 'PLAINTEXT://h:9092,CONTROLLER://h:9093'
  refuses({ 'process.roles': 'broker' }, /either controller.quorum.bootstrap.servers must contain/)
  refuses({ 'process.roles': 'broker', ...voters }, /the node id 1 must not be included in the set of voters/)
  refuses({ 'node.id': '3', listeners: both, ...voters }, /the node id 3 must be included in the set of voters/)
  refuses(
    voters,
    /at least one value appearing in the 'listeners' configuration when running the KRaft controller role/,
  )
  refuses({ 'controller.quorum.bootstrap.servers': 'a:1' }, /at least one value appearing in the 'listeners'/)
  refuses(
    { 'process.roles': 'broker', 'node.id': '3', listeners: both, ...voters },
    /must not contain a value appearing/,
  )
  refuses({ 'process.roles': 'controller', listeners: both, ...voters }, /must only contain KRaft controller listeners/)
  refuses({ 'controller.quorum.voters': '1@a:1,1@b:2', listeners: both }, /voter 1 is there twice/)
  refuses({ 'controller.quorum.voters': '1@a:70000', listeners: both }, /the port must be between 1 and 65535/)
  refuses({ 'node.id': '1', 'broker.id': '2' }, /must be equal to node.id, which is 1/)
  refuses({ 'authorizer.class.name': 'org.Some' }, /must be empty/)
  t.equal(parse({ 'broker.id': '5' }).nodeId, 5)

  const alone = parse({ 'controller.quorum.voters': '1@a:1' })
  t.same([alone.isAlone, alone.quorumVoters], [true, [{ id: 1, host: 'a', port: 1 }]])
  t.equal(parse().isAlone, true)
  t.equal(parse().offsetsTopicReplicationFactor, 1)

  const own = { listeners: 'PLAINTEXT://:9092,CONTROLLER://:9093' }
  t.equal(parse({ ...own, 'controller.quorum.bootstrap.servers': 'localhost:9093' }).isAlone, true)
  t.equal(parse({ ...own, 'controller.quorum.bootstrap.servers': 'localhost:9193' }).isAlone, false)
  t.equal(parse({ ...own, 'controller.quorum.bootstrap.servers': 'localhost:9093,other:9093' }).isAlone, false)

  const combined = parse({ listeners: both, ...voters, 'controller.quorum.voters': '1@a:1,2@[::1]:2' })
  t.same([...combined.roles], ['broker', 'controller'])
  t.equal(combined.isAlone, false)
  t.same(combined.quorumVoters[1], { id: 2, host: '::1', port: 2 })
  t.equal(combined.offsetsTopicReplicationFactor, 3)

  const controller = parse({ 'process.roles': 'controller', listeners: 'CONTROLLER://h:9093', ...voters })
  t.same([controller.listeners, controller.interBrokerListener], [[], null])
  t.same(
    controller.controllerListeners.map(({ name, port }) => [name, port]),
    [['CONTROLLER', 9093]],
  )

  const broker = parse({ 'process.roles': 'broker', 'node.id': '7', 'controller.quorum.bootstrap.servers': 'a:1,b:2' })
  t.same(broker.controllerListenerNames, ['CONTROLLER'])
  t.same(broker.quorumBootstrapServers, [
    { host: 'a', port: 1 },
    { host: 'b', port: 2 },
  ])
})

t.test('keys without effect are told once, unknown ones too', async t => {
  t.same(
    parse({
      'num.io.threads': '8',
      'num.network.threads': '9',
      'zookeeper.connect': 'a:2181',
      'no.such.key': 'x',
      'listener.name.a.ssl.keystore.type': 'PEM',
    }).warnings,
    [
      'zookeeper.connect has no meaning for this broker and is ignored',
      'no.such.key is not a setting that this broker or Apache Kafka knows; it is ignored',
      'listener.name.a.ssl.keystore.type has no effect: settings of a single listener are not served',
      'num.network.threads has no effect: it is read for the sake of existing configurations only',
    ],
  )
})

t.test('the directory of the metadata log comes first', async t => {
  const config = parse({ 'log.dirs': '/a,/b', 'metadata.log.dir': '/b' })
  t.same(config.logDirs, ['/b', '/a'])
  t.equal(config.metadataLogDir, '/b')
  t.same(parse({ 'log.dir': '/only' }).logDirs, ['/only'])
})
