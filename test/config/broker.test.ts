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
  t.equal(config.interBrokerListener.name, 'INSIDE')
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
    /must name a listener for clients/,
  )
  refuses({ 'inter.broker.listener.name': 'X' }, /must be one of listeners/)
})

t.test('what one broker alone cannot be', async t => {
  const refuses = (settings: Record<string, string>, pattern: RegExp) =>
    t.match(problems(settings).join('\n'), pattern, JSON.stringify(settings))
  refuses({ 'process.roles': 'broker' }, /process.roles: it must be broker,controller/)
  refuses({ 'controller.quorum.voters': '1@a:1,2@b:1' }, /must be this node alone/)
  refuses({ 'controller.quorum.voters': '2@b:1' }, /must be this node alone, 1@host:port/)
  refuses({ 'controller.quorum.bootstrap.servers': 'a:1,b:1' }, /must be this node alone/)
  refuses({ 'node.id': '1', 'broker.id': '2' }, /must be equal to node.id, which is 1/)
  refuses({ 'authorizer.class.name': 'org.Some' }, /must be empty/)
  t.equal(parse({ 'broker.id': '5' }).nodeId, 5)
  t.equal(parse({ 'controller.quorum.voters': '1@a:1' }).nodeId, 1)
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
