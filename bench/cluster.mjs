/**
 * Three brokers, replication 3, min.insync.replicas 2: Ottla and Apache Kafka, one after the other on one machine.
 *
 *   npm run bench -- --cluster                        everything
 *   npm run bench -- --cluster --targets kafka --parts load,failover,many,reassign --partitions 10000
 *
 * Raw figures are added to bench/cluster-results.json, so that parts may be measured one by one; the table shows all of them.
 */
import { execFile, execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { parseArgs, promisify } from 'node:util'
import { startCluster, until } from '../compat/lib/clusters.mjs'
import { ask, partitionsOf } from '../compat/lib/wire.mjs'
import {
  alterPartitionReassignments,
  createTopics,
  incrementalAlterConfigs,
  listOffsets,
  listPartitionReassignments,
  metadata,
} from '../dist/protocol/index.js'

const { values: options } = parseArgs({
  options: {
    cluster: { type: 'boolean' },
    targets: { type: 'string', default: 'ottla,kafka' },
    parts: { type: 'string', default: 'load,failover,many,reassign' },
    megabytes: { type: 'string', default: '600' },
    partitions: { type: 'string', default: '10000' },
    replication: { type: 'string', default: '3' },
    out: { type: 'string', default: 'bench/cluster-results.json' },
  },
})

const run = promisify(execFile)
const clientPath = '.cache/bench/client'
const pause = ms => new Promise(resolve => setTimeout(resolve, ms))
const now = () => performance.now()

function buildClient() {
  if (existsSync(clientPath)) return
  mkdirSync('.cache/bench', { recursive: true })
  execFileSync('cc', ['-O2', '-o', clientPath, 'bench/client.c', '-lrdkafka', '-lpthread'], { stdio: 'inherit' })
}

async function client(...args) {
  const { stdout } = await run(clientPath, args.map(String), { timeout: 300_000 })
  return JSON.parse(stdout)
}

/** Heap and collector of Apache Kafka as its own start script sets them. */
function start(kind, settings = {}) {
  return startCluster({
    kind,
    heap: '1g',
    environment: { OTTLA_KAFKA_JVM: '-XX:+UseG1GC -XX:MaxGCPauseMillis=20 -server' },
    settings: { 'min.insync.replicas': 2, 'default.replication.factor': 3, ...settings },
    readyMs: 240_000,
  })
}

async function create(cluster, topics) {
  const request = { topics, timeoutMs: 120_000, validateOnly: false }
  const answer = await ask(cluster.nodes[0].bootstrap, createTopics, 7, request, 130_000)
  for (const { name, errorCode, errorMessage } of answer.topics) {
    if (errorCode !== 0) throw new Error(`${name}: ${errorCode} ${errorMessage}`)
  }
}

const placed = (name, replicas, configs = {}) => ({
  name,
  numPartitions: -1,
  replicationFactor: -1,
  assignments: replicas.map((brokerIds, partitionIndex) => ({ partitionIndex, brokerIds })),
  configs: Object.entries(configs).map(([key, value]) => ({ name: key, value: String(value) })),
})

const rotated = ids => ids.map((_, i) => [...ids.slice(i), ...ids.slice(0, i)])

async function inSync(cluster, topic, timeoutMs = 60_000) {
  const probe = async () =>
    (await partitionsOf(cluster.bootstrap, topic)).every(({ isr, replicas }) => isr.length === replicas.length)
  await until(probe, timeoutMs, `${topic} to be in sync`)
}

function usage(cluster) {
  let cpuSeconds = 0
  let residentMb = 0
  for (const { pid } of cluster.nodes.filter(node => node.isRunning)) {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ')
    cpuSeconds += (Number(stat[11]) + Number(stat[12])) / 100
    residentMb += Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]) / 1024
  }
  return { cpuSeconds, residentMb }
}

const producer = ['acks=-1', 'linger.ms=5', 'batch.size=1000000', 'queue.buffering.max.kbytes=262144']
const patient = ['acks=-1', 'reconnect.backoff.max.ms=500', 'topic.metadata.refresh.fast.interval.ms=100']

/** Leaders change: a producer that is not idempotent would write some records twice. */
const once = ['acks=-1', 'enable.idempotence=true']

const parts = {
  /** Throughput and latency while all is well. */
  async load(kind, figures) {
    const began = now()
    const cluster = await start(kind)
    figures['three nodes formatted and in service ms'] = now() - began
    try {
      await pause(2000)
      figures['memory of three nodes, idle MB'] = usage(cluster).residentMb
      const ids = [1, 2, 3]
      await create(cluster, [
        placed(
          'produce',
          Array.from({ length: 10 }, (_, i) => rotated(ids)[i % 3]),
        ),
      ])
      await inSync(cluster, 'produce')
      const records = Math.round((Number(options.megabytes) * 1e6) / 1024)
      await client('produce', cluster.bootstrap, 'produce', 10, 1024, Math.round(records / 5), ...producer)
      const before = usage(cluster).cpuSeconds
      const { mbPerSecond, recordsPerSecond, seconds } = await client(
        'produce',
        cluster.bootstrap,
        'produce',
        10,
        1024,
        records,
        ...producer,
      )
      figures['produce 1 KiB x 10p, acks=all MB/s'] = mbPerSecond
      figures['produce 1 KiB x 10p, acks=all records/s'] = recordsPerSecond
      figures['produce 1 KiB x 10p, acks=all cpu s/GB'] =
        (usage(cluster).cpuSeconds - before) / ((mbPerSecond * seconds) / 1000)
      await inSync(cluster, 'produce')
      figures['memory of three nodes, after load MB'] = usage(cluster).residentMb
      const read = await client('consume', cluster.bootstrap, 'produce', 10, records, 'check.crcs=false')
      figures['consume 1 KiB x 10p MB/s'] = read.mbPerSecond
      await create(cluster, [placed('latency', [ids])])
      await inSync(cluster, 'latency')
      await client('latency', cluster.bootstrap, 'latency', 1000, 1024, 2, 'acks=-1')
      for (const rate of [200, 1000]) {
        const found = await client('latency', cluster.bootstrap, 'latency', rate, 1024, 10, 'acks=-1')
        for (const quantile of ['p50Ms', 'p99Ms', 'p999Ms'])
          figures[`end to end at ${rate}/s, acks=all ${quantile}`] = found[quantile]
      }
    } finally {
      await cluster.stop()
    }
  },

  /** The longest time that a record needed from when it was due to when it was read, while a node is killed. */
  async failover(kind, figures) {
    const cluster = await start(kind)
    try {
      for (const [victim, name] of [
        ['leader', 'gap after kill -9 of a leader ms'],
        ['controller', 'gap after kill -9 of the active controller ms'],
        ['leader, stopped', 'gap when a leader is stopped in good order ms'],
      ]) {
        const controller = await cluster.activeController()
        const others = [1, 2, 3].filter(id => id !== controller)
        const topic = `gap-${victim.replace(/\W+/g, '-')}`
        // The leader is never the controller, and no follower is ahead of another by being named first.
        await create(cluster, [placed(topic, [[others[0], controller, others[1]]])])
        await inSync(cluster, topic)
        const running = client('latency', cluster.bootstrap, topic, 200, 100, 30, ...patient)
        await pause(6000)
        const node = cluster.node(victim === 'controller' ? controller : others[0])
        await (victim === 'leader, stopped' ? node.stop() : node.kill())
        figures[name] = (await running).maxMs
        await cluster.start(node.id, 120_000)
        await inSync(cluster, topic)
      }
    } finally {
      await cluster.stop()
    }
  },

  /** Many partitions: made, restarted, taken over. */
  async many(kind, figures) {
    const count = Number(options.partitions)
    const replication = Number(options.replication)
    const name = `${count} partitions x ${replication} replicas`
    const cluster = await start(kind)
    try {
      await pause(2000)
      const perTopic = Math.min(count, 1000)
      const topics = Array.from({ length: count / perTopic }, (_, i) => ({
        name: `many-${i}`,
        numPartitions: perTopic,
        replicationFactor: replication,
        assignments: [],
        configs: [],
      }))
      const all = async (nodes, holds) => {
        for (const node of nodes) {
          const request = {
            topics: topics.map(topic => ({ name: topic.name, topicId: 'AAAAAAAAAAAAAAAAAAAAAA' })),
            allowAutoTopicCreation: false,
            includeClusterAuthorizedOperations: false,
            includeTopicAuthorizedOperations: false,
          }
          const answer = await ask(node.bootstrap, metadata, 12, request, 30_000)
          if (answer.topics.length < topics.length) return false
          const bad = answer.topics.some(topic => topic.partitions.length < perTopic || !topic.partitions.every(holds))
          if (bad) return false
        }
        return true
      }
      const led = each => each.leaderId >= 0
      const full = each => led(each) && each.isrNodes.length === replication
      const settle = (nodes, holds, what) => until(() => all(nodes, holds), 600_000, what)
      let began = now()
      for (const topic of topics) await create(cluster, [topic])
      figures[`${name}: CreateTopics answered s`] = (now() - began) / 1000
      await settle(cluster.nodes, full, 'all partitions to be in sync')
      figures[`${name}: led and in sync s`] = (now() - began) / 1000
      figures[`${name}: memory of three nodes MB`] = usage(cluster).residentMb
      began = now()
      await cluster.node(3).stop(300_000)
      figures[`${name}: one node stops in good order s`] = (now() - began) / 1000
      began = now()
      await cluster.start(3, 600_000)
      figures[`${name}: and is in service again s`] = (now() - began) / 1000
      await settle(cluster.nodes, full, 'all partitions to be in sync again')
      figures[`${name}: and in all in-sync sets s`] = (now() - began) / 1000
      began = now()
      await cluster.node(2).kill()
      const rest = cluster.nodes.filter(({ id }) => id !== 2)
      await settle(rest, each => led(each) && each.leaderId !== 2, 'all partitions to be led by others')
      figures[`${name}: kill -9 until others lead all s`] = (now() - began) / 1000
      began = now()
      await cluster.start(2, 600_000)
      await settle(cluster.nodes, full, 'all partitions to be in sync after the kill')
      figures[`${name}: killed node in all in-sync sets again s`] = (now() - began) / 1000
      await Promise.all(cluster.nodes.map(node => node.stop(300_000)))
      began = now()
      for (const node of cluster.nodes) node.start()
      await cluster.ready(600_000)
      await settle(cluster.nodes, full, 'all partitions to be in sync after the restart')
      figures[`${name}: all three restarted, in sync s`] = (now() - began) / 1000
    } finally {
      await cluster.stop()
    }
  },

  /** 100 partitions with load on them move from broker 1 to broker 3, 10 MB/s allowed. */
  async reassign(kind, figures) {
    const cluster = await start(kind)
    const allowed = 10e6
    const count = 100
    const topic = 'moved'
    const megabytes = 200
    try {
      await create(cluster, [placed(topic, Array(count).fill([1, 2]), { 'min.insync.replicas': 1 })])
      await inSync(cluster, topic)
      const filled = Math.round((megabytes * 1e6) / 1024)
      await client('produce', cluster.bootstrap, topic, count, 1024, filled, ...producer, ...once)
      await inSync(cluster, topic)
      await throttle(cluster, topic, count, allowed)
      const quiet = await client('latency', cluster.bootstrap, topic, 500, 1024, 5, ...once)
      const loaded = client('latency', cluster.bootstrap, topic, 500, 1024, 40, ...once)
      await pause(3000)
      const began = now()
      const partitions = Array.from({ length: count }, (_, partitionIndex) => ({ partitionIndex, replicas: [2, 3] }))
      const request = { timeoutMs: 60_000, topics: [{ name: topic, partitions }] }
      const answer = await ask(cluster.nodes[0].bootstrap, alterPartitionReassignments, 0, request, 60_000)
      const refused = answer.responses.flatMap(each => each.partitions).find(({ errorCode }) => errorCode !== 0)
      if (answer.errorCode || refused) throw new Error(`refused: ${answer.errorCode} ${refused?.errorMessage}`)
      const none = async () => {
        const list = { timeoutMs: 10_000, topics: null }
        return (await ask(cluster.nodes[1].bootstrap, listPartitionReassignments, 0, list)).topics.length === 0
      }
      await until(none, 300_000, 'the reassignment')
      const seconds = (now() - began) / 1000
      figures['reassignment of 100 partitions under load s'] = seconds
      figures['reassignment, MB/s (10 allowed)'] = megabytes / seconds
      figures['end to end before, p99 ms'] = quiet.p99Ms
      const { p99Ms, records } = await loaded
      figures['end to end during the reassignment, p99 ms'] = p99Ms
      const moved = await partitionsOf(cluster.bootstrap, topic)
      if (!moved.every(({ replicas }) => String(replicas) === '2,3')) throw new Error('not all partitions moved')
      figures['records lost in the reassignment'] =
        filled + quiet.records + records - (await endOffsets(cluster, topic, moved))
    } finally {
      await cluster.stop()
    }
  },
}

/** These replicas of all partitions, as settings name them. */
const every = (count, ...ids) => Array.from({ length: count }, (_, p) => ids.map(id => `${p}:${id}`)).join()

/** As kafka-reassign-partitions does it. */
async function throttle(cluster, topic, count, bytesPerSecond) {
  const set = entries =>
    Object.entries(entries).map(([name, value]) => ({ name, configOperation: 0, value: String(value) }))
  for (const node of cluster.nodes) {
    const rates = set({
      'leader.replication.throttled.rate': bytesPerSecond,
      'follower.replication.throttled.rate': bytesPerSecond,
    })
    const resources = [{ resourceType: 4, resourceName: String(node.id), configs: rates }]
    if (node === cluster.nodes[0]) {
      const replicas = set({
        'leader.replication.throttled.replicas': every(count, 1, 2),
        'follower.replication.throttled.replicas': every(count, 3),
      })
      resources.push({ resourceType: 2, resourceName: topic, configs: replicas })
    }
    const answer = await ask(node.bootstrap, incrementalAlterConfigs, 1, { resources, validateOnly: false })
    for (const { errorCode, errorMessage } of answer.responses)
      if (errorCode !== 0) throw new Error(`throttle: ${errorCode} ${errorMessage}`)
  }
}

async function endOffsets(cluster, topic, partitions) {
  let total = 0
  for (const { id, bootstrap } of cluster.nodes) {
    const mine = partitions.flatMap(({ leader }, index) => (leader === id ? [index] : []))
    if (mine.length === 0) continue
    const request = {
      replicaId: -1,
      isolationLevel: 0,
      topics: [
        {
          name: topic,
          partitions: mine.map(partitionIndex => ({ partitionIndex, currentLeaderEpoch: -1, timestamp: -1 })),
        },
      ],
    }
    const answer = await ask(bootstrap, listOffsets, 7, request)
    for (const { offset } of answer.topics[0].partitions) total += offset
  }
  return total
}

function table(results) {
  const names = Object.keys(results)
  const rows = [...new Set(names.flatMap(name => Object.keys(results[name])))]
  const lines = [`| | ${names.join(' | ')} | ottla / kafka |`, `| --- |${' ---: |'.repeat(names.length + 1)}`]
  const shown = value => (value === undefined ? '' : value >= 100 || value === 0 ? value.toFixed(0) : value.toFixed(2))
  for (const row of rows) {
    const { ottla, kafka } = results
    const ratio = ottla?.[row] !== undefined && kafka?.[row] ? (ottla[row] / kafka[row]).toFixed(2) : ''
    lines.push(`| ${row} | ${names.map(name => shown(results[name][row])).join(' | ')} | ${ratio} |`)
  }
  return lines.join('\n')
}

buildClient()
const results = existsSync(options.out) ? JSON.parse(readFileSync(options.out, 'utf8')) : {}
for (const target of options.targets.split(',')) {
  results[target] ??= {}
  for (const part of options.parts.split(',')) {
    process.stderr.write(`measuring ${part} of ${target}\n`)
    try {
      await parts[part](target, results[target])
    } catch (error) {
      process.exitCode = 1
      process.stderr.write(`${part} of ${target} was not measured: ${error.stderr ?? error.stack}\n`)
    }
    writeFileSync(options.out, `${JSON.stringify(results, null, 2)}\n`)
  }
}
console.log(table(results))
