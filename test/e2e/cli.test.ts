/** The compiled program with a client that others wrote: what a user sees of starting, stopping and looking inside. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Kafka, logLevel } from 'kafkajs'
import t, { type Test } from 'tap'
import { type OttlaProcess, ottla, temporaryDirectory } from '../bin/ottla-process.ts'

const serverProperties = fileURLToPath(new URL('../../../test/data/config/server.properties', import.meta.url))
const clusterId = 'AAAAAAAAAAAAAAAAAAAAAg'

function kafkaAt(bootstrap: string): Kafka {
  return new Kafka({ brokers: [bootstrap], logLevel: logLevel.NOTHING, retry: { retries: 3, initialRetryTime: 50 } })
}

async function produce(bootstrap: string, values: readonly string[], topic = 'letters'): Promise<void> {
  const producer = kafkaAt(bootstrap).producer({ allowAutoTopicCreation: true })
  await producer.connect()
  await producer.send({ topic, acks: -1, messages: values.map(value => ({ key: `key-${value}`, value })) })
  await producer.disconnect()
}

/** The first `count` values, as a group that begins at the beginning or where it was. */
async function consume(bootstrap: string, count: number, groupId: string): Promise<string[]> {
  const consumer = kafkaAt(bootstrap).consumer({ groupId })
  await consumer.connect()
  await consumer.subscribe({ topic: 'letters', fromBeginning: true })
  const values: string[] = []
  await new Promise<void>((resolve, reject) => {
    consumer.on(consumer.events.CRASH, ({ payload }) => reject(payload.error))
    consumer.run({
      eachMessage: async ({ message }) => {
        values.push(String(message.value))
        if (values.length === count) resolve()
      },
    })
  })
  await consumer.stop()
  await consumer.disconnect()
  return values
}

function startOn(t: Test, data: string, ...more: string[]): OttlaProcess {
  return ottla(t, [
    'start',
    ...['--data-dir', data, '--listen', '127.0.0.1:0'],
    ...['--override', 'group.initial.rebalance.delay.ms=0', '--override', 'offsets.topic.num.partitions=1'],
    ...more,
  ])
}

t.test('start, use, stop, start again, kill, start again, look inside', async t => {
  const data = temporaryDirectory(t)
  const first = startOn(t, data)
  const bootstrap = await first.ready()
  t.match(bootstrap, /^127\.0\.0\.1:[1-9]\d*$/, 'the port taken')
  await produce(bootstrap, ['a', 'b'])
  t.same(await consume(bootstrap, 2, 'readers'), ['a', 'b'])
  const stopped = await first.stop()
  t.match({ code: stopped.code, signal: stopped.signal }, { code: 0, signal: null })
  t.equal(stopped.stdout.trimEnd().split('\n').length, 1, 'one line on standard output')
  const log = stopped.stderr
    .trimEnd()
    .split('\n')
    .map(line => JSON.parse(line))
  t.match(log.at(0), { msg: 'starting', level: 30 })
  t.match(log.at(-1), { msg: 'stopped' })
  t.same(
    log.filter(({ level }) => level >= 40),
    [],
    'nothing to warn of',
  )

  const second = startOn(t, data)
  const again = await second.ready()
  await produce(again, ['c'])
  t.same(await consume(again, 1, 'readers'), ['c'], 'the group goes on where it was')
  second.kill('SIGKILL')
  t.match(await second.ended, { code: null, signal: 'SIGKILL' })

  const third = startOn(t, data)
  t.same(await consume(await third.ready(), 3, 'others'), ['a', 'b', 'c'], 'all that was acknowledged')
  t.match(await third.stop(), { code: 0 })
  await lookInside(t, data)
})

async function lookInside(t: Test, data: string): Promise<void> {
  const files = (name: string) => readdirSync(join(data, name)).map(file => join(data, name, file))
  const info = await ottla(t, ['storage', 'info', '--data-dir', data]).ended
  t.match(info, { code: 0, stdout: /^Found metadata: \{cluster\.id=\S+, directory\.id=\S+, node\.id=1, version=1\}$/m })
  const letters = await ottla(t, ['dump-log', '--print-records', ...files('letters-0')]).ended
  t.equal(letters.stderr, '')
  t.equal(letters.code, 0)
  t.match(letters.stdout, /^\| offset: 2 CreateTime: \d+ keySize: 5 valueSize: 1 .* key: key-c payload: c$/m)
  const offsets = await ottla(t, ['dump-log', '--offsets', ...files('__consumer_offsets-0')]).ended
  t.equal(offsets.stderr, '')
  t.match(offsets.stdout, 'key: {"type":"1","data":{"group":"readers","topic":"letters","partition":0}}')
  t.match(offsets.stdout, '"subscription":{"topics":["letters"]')
  const metadata = await ottla(t, ['dump-log', '--metadata', ...files('__cluster_metadata-0')]).ended
  t.equal(metadata.stderr, '')
  t.match(metadata.stdout, '"type":"TOPIC_RECORD","version":0,"data":{"name":"letters"')
  t.match(metadata.stdout, '"type":"REGISTER_BROKER_RECORD"')
}

t.test('a directory that was formatted first', async t => {
  const data = temporaryDirectory(t)
  t.match(await ottla(t, ['storage', 'format', '--data-dir', data, '-t', clusterId]).ended, { code: 0 })
  const broker = startOn(t, data)
  await broker.ready()
  t.match(broker.stdout, `(node 1, cluster ${clusterId})`)
})

t.test("Apache Kafka's own server.properties", async t => {
  const data = temporaryDirectory(t)
  const config = join(data, 'server.properties')
  const text = readFileSync(serverProperties, 'utf8')
    .replaceAll('//:9092', '//127.0.0.1:0')
    .replaceAll('//:9093', '//127.0.0.1:0')
    .replace(/^advertised\.listeners=.*$/m, '')
    .replace('/tmp/kraft-combined-logs', join(data, 'logs'))
  writeFileSync(config, text)
  const broker = ottla(t, ['start', '--config', config])
  await produce(await broker.ready(), ['a'])
  t.match(await broker.stop(), { code: 0 })
  t.ok(readdirSync(join(data, 'logs')).includes('letters-0'))
})

t.test('keys that make no sense here: one warning each', async t => {
  const data = temporaryDirectory(t)
  const config = join(data, 'server.properties')
  writeFileSync(config, 'zookeeper.connect=localhost:2181\nzookeeper.connection.timeout.ms=18000\nmy.own.key=1\n')
  const broker = startOn(t, join(data, 'logs'), '--config', config)
  await broker.ready()
  const { stderr } = await broker.stop()
  const warnings = stderr
    .trimEnd()
    .split('\n')
    .map(line => JSON.parse(line))
    .filter(({ level }) => level === 40)
    .map(({ msg }) => String(msg))
  for (const key of ['zookeeper.connect ', 'zookeeper.connection.timeout.ms ', 'my.own.key ']) {
    t.equal(warnings.filter(message => message.startsWith(key)).length, 1, key)
  }
})

t.test('names and addresses of listeners', async t => {
  const data = temporaryDirectory(t)
  const config = join(data, 'server.properties')
  writeFileSync(
    config,
    `${readFileSync(serverProperties, 'utf8')}
listeners=INSIDE://127.0.0.1:0,OUTSIDE://127.0.0.1:0,CONTROLLER://127.0.0.1:0
advertised.listeners=OUTSIDE://127.0.0.1:7
listener.security.protocol.map=INSIDE:PLAINTEXT,OUTSIDE:PLAINTEXT,CONTROLLER:PLAINTEXT
inter.broker.listener.name=INSIDE
log.dirs=${join(data, 'logs')}
`,
  )
  const named = ottla(t, ['start', '--config', config, '--advertise', 'localhost:1234'])
  t.equal(await named.ready(), 'localhost:1234')
  t.match(named.stderr, /"listener":"OUTSIDE","address":"127\.0\.0\.1:\d+","advertised":"127\.0\.0\.1:7"/)
  t.match(await named.stop(), { code: 0 })
  const replaced = ottla(t, ['start', '--config', config, '--listen', 'localhost:0'])
  t.match(await replaced.ready(), /^localhost:\d+$/, '--listen puts one plain listener in the place of all for clients')
})

t.test('a directory or a port that another has', async t => {
  const data = temporaryDirectory(t)
  const broker = startOn(t, data)
  const address = await broker.ready()
  const sameDirectory = await startOn(t, data).ended
  t.equal(sameDirectory.code, 1)
  t.match(sameDirectory.stderr, /lock/)
  const server = createServer()
  t.teardown(() => server.close())
  const samePort = await ottla(t, ['start', '--data-dir', join(data, 'other'), '--listen', address]).ended
  t.equal(samePort.code, 1)
  t.match(samePort.stderr, /EADDRINUSE|address already in use/)
  t.match(await ottla(t, ['ping', '--bootstrap', address]).ended, {
    code: 0,
    stdout: new RegExp(`^${address} answers`),
  })
})

t.test('the environment of a container', async t => {
  const data = temporaryDirectory(t)
  const env = {
    KAFKA_NODE_ID: '3',
    KAFKA_PROCESS_ROLES: 'broker,controller',
    KAFKA_LISTENERS: 'PLAINTEXT://127.0.0.1:0,CONTROLLER://0.0.0.0:9093',
    KAFKA_CONTROLLER_LISTENER_NAMES: 'CONTROLLER',
    KAFKA_CONTROLLER_QUORUM_VOTERS: '3@localhost:9093',
    KAFKA_LISTENER_SECURITY_PROTOCOL_MAP: 'CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT',
    KAFKA_INTER_BROKER_LISTENER_NAME: 'PLAINTEXT',
    KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR: '1',
    KAFKA_HEAP_OPTS: '-Xmx1g',
    CLUSTER_ID: clusterId,
    OTTLA_DATA_DIR: data,
    OTTLA_LISTENERS: 'PLAINTEXT://127.0.0.1:1',
  }
  const broker = ottla(t, ['start', '--env'], env)
  await broker.ready()
  t.match(broker.stdout, `(node 3, cluster ${clusterId})`)
  t.match(await broker.stop(), { code: 0 })
  const another = ottla(t, ['start', '--env'], { ...env, CLUSTER_ID: 'AAAAAAAAAAAAAAAAAAAAAw' })
  t.match(await another.ended, { code: 1, stderr: /belongs to cluster/ })
  const image = ottla(t, ['start', '--env'], {
    OTTLA_DATA_DIR: data,
    OTTLA_LISTENERS: 'PLAINTEXT://127.0.0.1:0',
    OTTLA_ADVERTISED_LISTENERS: 'PLAINTEXT://localhost:4321',
    KAFKA_NODE_ID: '3',
    KAFKA_LOG4J_ROOT_LOGLEVEL: 'ERROR',
  })
  t.equal(await image.ready(), 'localhost:4321')
  t.equal((await image.stop()).stderr, '')
})
