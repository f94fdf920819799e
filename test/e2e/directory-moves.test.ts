/** Replicas that move between the log directories of one broker, while they are written to. */
import t from 'tap'
import { Errors } from '../../protocol/errors.ts'
import {
  alterReplicaLogDirs,
  createTopics,
  describeLogDirs,
  fetch,
  incrementalAlterConfigs,
  produce,
} from '../../protocol/index.ts'
import { buildBatch } from '../../protocol/records/builder.ts'
import { compressionReady } from '../../protocol/records/compression.ts'
import { readRecords } from '../../protocol/records/record.ts'
import { Broker } from '../../src/broker.ts'
import { parseBrokerConfig } from '../../src/config/broker.ts'
import { RawClient } from '../network/raw-client.ts'
import { type SimHost, simHost } from '../sim/host.ts'

const zeroId = 'AAAAAAAAAAAAAAAAAAAAAA'
const [one, two] = ['/data/one', '/data/two']
const settings = {
  listeners: 'PLAINTEXT://broker:9092',
  'advertised.listeners': 'PLAINTEXT://broker:9092',
  'log.dirs': `${one},${two}`,
  'metadata.log.dir': '/data/metadata',
}

async function start(host: SimHost) {
  const broker = await Broker.start(parseBrokerConfig(new Map(Object.entries(settings))), host)
  const { stream } = await host.network.connect({ host: 'broker', port: 9092 }, 1000)
  return { host, broker, client: RawClient.over(stream) }
}

t.before(() => compressionReady)

type Life = Awaited<ReturnType<typeof start>>

async function makeTopic({ client }: Life) {
  const topic = { name: 't', numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] }
  await client.call(createTopics, 7, { topics: [topic], timeoutMs: 5000 })
}

/** True when it was acknowledged; what is refused while the log is exchanged was not written. */
async function write({ client }: Life, text: string): Promise<boolean> {
  const value = Buffer.from(text.padEnd(2000, '.'))
  const records = buildBatch({ records: [{ key: null, value, timestampMs: Date.UTC(2026, 0, 1) }] })
  const answer = await client.call(produce, 9, {
    transactionalId: null,
    acks: -1,
    timeoutMs: 5000,
    topicData: [{ name: 't', topicId: zeroId, partitionData: [{ index: 0, records }] }],
  })
  const code = answer?.responses[0].partitionResponses[0].errorCode
  if (code !== Errors.NONE && code !== Errors.NOT_LEADER_OR_FOLLOWER) throw new Error(`produce: error ${code}`)
  return code === Errors.NONE
}

async function texts({ client }: Life): Promise<string[]> {
  const found: string[] = []
  for (let fetchOffset = 0; ; ) {
    const partitions = [{ partition: 0, fetchOffset, partitionMaxBytes: 1e6 }]
    const limits = { maxWaitMs: 0, minBytes: 0, maxBytes: 1e6, isolationLevel: 0, rackId: '' }
    const answer = await client.call(fetch, 11, {
      ...{ replicaId: -1, sessionId: 0, sessionEpoch: -1, forgottenTopicsData: [] },
      ...limits,
      topics: [{ topic: 't', topicId: zeroId, partitions }],
    })
    const data = answer?.responses[0].partitions[0]
    if (data?.errorCode !== 0) throw new Error(`fetch at ${fetchOffset}: error ${data?.errorCode}`)
    const bytes = data.records ?? Buffer.alloc(0)
    if (bytes.length === 0) return found
    for (let at = 0; at < bytes.length; at += 12 + bytes.readInt32BE(at + 8)) {
      for (const { value, offset } of readRecords(bytes.subarray(at))) {
        fetchOffset = Number(offset) + 1
        found.push(value!.toString().replace(/\.+$/, ''))
      }
    }
  }
}

async function move({ client }: Life, path: string, partition = 0, name = 't') {
  const answer = await client.call(alterReplicaLogDirs, 2, {
    dirs: [{ path, topics: [{ name, partitions: [partition] }] }],
  })
  return answer?.results[0].partitions[0].errorCode
}

/** By directory, those of the topic; a future replica with its lag. */
async function places({ client }: Life) {
  const answer = await client.call(describeLogDirs, 4, { topics: [{ topic: 't', partitions: [0] }] })
  return (answer?.results ?? []).flatMap(({ logDir, topics }) =>
    topics.flatMap(({ partitions }) =>
      partitions.map(({ isFutureKey, offsetLag }) => ({ logDir, isFutureKey, offsetLag })),
    ),
  )
}

async function whenMoved(life: Life, to: string) {
  for (;;) {
    const found = await places(life)
    if (found.length === 1 && found[0].logDir === to) return
    await life.host.clock.sleep(20)
  }
}

async function partitionDirectories({ host }: Life) {
  const names: string[] = []
  for (const path of [one, two]) {
    for (const { name } of await host.disk.list(path)) if (name.startsWith('t-0')) names.push(`${path}/${name}`)
  }
  return names
}

t.test('a replica moves while it is written to, and stays there', async t => {
  const host = simHost(1, { slowDisk: false })
  const written: string[] = []
  const whole = async () => {
    const life = await start(host)
    await makeTopic(life)
    for (let i = 0; i < 40; i++) if (await write(life, `${i}`)) written.push(`${i}`)
    const [{ logDir: from }] = await places(life)
    const to = from === one ? two : one
    t.equal(await move(life, to), Errors.NONE)
    const moved = whenMoved(await again(life), to)
    let done = false
    void moved.then(() => {
      done = true
    })
    for (let i = 40; i < 60 || !done; i++) if (await write(life, `${i}`)) written.push(`${i}`)
    await moved
    t.same(await texts(life), written)
    t.equal((await partitionDirectories(life)).filter(name => name === `${to}/t-0`).length, 1)
    for (let i = 1000; i < 1005; i++) if (await write(life, `${i}`)) written.push(`${i}`)
    t.equal(await move(life, to), Errors.NONE, 'where it is already')
    t.equal(await move(life, '/elsewhere'), Errors.LOG_DIR_NOT_FOUND)
    t.equal(await move(life, to, 0, 'unknown'), Errors.UNKNOWN_TOPIC_OR_PARTITION)
    await life.broker.close()
    const later = await start(simHost(2, { clock: host.clock, disk: host.disk, slowDisk: false }))
    t.same(await texts(later), written)
    t.match(await places(later), [{ logDir: to, isFutureKey: false, offsetLag: 0 }])
    await later.broker.close()
  }
  await host.clock.run(whole())
  t.same(host.log.at('error'), [])
})

/** Another connection of the same life. */
async function again({ host, broker }: Life): Promise<Life> {
  const { stream } = await host.network.connect({ host: 'broker', port: 9092 }, 1000)
  return { host, broker, client: RawClient.over(stream) }
}

t.test('a move is held back by its limit, seen, and given up', async t => {
  const host = simHost(1, { slowDisk: false })
  const whole = async () => {
    const life = await start(host)
    await makeTopic(life)
    for (let i = 0; i < 800; i++) await write(life, `${i}`)
    const limit = { name: 'replica.alter.log.dirs.io.max.bytes.per.second', configOperation: 0, value: '10000' }
    await life.client.call(incrementalAlterConfigs, 1, {
      resources: [{ resourceType: 4, resourceName: '1', configs: [limit] }],
      validateOnly: false,
    })
    const [{ logDir: from }] = await places(life)
    const to = from === one ? two : one
    t.equal(await move(life, to), Errors.NONE)
    await host.clock.sleep(5000)
    const during = await places(life)
    t.match(
      during.find(({ logDir }) => logDir === to),
      { isFutureKey: true },
    )
    t.ok(during.find(({ isFutureKey }) => isFutureKey)!.offsetLag > 100, 'most is still to copy')
    t.ok((await partitionDirectories(life)).some(name => name.startsWith(`${to}/t-0.`) && name.endsWith('-future')))
    t.equal(await move(life, from), Errors.NONE, 'asked for where it is: the move ends')
    await host.clock.sleep(60_000)
    t.match(await places(life), [{ logDir: from, isFutureKey: false }])
    t.same(await partitionDirectories(life), [`${from}/t-0`])
    t.equal((await texts(life)).length, 800)
    await life.broker.close()
  }
  await host.clock.run(whole())
  t.same(host.log.at('error'), [])
})

const crashes = 20

t.test('the power fails at any moment of a move: nothing acknowledged is lost, and the move goes on', async t => {
  let between = 0
  for (let nth = 0; nth < crashes; nth++) {
    const host = simHost(100 + nth)
    const written: string[] = []
    let from = one
    let to = two
    const first = async () => {
      const life = await start(host)
      await makeTopic(life)
      for (let i = 0; i < 10; i++) if (await write(life, `${i}`)) written.push(`${i}`)
      from = (await places(life))[0].logDir
      to = from === one ? two : one
      host.disk.crashAt(host.disk.operations + 1 + nth * 4)
      await move(life, to)
      for (let i = 10; i < 200; i++) if (await write(life, `${i}`)) written.push(`${i}`)
    }
    await host.clock.run(Promise.race([first(), host.disk.down]))
    const disk = host.disk.afterPowerLoss(nth)
    const next = simHost(500 + nth, { clock: host.clock, disk })
    const second = async () => {
      const life = await start(next)
      const found = await texts(life)
      t.same(found.slice(0, written.length), written, `power failure ${nth}`)
      const [{ logDir }] = await places(life)
      t.ok(await write(life, 'after'))
      await move(life, logDir === one ? two : one)
      await whenMoved(life, logDir === one ? two : one)
      t.equal((await texts(life)).at(-1), 'after')
      if (next.log.at('warn').some(message => message.includes('this one is removed'))) between += 1
      const inUse = (await partitionDirectories(life)).filter(name => name.endsWith('/t-0'))
      t.equal(inUse.length, 1, 'it lies in one place')
      await life.broker.close()
    }
    await next.clock.run(second())
  }
  t.ok(between > 1, `${between} of them between the two renames`)
})
