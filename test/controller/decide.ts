import { parseBrokerConfig } from '../../src/config/broker.ts'
import type { ControllerRecord } from '../../src/controller/context.ts'
import type {
  ControllerEvent,
  ControllerReply,
  Heartbeat,
  Questions,
  Registration,
} from '../../src/controller/events.ts'
import { ControllerMachine } from '../../src/controller/machine.ts'
import type { Outcome } from '../../src/machine/machine.ts'
import { maxMetadataVersion, supportedFeatures } from '../../src/metadata/features.ts'
import type { MetadataRecord } from '../../src/metadata/records.ts'
import { MetadataState } from '../../src/metadata/state.ts'
import { SimRandom } from '../sim/random.ts'

export const clusterId = 'AAAAAAAAAAAAAAAAAAAACg'

/** The one directory of a broker. */
export const directoryOf = (brokerId: number, nth = 0) =>
  Buffer.from(`dir ${String(nth).padStart(4)} ${String(brokerId).padStart(7)}`.padEnd(16)).toString('base64url')

export const features = supportedFeatures.map(({ name, minVersion, maxVersion }) => ({
  name,
  minSupportedVersion: minVersion,
  maxSupportedVersion: maxVersion,
}))

export const level = (name: string, featureLevel: number) =>
  ({ kind: 'featureLevel', version: 0, value: { name, featureLevel } }) as const

export const levels = (metadataVersion = maxMetadataVersion, elr = 0): MetadataRecord[] => [
  level('metadata.version', metadataVersion),
  ...(elr > 0 ? [level('eligible.leader.replicas.version', elr)] : []),
]

/** No-op records would stand between what a test looks at. */
const quiet = { 'metadata.max.idle.interval.ms': '0' }

interface Due {
  readonly atMs: number
  readonly event: ControllerEvent
}

/** A controller without a log: what it decides is applied at once, and time goes on when told. */
export class Decider {
  readonly state: MetadataState
  readonly records: MetadataRecord[] = []
  readonly timers = new Map<string, Due>()
  nowMs = 1000
  #machine: ControllerMachine
  readonly #config
  readonly #random: SimRandom
  #bootstrapRecords: readonly MetadataRecord[] = []

  constructor(settings: Record<string, string> = {}, seed = 7) {
    this.#config = parseBrokerConfig(new Map(Object.entries({ ...quiet, ...settings })))
    this.#random = new SimRandom(seed)
    this.state = new MetadataState()
    this.#machine = this.#fresh()
  }

  #fresh(): ControllerMachine {
    return new ControllerMachine({
      state: this.state,
      config: this.#config,
      clusterId,
      bootstrapRecords: this.#bootstrapRecords,
      nextOffset: () => this.records.length,
    })
  }

  get #context() {
    return { nowMs: this.nowMs, monotonicMs: this.nowMs, random: this.#random }
  }

  /** A new controller over the same records. */
  takeOver(bootstrapRecords: readonly MetadataRecord[] = this.#bootstrapRecords): readonly MetadataRecord[] {
    this.#bootstrapRecords = bootstrapRecords
    this.timers.clear()
    this.#machine = this.#fresh()
    return this.#perform(this.#machine.loaded(this.#context))
  }

  /** Decides, applies, and gives the records and the answer. */
  ask(event: ControllerEvent): { records: readonly MetadataRecord[]; reply: ControllerReply } {
    const outcome = this.#machine.decide(event, 1, this.#context)
    return { records: this.#perform(outcome), reply: outcome.replies[0][1] }
  }

  /** The answer, or the error it throws. */
  answer<K extends keyof Questions>(question: K, ask: Questions[K]['ask']): Questions[K]['answer'] {
    const { reply } = this.ask({ question, ...ask } as ControllerEvent)
    if (reply.error !== null) throw new Error(`${question} failed with ${reply.error}: ${reply.detail}`)
    return reply.answer as Questions[K]['answer']
  }

  /** Lets time pass, and runs what comes due. */
  elapse(ms: number): readonly MetadataRecord[] {
    const from = this.records.length
    const untilMs = this.nowMs + ms
    for (;;) {
      const [next] = [...this.timers].sort(([, a], [, b]) => a.atMs - b.atMs)
      if (!next || next[1].atMs > untilMs) break
      const [name, { atMs, event }] = next
      this.nowMs = Math.max(this.nowMs, atMs)
      this.timers.delete(name)
      this.ask(event)
    }
    this.nowMs = untilMs
    return this.records.slice(from)
  }

  #perform({
    records,
    timers,
  }: Outcome<ControllerEvent, ControllerRecord, ControllerReply>): readonly MetadataRecord[] {
    const written: MetadataRecord[] = []
    for (const record of records) {
      const at = { offset: this.records.length, timestampMs: 1000, leaderEpoch: 1, producerId: -1, producerEpoch: -1 }
      this.#machine.apply(record, at)
      if (record.kind === 'session') continue
      this.records.push(record)
      written.push(record)
    }
    for (const [name, timer] of Object.entries(timers)) {
      if (timer) this.timers.set(name, { atMs: this.nowMs + timer.delayMs, event: timer.event })
      else this.timers.delete(name)
    }
    return written
  }

  register(
    brokerId: number,
    more: Partial<Registration> = {},
  ): { reply: ControllerReply; records: readonly MetadataRecord[] } {
    return this.ask({
      question: 'registerBroker',
      registration: {
        brokerId,
        clusterId,
        incarnationId: this.#random.uuid(),
        endpoints: [{ name: 'PLAINTEXT', host: 'localhost', port: 9092, securityProtocol: 0 }],
        features,
        rack: null,
        logDirs: [directoryOf(brokerId)],
        previousBrokerEpoch: -1,
        isMigratingZkBroker: false,
        ...more,
      },
    })
  }

  /** A heartbeat of a broker that knows everything and wants to serve. */
  beat(
    brokerId: number,
    more: Partial<Heartbeat> = {},
  ): { reply: ControllerReply; records: readonly MetadataRecord[] } {
    return this.ask({
      question: 'heartbeat',
      beat: {
        brokerId,
        brokerEpoch: this.epochOf(brokerId),
        currentMetadataOffset: this.records.length - 1,
        wantFence: false,
        wantShutDown: false,
        offlineLogDirs: [],
        cordonedLogDirs: null,
        ...more,
      },
    })
  }

  epochOf(brokerId: number): number {
    return this.state.brokers.get(brokerId)?.epoch ?? -1
  }

  /** Registers brokers and lets them in; returns their epochs. Those that were there before have stopped. */
  brokers(...ids: number[]): number[] {
    return ids.map(brokerId => {
      if (this.state.brokers.has(brokerId)) this.stop(brokerId)
      this.register(brokerId, { previousBrokerEpoch: this.epochOf(brokerId) })
      this.beat(brokerId)
      return this.epochOf(brokerId)
    })
  }

  /** The broker is fenced and has said goodbye. */
  stop(brokerId: number): readonly MetadataRecord[] {
    return this.beat(brokerId, { wantFence: true, wantShutDown: true }).records
  }

  begin(metadataVersion = maxMetadataVersion, elr = 0): this {
    this.takeOver(levels(metadataVersion, elr))
    return this
  }

  topic(name: string, partitionsCount = 1, replicationFactor = 1): void {
    const topic = { name, partitionsCount, replicationFactor, assignments: [], configs: [] }
    this.answer('createTopics', { topics: [topic], validateOnly: false })
  }

  /** A topic whose partitions have these replicas. */
  assigned(name: string, ...replicas: number[][]): void {
    const assignments = replicas.map((brokerIds, partitionIndex) => ({ partitionIndex, brokerIds }))
    const topic = { name, partitionsCount: -1, replicationFactor: -1, assignments, configs: [] }
    this.answer('createTopics', { topics: [topic], validateOnly: false })
  }

  partition(topic: string, index = 0) {
    const partition = this.state.partition(topic, index)
    if (!partition) throw new Error(`no partition ${topic}-${index}`)
    return partition
  }

  /** The leader asks for this in-sync set. */
  alter(topic: string, isr: readonly number[], more: { index?: number; leaderRecoveryState?: number } = {}) {
    const { leader, leaderEpoch, partitionEpoch } = this.partition(topic, more.index)
    const [{ partitions }] = this.answer('alterPartitions', {
      brokerId: leader,
      brokerEpoch: this.epochOf(leader),
      topics: [
        {
          topicId: this.state.topicId(topic) ?? '',
          partitions: [
            {
              partitionIndex: more.index ?? 0,
              leaderEpoch,
              partitionEpoch,
              isr: isr.map(brokerId => ({ brokerId, brokerEpoch: this.epochOf(brokerId) })),
              leaderRecoveryState: more.leaderRecoveryState ?? 0,
            },
          ],
        },
      ],
    })
    return partitions[0]
  }
}
