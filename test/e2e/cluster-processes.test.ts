/** docs/cluster.md, followed on one machine: three processes of the command line, with the files that the page shows. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { Kafka, logLevel, type Producer } from 'kafkajs'
import t, { type Test } from 'tap'
import { type OttlaProcess, ottla, temporaryDirectory } from '../bin/ottla-process.ts'

const page = readFileSync(new URL('../../../docs/cluster.md', import.meta.url), 'utf8')
const machines = ['one', 'two', 'three'] as const
const topic = 'letters'

// Three processes start, are stopped and killed, on a machine that may be busy.
t.setTimeout(180_000)

type Places = Readonly<Record<(typeof machines)[number], { readonly client: number; readonly controller: number }>>

/** Null when it is taken. */
async function tryPort(port: number): Promise<number | null> {
  const server = createServer()
  const isBound = await new Promise<boolean>(resolve => {
    server.on('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => resolve(true))
  })
  const address = server.address()
  if (!isBound || address === null || typeof address === 'string') return null
  await new Promise(resolve => server.close(resolve))
  return address.port
}

async function freePort(): Promise<number> {
  const port = await tryPort(0)
  if (port === null) throw new Error('no port is free')
  return port
}

/** The first of three that follow each other. */
async function threeFreePorts(): Promise<number> {
  for (;;) {
    const port = await freePort()
    const [second, third] = [await tryPort(port + 1), await tryPort(port + 2)]
    if (second !== null && third !== null) return port
  }
}

async function places(): Promise<Places> {
  const entries = []
  for (const name of machines) entries.push([name, { client: await freePort(), controller: await freePort() }])
  return Object.fromEntries(entries)
}

/** The hosts of the page on this machine. */
function here(text: string, at: Places): string {
  return text.replace(/(\w+)\.example:(9092|9093)/g, (_, name: keyof Places, port) => {
    return `127.0.0.1:${port === '9092' ? at[name].client : at[name].controller}`
  })
}

function block(language: string): string {
  return page.split(`\`\`\`${language}\n`)[1].split('```')[0]
}

class Machines {
  readonly #configs: readonly string[]
  readonly #t: Test
  readonly running: OttlaProcess[] = []
  readonly bootstrap: readonly string[]

  private constructor(t: Test, configs: readonly string[], bootstrap: readonly string[]) {
    this.#t = t
    this.#configs = configs
    this.bootstrap = bootstrap
  }

  static async format(t: Test, quorum: 'initial controllers' | 'fixed voters'): Promise<Machines> {
    const at = await places()
    const directory = temporaryDirectory(t)
    const uuid = async () => (await ottla(t, ['storage', 'random-uuid']).ended).stdout.trim()
    const [cluster, one, two, three] = [await uuid(), await uuid(), await uuid(), await uuid()]
    const configs: string[] = []
    for (const [i, name] of machines.entries()) {
      const home = join(directory, name)
      mkdirSync(home)
      let text = block('properties')
        .replace('node.id=1', `node.id=${i + 1}`)
        .replace(/^listeners=.*$/m, line => line.replaceAll('one.example', `${name}.example`))
        .replace('/var/lib/ottla', join(home, 'data'))
      const given = ['--cluster-id', cluster]
      if (quorum === 'fixed voters') {
        const voters = /controller\.quorum\.voters=\S+?(?=`)/.exec(page)?.[0] ?? ''
        text = text.replace(/^controller\.quorum\.bootstrap\.servers=.*$/m, voters)
      } else {
        const list = /--initial-controllers (\S+)/.exec(page)?.[1] ?? ''
        const named = list.replace('ONE', one).replace('TWO', two).replace('THREE', three)
        given.push('--initial-controllers', here(named, at))
      }
      const config = join(home, 'server.properties')
      writeFileSync(config, `${here(text, at)}\nbroker.session.timeout.ms=3000\nbroker.heartbeat.interval.ms=500\n`)
      const formatted = await ottla(t, ['storage', 'format', '--config', config, ...given]).ended
      t.equal(formatted.code, 0, formatted.stderr)
      configs.push(config)
    }
    return new Machines(
      t,
      configs,
      machines.map(name => `127.0.0.1:${at[name].client}`),
    )
  }

  async start(...which: number[]): Promise<void> {
    for (const i of which) {
      this.running[i] = ottla(this.#t, ['start', '--config', this.#configs[i], '--log-level', 'warn'])
    }
    await Promise.all(which.map(i => this.running[i].ready()))
  }
}

function kafkaOf({ bootstrap }: Machines): Kafka {
  const retry = { retries: 60, initialRetryTime: 50, maxRetryTime: 500 }
  return new Kafka({ brokers: [...bootstrap], logLevel: logLevel.NOTHING, retry })
}

/** Sends one record after the other until it is told to end. */
class Load {
  readonly sent: string[] = []
  #isOver = false
  readonly #ended: Promise<void>
  #longestMs = 0

  constructor(producer: Producer) {
    this.#ended = this.#run(producer)
  }

  async end(): Promise<{ sent: readonly string[]; longestMs: number }> {
    this.#isOver = true
    await this.#ended
    return { sent: this.sent, longestMs: this.#longestMs }
  }

  async #run(producer: Producer): Promise<void> {
    while (!this.#isOver) {
      const value = `v${this.sent.length}`
      const startMs = performance.now()
      await producer.send({ topic, acks: -1, messages: [{ value }] })
      this.#longestMs = Math.max(this.#longestMs, performance.now() - startMs)
      this.sent.push(value)
    }
  }
}

async function inSync(kafka: Kafka): Promise<void> {
  const admin = kafka.admin()
  await admin.connect()
  for (;;) {
    const { topics } = await admin.fetchTopicMetadata()
    if (topics.every(({ partitions }) => partitions.every(({ isr, replicas }) => isr.length === replicas.length))) break
  }
  await admin.disconnect()
}

async function readAll(kafka: Kafka, groupId: string, count: number): Promise<string[]> {
  const consumer = kafka.consumer({ groupId, maxWaitTimeInMs: 100 })
  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: true })
  const values: string[] = []
  await new Promise<void>(resolve => {
    consumer.run({
      eachMessage: async ({ message }) => {
        values.push(String(message.value))
        if (values.length >= count) resolve()
      },
    })
  })
  await consumer.disconnect()
  return values
}

async function loadOn(kafka: Kafka): Promise<{ load: Load; producer: Producer }> {
  const admin = kafka.admin()
  await admin.connect()
  await admin.createTopics({ topics: [{ topic, numPartitions: 1, replicationFactor: 3 }] })
  await admin.disconnect()
  const producer = kafka.producer({ idempotent: true, maxInFlightRequests: 1 })
  await producer.connect()
  return { load: new Load(producer), producer }
}

t.test('a rolling restart under load: no error, nothing lost, nothing twice', async t => {
  const all = await Machines.format(t, 'initial controllers')
  await all.start(0, 1, 2)
  const kafka = kafkaOf(all)
  const { load, producer } = await loadOn(kafka)
  for (const i of [0, 1, 2]) {
    t.match(await all.running[i].stop(), { code: 0 })
    await all.start(i)
    await inSync(kafka)
  }
  const { sent, longestMs } = await load.end()
  t.comment(`${sent.length} records, the slowest took ${longestMs.toFixed(0)} ms`)
  await producer.disconnect()
  t.same(await readAll(kafka, 'readers', sent.length), sent)
  const ends = await Promise.all(all.running.map(each => each.stop()))
  t.same(
    ends.map(({ code }) => code),
    [0, 0, 0],
    'all at once',
  )
})

t.test('kill -9 of each in turn, with a fixed set of voters', async t => {
  const all = await Machines.format(t, 'fixed voters')
  await all.start(0, 1, 2)
  const kafka = kafkaOf(all)
  const { load, producer } = await loadOn(kafka)
  for (const i of [0, 1, 2]) {
    all.running[i].kill('SIGKILL')
    await all.running[i].ended
    await all.start(i)
    await inSync(kafka)
  }
  const { sent, longestMs } = await load.end()
  t.comment(`${sent.length} records, the slowest took ${longestMs.toFixed(0)} ms`)
  await producer.disconnect()
  t.same(await readAll(kafka, 'readers', sent.length), sent)
  await Promise.all(all.running.map(each => each.stop()))
})

t.test('controllers apart from brokers', async t => {
  const directory = temporaryDirectory(t)
  const quorum = `127.0.0.1:${await freePort()}`
  const clients = [`127.0.0.1:${await freePort()}`, `127.0.0.1:${await freePort()}`]
  const nodes = [
    { lines: ['process.roles=controller', `listeners=CONTROLLER://${quorum}`], given: ['--standalone'] },
    { lines: ['process.roles=broker', `listeners=PLAINTEXT://${clients[0]}`], given: [] },
    { lines: ['process.roles=broker', `listeners=PLAINTEXT://${clients[1]}`], given: [] },
  ]
  const clusterId = (await ottla(t, ['storage', 'random-uuid']).ended).stdout.trim()
  const running: OttlaProcess[] = []
  for (const [i, { lines, given }] of nodes.entries()) {
    const config = join(directory, `node-${i + 1}.properties`)
    const common = [
      `node.id=${i + 1}`,
      'controller.listener.names=CONTROLLER',
      `controller.quorum.bootstrap.servers=${quorum}`,
      `log.dirs=${join(directory, `node-${i + 1}`)}`,
    ]
    writeFileSync(config, [...common, ...lines].join('\n'))
    const formatted = await ottla(t, ['storage', 'format', '-c', config, '-t', clusterId, ...given]).ended
    t.equal(formatted.code, 0, formatted.stderr)
    running.push(ottla(t, ['start', '--config', config, '--log-level', 'warn']))
  }
  t.equal(await running[0].ready(), quorum)
  t.same([await running[1].ready(), await running[2].ready()], clients)
  const retry = { retries: 60, initialRetryTime: 50, maxRetryTime: 500 }
  const kafka = new Kafka({ brokers: clients, logLevel: logLevel.NOTHING, retry })
  const admin = kafka.admin()
  await admin.connect()
  await admin.createTopics({ topics: [{ topic, numPartitions: 2, replicationFactor: 2 }] })
  await admin.disconnect()
  const producer = kafka.producer()
  await producer.connect()
  const sendTo = (partition: number) => producer.send({ topic, acks: -1, messages: [{ partition, value: 'x' }] })
  await Promise.all([sendTo(0), sendTo(1)])
  running[1].kill('SIGKILL')
  await running[1].ended
  await Promise.all([sendTo(0), sendTo(1)])
  await producer.disconnect()
  t.match(await running[2].stop(), { code: 0 })
  t.match(await running[0].stop(), { code: 0 })
})

t.test('a node of a quorum that nobody formatted says so', async t => {
  const directory = temporaryDirectory(t)
  const config = join(directory, 'server.properties')
  writeFileSync(config, here(block('properties'), await places()).replace('/var/lib/ottla', directory))
  const refused = await ottla(t, ['start', '--config', config]).ended
  t.equal(refused.code, 1)
  t.match(refused.stderr, /No meta\.properties found .* `ottla storage format`/)
  const format = await ottla(t, ['storage', 'format', '--config', config]).ended
  t.match(format.stderr, /you must specify one of the following: --standalone, --initial-controllers/)
})

t.test('dev: a whole cluster in one process', async t => {
  const port = await threeFreePorts()
  const dev = ottla(t, ['dev', '--brokers', '3', '--port', String(port)])
  await dev.printed(/(ottla ready on \S+ \(node \d, cluster \S+\)\n){3}/)
  const { load, producer } = await loadOn(new Kafka({ brokers: [`localhost:${port}`], logLevel: logLevel.NOTHING }))
  await load.end()
  await producer.disconnect()
  t.match(await dev.stop(), { code: 0 })
})
