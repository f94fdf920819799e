/**
 * The controller: decides what changes in the cluster while this node leads the metadata quorum. Each leadership begins
 * with a fresh machine over what is committed and ends by dropping it. Every answer is given when what it speaks of is
 * committed, those to clients also when this node's own metadata shows it.
 */
import { Errors, KafkaError } from '../../protocol/errors.ts'
import type { BrokerConfig } from '../config/broker.ts'
import type { Host } from '../host/host.ts'
import type { Watermark } from '../lib/watermark.ts'
import type { ReplicatedLog } from '../machine/machine.ts'
import { Shard } from '../machine/shard.ts'
import type { MetadataRecord } from '../metadata/records.ts'
import type { MetadataState } from '../metadata/state.ts'
import type { GoneBroker } from './broker-links.ts'
import { watchBrokers } from './broker-watch.ts'
import type { ControllerRecord } from './context.ts'
import type {
  Allowance,
  AlteredTopic,
  ControllerEvent,
  ControllerRegistration,
  ControllerReply,
  CreatedTopic,
  DeletedTopic,
  DirectoryAssignment,
  DirectoryOutcome,
  ElectedTopic,
  FeatureUpdate,
  Heartbeat,
  HeartbeatAnswer,
  MorePartitions,
  NewTopic,
  QuestionName,
  Questions,
  QuotaAlteration,
  QuotaOutcome,
  ReassignedTopic,
  Registration,
  ResourceChange,
  ResourceOutcome,
  TopicInSyncChanges,
  TopicOutcome,
  TopicPartitions,
  TopicReassignment,
  TopicReassignments,
  TopicReference,
} from './events.ts'
import { ControllerMachine, controllerCodec } from './machine.ts'

export type {
  AlteredTopic,
  Assignment,
  ConfigOperation,
  ControllerRegistration,
  CreatedTopic,
  DeletedTopic,
  Heartbeat,
  HeartbeatAnswer,
  MorePartitions,
  NewTopic,
  Registration,
  ResourceChange,
  ResourceOutcome,
  TopicInSyncChanges,
  TopicOutcome,
  TopicReference,
} from './events.ts'
export { configOperations } from './events.ts'

export interface ControllerOptions {
  readonly host: Pick<Host, 'clock' | 'random' | 'log'>
  readonly config: BrokerConfig
  readonly clusterId: string
  /** The metadata log. */
  readonly log: ReplicatedLog
  /** What is committed, as this node knows it: where each leadership begins. */
  readonly metadata: MetadataState
  /** Everything below this offset of the log is in `metadata`. */
  readonly applied: Watermark
  /** How far this node serves what the metadata tells: answers to clients wait for it. */
  readonly served: Watermark
  /** What is written first to the log of a new cluster. */
  readonly bootstrapRecords: readonly MetadataRecord[]
}

export interface AllowedOptions {
  readonly validateOnly?: boolean
  readonly allowance?: Allowance
}

/** An answer that is true is given after this long even if this node itself does not show it yet. */
const servedTimeoutMs = 5000
/** When the metadata log could not be read, it is read again after this long. */
const reloadMs = 500

type ControllerShard = Shard<ControllerEvent, ControllerRecord, ControllerReply>

export class Controller {
  readonly #options: ControllerOptions
  #shard: ControllerShard | null = null

  constructor(options: ControllerOptions) {
    this.#options = options
  }

  /** This node decides: every question is answered NOT_CONTROLLER otherwise. */
  get isActive(): boolean {
    return this.#shard?.state === 'active'
  }

  /**
   * This node leads the metadata quorum, and everything before its epoch is committed. Resolves when it answers, or when it
   * leads no more; never rejects.
   */
  async elected(): Promise<void> {
    this.resigned()
    const { clock } = this.#options.host
    for (;;) {
      const state = this.#options.metadata.clone()
      const shard = this.#freshShard(state)
      this.#shard = shard
      await shard.load()
      if (this.#shard !== shard) return
      if (shard.state === 'active') return watchBrokers(state, this.#options.host.log)
      // The log could not be read. A leader without a controller would leave the cluster without one.
      await new Promise<void>(resolve => clock.after(reloadMs, resolve))
      if (this.#shard !== shard) return
    }
  }

  /** Another node leads, or nobody. */
  resigned(): void {
    this.#shard?.drop()
    this.#shard = null
  }

  close(): void {
    this.resigned()
  }

  /** The broker starts fenced. Resolves with its epoch. Throws KafkaError. */
  registerBroker(registration: Registration): Promise<{ readonly brokerEpoch: number }> {
    return this.#ask('registerBroker', { registration })
  }

  /** The broker lives; what it wants to be next. Throws KafkaError. */
  heartbeat(beat: Heartbeat): Promise<HeartbeatAnswer> {
    return this.#ask('heartbeat', { beat })
  }

  /** The process of a broker is gone; matters while this node decides. */
  loseBroker({ brokerId, brokerEpoch, sinceMs }: GoneBroker): void {
    if (!this.isActive) return
    this.#options.host.log.info({ brokerId, brokerEpoch }, 'the process of a broker is gone')
    // What cannot be written now the broker's session will bring about.
    this.#shard?.submit({ question: 'loseBroker', brokerId, brokerEpoch, sinceMs })
  }

  /** The broker is gone for good. Throws KafkaError. */
  async unregisterBroker(brokerId: number): Promise<void> {
    await this.#ask('unregisterBroker', { brokerId })
  }

  /** Throws KafkaError. */
  async registerController(registration: ControllerRegistration): Promise<void> {
    await this.#ask('registerController', { registration })
  }

  /** One outcome for each partition, in order. Throws KafkaError when the request fails as a whole. */
  alterPartitions(
    brokerId: number,
    brokerEpoch: number,
    topics: readonly TopicInSyncChanges[],
  ): Promise<readonly AlteredTopic[]> {
    return this.#ask('alterPartitions', { brokerId, brokerEpoch, topics })
  }

  /** One outcome for each topic, in order. Throws KafkaError when the request fails as a whole. */
  createTopics(topics: readonly NewTopic[], options: AllowedOptions = {}): Promise<readonly CreatedTopic[]> {
    return this.#askAndShow('createTopics', { topics, validateOnly: false, ...options })
  }

  /** Creates topics with the broker's defaults, because somebody asked for them. One outcome for each. */
  autoCreateTopics(names: readonly string[]): Promise<readonly CreatedTopic[]> {
    if (names.length === 0) return Promise.resolve([])
    return this.createTopics(
      names.map(name => ({ name, partitionsCount: -1, replicationFactor: -1, assignments: [], configs: [] })),
    )
  }

  /** One outcome for each topic, in order. Throws KafkaError when the request fails as a whole. */
  deleteTopics(
    topics: readonly TopicReference[],
    { allowance }: AllowedOptions = {},
  ): Promise<readonly DeletedTopic[]> {
    return this.#askAndShow('deleteTopics', { topics, allowance })
  }

  /** One outcome for each topic, in order. Throws KafkaError when the request fails as a whole. */
  createPartitions(topics: readonly MorePartitions[], options: AllowedOptions = {}): Promise<readonly TopicOutcome[]> {
    return this.#askAndShow('createPartitions', { topics, validateOnly: false, ...options })
  }

  /** One outcome for each entity, in order. Throws KafkaError when the request fails as a whole. */
  alterQuotas(entries: readonly QuotaAlteration[], validateOnly: boolean): Promise<readonly QuotaOutcome[]> {
    return this.#askAndShow('alterQuotas', { entries, validateOnly })
  }

  /** Sets, deletes, appends and subtracts. One outcome for each resource, in order. Throws KafkaError. */
  incrementalAlterConfigs(
    resources: readonly ResourceChange[],
    options: { validateOnly?: boolean } = {},
  ): Promise<readonly ResourceOutcome[]> {
    return this.#askAndShow('alterConfigs', { resources, replace: false, validateOnly: options.validateOnly ?? false })
  }

  /** Sets what is named and deletes everything else of each resource. Throws KafkaError. */
  replaceConfigs(
    resources: readonly ResourceChange[],
    options: { validateOnly?: boolean } = {},
  ): Promise<readonly ResourceOutcome[]> {
    return this.#askAndShow('alterConfigs', { resources, replace: true, validateOnly: options.validateOnly ?? false })
  }

  /** `topics` null: every partition that needs it. Throws KafkaError when the request fails as a whole. */
  electLeaders(electionType: number, topics: readonly TopicPartitions[] | null): Promise<readonly ElectedTopic[]> {
    return this.#askAndShow('electLeaders', { electionType, topics })
  }

  /** One outcome for each partition, in order. Throws KafkaError. */
  alterReassignments(
    topics: readonly TopicReassignment[],
    options: { allowReplicationFactorChange: boolean },
  ): Promise<readonly ReassignedTopic[]> {
    return this.#askAndShow('alterReassignments', { topics, ...options })
  }

  /** What is on the move; `topics` null: of all. Throws KafkaError. */
  listReassignments(topics: readonly TopicPartitions[] | null): Promise<readonly TopicReassignments[]> {
    return this.#ask('listReassignments', { topics })
  }

  /** All together or none. Throws KafkaError. */
  async updateFeatures(updates: readonly FeatureUpdate[], options: { validateOnly?: boolean } = {}): Promise<void> {
    await this.#askAndShow('updateFeatures', { updates, validateOnly: options.validateOnly ?? false })
  }

  /** One outcome for each partition, in order. Throws KafkaError. */
  assignDirectories(
    brokerId: number,
    brokerEpoch: number,
    directories: readonly DirectoryAssignment[],
  ): Promise<readonly DirectoryOutcome[]> {
    return this.#ask('assignDirectories', { brokerId, brokerEpoch, directories })
  }

  /** A block of producer ids that nobody else gets. Throws KafkaError. */
  allocateProducerIds(
    brokerId: number,
    brokerEpoch: number,
  ): Promise<{ readonly firstId: number; readonly count: number }> {
    return this.#ask('allocateProducerIds', { brokerId, brokerEpoch })
  }

  #freshShard(state: MetadataState): ControllerShard {
    const { host, config, clusterId, log, applied, bootstrapRecords } = this.#options
    const nextOffset = () => log.logEndOffset
    const machine = new ControllerMachine({ state, config, clusterId, bootstrapRecords, nextOffset })
    return new Shard(machine, controllerCodec, log, host, { loadFrom: applied.value })
  }

  async #ask<K extends QuestionName>(question: K, ask: Questions[K]['ask']): Promise<Questions[K]['answer']> {
    if (!this.#shard) throw new KafkaError(Errors.NOT_CONTROLLER)
    const reply = await this.#shard.submit({ question, ...ask } as ControllerEvent)
    if (reply.error !== null) throw new KafkaError(reply.error, reply.detail)
    return reply.answer as Questions[K]['answer']
  }

  async #askAndShow<K extends QuestionName>(question: K, ask: Questions[K]['ask']): Promise<Questions[K]['answer']> {
    const answer = await this.#ask(question, ask)
    await this.#shown()
    return answer
  }

  /** A client that was told of a topic must find it at this node. */
  #shown(): Promise<void> {
    const { host, log, served } = this.#options
    return new Promise(resolve => {
      const cancelDeadline = host.clock.after(servedTimeoutMs, () => {
        waiter.cancel()
        resolve()
      })
      // When this node's metadata failed, the node is about to stop; the answer itself is true.
      const waiter = served.reached(log.committed.value, () => {
        cancelDeadline()
        resolve()
      })
    })
  }
}
