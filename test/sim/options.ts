/** What a simulated cluster is like: drawn from the seed, so that each seed is another world. */
import type { LinkOptions } from './network.ts'
import type { SimRandom } from './random.ts'

export interface TopicOptions {
  readonly name: string
  readonly partitions: number
  readonly replicas: number
  readonly minIsr: number
}

export type Quorum = 'alone' | 'static' | 'dynamic'

export interface ClusterOptions {
  readonly brokers: number
  /** Nodes that are nothing but controllers; with 0 the first three brokers are controllers too. */
  readonly controllers: number
  readonly quorum: Quorum
  readonly topics: readonly TopicOptions[]
  readonly settings: Readonly<Record<string, string>>
  readonly links: Partial<LinkOptions>
  readonly clockDrift: number
  readonly wallSkewMaxMs: number
  /** Acknowledged means synced: power loss must lose nothing. */
  readonly durable: boolean
}

export interface FaultOptions {
  /** A kind of fault and how often it is chosen, against the others. */
  readonly weights: Readonly<Record<Fault, number>>
  readonly everyMinMs: number
  readonly everyMaxMs: number
  readonly lastsMinMs: number
  readonly lastsMaxMs: number
  /** So many nodes may be down, paused or cut off at the same time. */
  readonly victimsMax: number
}

export const faults = [
  'kill',
  'power',
  'powerAll',
  'pause',
  'stop',
  'isolate',
  'cutOneWay',
  'cutPair',
  'stallConnection',
  'resetConnection',
  'slowDisk',
  'fullDisk',
  'failedSync',
  'corrupt',
  'clockJump',
] as const
export type Fault = (typeof faults)[number]

export const noFaults: FaultOptions = {
  weights: Object.fromEntries(faults.map(fault => [fault, 0])) as Record<Fault, number>,
  everyMinMs: 1000,
  everyMaxMs: 1000,
  lastsMinMs: 1000,
  lastsMaxMs: 1000,
  victimsMax: 0,
}

export interface WorkOptions {
  readonly plainProducers: number
  readonly idempotentProducers: number
  readonly readers: number
  readonly groupMembers: number
  /** Batches in flight of one idempotent producer and partition. */
  readonly inFlightMax: number
  readonly thinkMaxMs: number
  readonly valueBytesMax: number
  readonly requestTimeoutMs: number
}

/** 1: the protocol of older clients. 2: KIP-890. */
export type TransactionVersion = 1 | 2

export interface TransactionOptions {
  /** One transactional id each. */
  readonly writers: readonly TransactionVersion[]
  /** They copy what is in the topics into a topic of their own. */
  readonly copiers: readonly TransactionVersion[]
  readonly timeoutMs: number
  readonly abortOneIn: number
}

export interface SimOptions {
  readonly transactions: TransactionOptions
  readonly cluster: ClusterOptions
  readonly faults: FaultOptions
  readonly work: WorkOptions
  /** The phase of safety, and how long the healed cluster then has to converge. */
  readonly safetyMs: number
  readonly livenessMs: number
  /** Replicas are moved about meanwhile. */
  readonly moves: boolean
}

const between = (random: SimRandom, min: number, max: number) => min + random.below(max - min + 1)

/** `transactional`: with transactions of all sorts, whatever is drawn. */
export function drawOptions(random: SimRandom, transactional = false): SimOptions {
  const drawn = {
    cluster: drawCluster(random),
    faults: drawFaults(random),
    work: drawWork(random),
    safetyMs: between(random, 58_000, 70_000),
    livenessMs: 45_000,
    moves: random.oneIn(2),
  }
  const transactions = { ...drawTransactions(random), ...(transactional && allTransactions) }
  return { ...drawn, transactions, cluster: withCopies(drawn.cluster, transactions, random) }
}

export const noTransactions: TransactionOptions = { writers: [], copiers: [], timeoutMs: 5000, abortOneIn: 5 }

const allTransactions = { writers: [1, 2], copiers: [1, 2] } as const

export const copiesTopic = 'copies'

function drawTransactions(random: SimRandom): TransactionOptions {
  const version = () => random.pick([1, 2, 2] as const)
  return {
    writers: Array.from({ length: random.below(3) }, version),
    copiers: Array.from({ length: random.below(2) }, version),
    timeoutMs: random.pick([2000, 5000, 10_000]),
    abortOneIn: random.pick([3, 5, 10]),
  }
}

function withCopies(cluster: ClusterOptions, { copiers }: TransactionOptions, random: SimRandom): ClusterOptions {
  const transactionSettings = {
    'transaction.state.log.num.partitions': String(random.pick([1, 3])),
    'transaction.state.log.replication.factor': '3',
    'transaction.state.log.min.isr': '2',
  }
  const copies = { name: copiesTopic, partitions: between(random, 1, 2), replicas: 3, minIsr: 2 }
  return {
    ...cluster,
    topics: copiers.length > 0 ? [...cluster.topics, copies] : cluster.topics,
    settings: { ...cluster.settings, ...transactionSettings },
  }
}

/** One broker that is a whole cluster by itself. */
export function alone({ cluster, faults: chosen, ...rest }: SimOptions): SimOptions {
  return {
    ...rest,
    moves: false,
    cluster: {
      ...cluster,
      brokers: 1,
      controllers: 0,
      quorum: 'alone',
      topics: cluster.topics.map(topic => ({ ...topic, replicas: 1, minIsr: 1 })),
      settings: {
        ...cluster.settings,
        'offsets.topic.replication.factor': '1',
        'transaction.state.log.replication.factor': '1',
        'transaction.state.log.min.isr': '1',
        'min.insync.replicas': '1',
      },
    },
    faults: { ...chosen, victimsMax: 1, weights: { ...chosen.weights, cutPair: 0 } },
  }
}

export function drawCluster(random: SimRandom): ClusterOptions {
  const brokers = random.oneIn(4) ? between(random, 4, 5) : 3
  const separate = random.oneIn(5)
  const sessionMs = random.pick([1500, 2000, 3000, 6000])
  const durable = true
  const topics = Array.from({ length: between(random, 1, 2) }, (_, at) => ({
    name: `topic-${at}`,
    partitions: between(random, 1, 3),
    replicas: 3,
    minIsr: random.oneIn(4) ? 1 : 2,
  }))
  return {
    brokers,
    controllers: separate ? 3 : 0,
    quorum: random.oneIn(4) ? 'dynamic' : 'static',
    topics,
    durable,
    settings: {
      'broker.session.timeout.ms': String(sessionMs),
      'broker.heartbeat.interval.ms': String(Math.floor(sessionMs / random.pick([3, 5, 8]))),
      'controller.quorum.election.timeout.ms': String(random.pick([300, 600, 1000])),
      'controller.quorum.fetch.timeout.ms': String(random.pick([600, 1000, 2000])),
      'controller.quorum.election.backoff.max.ms': String(random.pick([100, 500, 1000])),
      // Longer than a fetch of metadata waits on its leader.
      'controller.quorum.request.timeout.ms': String(random.pick([1000, 1500, 2000])),
      'replica.lag.time.max.ms': String(random.pick([1500, 3000, 10_000])),
      'replica.fetch.wait.max.ms': String(random.pick([100, 500])),
      'replica.fetch.backoff.ms': String(random.pick([50, 200, 1000])),
      'replica.high.watermark.checkpoint.interval.ms': String(random.pick([500, 5000])),
      'num.replica.fetchers': String(random.pick([1, 1, 2])),
      'offsets.topic.num.partitions': String(random.pick([1, 3])),
      'offsets.topic.replication.factor': '3',
      'group.initial.rebalance.delay.ms': '100',
      'group.min.session.timeout.ms': '1000',
      'min.insync.replicas': '2',
      // Clocks are off by more than a day in some worlds.
      'log.message.timestamp.after.max.ms': '9223372036854775807',
      // Segments this small cannot be had by their size.
      'log.roll.ms': String(random.pick([1500, 20_000, 604_800_000])),
      'metadata.log.max.record.bytes.between.snapshots': String(random.pick([2000, 20_000, 20_971_520])),
    },
    links: random.oneIn(3)
      ? { delayMaxMs: between(random, 5, 60), spikeOneIn: 50, spikeMaxMs: between(random, 50, 600) }
      : { delayMaxMs: between(random, 1, 4) },
    clockDrift: random.pick([0, 0.001, 0.05]),
    wallSkewMaxMs: random.pick([0, 1000, 3_600_000]),
  }
}

export function drawFaults(random: SimRandom): FaultOptions {
  const weights = {} as Record<Fault, number>
  // Swarm: each seed leaves out some kinds of faults and prefers others.
  for (const fault of faults) weights[fault] = random.oneIn(2) ? 0 : between(random, 1, 8)
  if (faults.every(fault => weights[fault] === 0)) weights.kill = 1
  weights.powerAll = Math.min(weights.powerAll, 1)
  weights.corrupt = 0
  const everyMinMs = between(random, 200, 3000)
  const lastsMinMs = between(random, 50, 2000)
  return {
    weights,
    everyMinMs,
    everyMaxMs: everyMinMs * between(random, 2, 4),
    lastsMinMs,
    lastsMaxMs: lastsMinMs + between(random, 500, 10_000),
    victimsMax: random.pick([1, 1, 2, 3]),
  }
}

function drawWork(random: SimRandom): WorkOptions {
  return {
    plainProducers: between(random, 0, 2),
    idempotentProducers: between(random, 1, 2),
    readers: between(random, 1, 2),
    groupMembers: random.pick([0, 2, 3]),
    inFlightMax: random.pick([1, 2, 5]),
    thinkMaxMs: random.pick([300, 800, 2000]),
    valueBytesMax: random.pick([20, 200, 2000]),
    requestTimeoutMs: random.pick([1000, 3000, 10_000]),
  }
}
