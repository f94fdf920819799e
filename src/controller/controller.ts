/**
 * The controller: decides what changes in the cluster. Every answer is given when what it speaks of is committed, and
 * when the broker's own metadata shows it.
 */
import { KafkaError } from '../../protocol/errors.ts'
import type { BrokerConfig } from '../config/broker.ts'
import type { Host } from '../host/host.ts'
import type { Watermark } from '../lib/watermark.ts'
import type { ReplicatedLog } from '../machine/machine.ts'
import { Shard } from '../machine/shard.ts'
import { type MetadataRecord, metadataCodec } from '../metadata/records.ts'
import { MetadataState } from '../metadata/state.ts'
import type {
  ControllerEvent,
  ControllerReply,
  CreatedTopic,
  DeletedTopic,
  MorePartitions,
  NewTopic,
  QuestionName,
  Questions,
  Registration,
  ResourceChange,
  ResourceOutcome,
  TopicOutcome,
  TopicReference,
} from './events.ts'
import { ControllerMachine } from './machine.ts'

export type {
  Assignment,
  ConfigOperation,
  CreatedTopic,
  DeletedTopic,
  MorePartitions,
  NewTopic,
  Registration,
  ResourceChange,
  ResourceOutcome,
  TopicOutcome,
  TopicReference,
} from './events.ts'
export { configOperations } from './events.ts'

export interface ControllerOptions {
  readonly host: Pick<Host, 'clock' | 'random' | 'log'>
  readonly config: BrokerConfig
  /** The metadata log. */
  readonly log: ReplicatedLog
  /** What the newest snapshot of the log holds. */
  readonly snapshotRecords: readonly MetadataRecord[]
  /** How far this broker's own metadata is: answers wait for it. */
  readonly applied: Watermark
}

export class Controller {
  readonly #shard: Shard<ControllerEvent, MetadataRecord, ControllerReply>
  readonly #log: ReplicatedLog
  readonly #applied: Watermark

  constructor({ host, config, log, snapshotRecords, applied }: ControllerOptions) {
    const state = new MetadataState()
    for (const record of snapshotRecords) state.apply(record, log.logStartOffset - 1)
    this.#log = log
    this.#applied = applied
    this.#shard = new Shard(new ControllerMachine(state, config, () => log.logEndOffset), metadataCodec, log, host)
  }

  /** Replays the metadata log; before that every question is answered NOT_CONTROLLER. */
  load(): Promise<void> {
    return this.#shard.load()
  }

  close(): void {
    this.#shard.drop()
  }

  /** Writes the first records of a new cluster; does nothing in one that has them. Throws KafkaError. */
  async bootstrap(records: readonly MetadataRecord[]): Promise<void> {
    await this.#ask('bootstrap', { records })
  }

  /** The broker starts fenced. Resolves with its epoch. Throws KafkaError. */
  registerBroker(registration: Registration): Promise<{ readonly brokerEpoch: number }> {
    return this.#ask('registerBroker', { registration })
  }

  /** The broker takes clients, and leads what it can lead. Throws KafkaError. */
  async unfenceBroker(brokerId: number, brokerEpoch: number): Promise<void> {
    await this.#ask('unfenceBroker', { brokerId, brokerEpoch })
  }

  /** The broker takes no clients any more and leads nothing. Throws KafkaError. */
  async fenceBroker(brokerId: number, brokerEpoch: number): Promise<void> {
    await this.#ask('fenceBroker', { brokerId, brokerEpoch })
  }

  /** One outcome for each topic, in order. Throws KafkaError when the request fails as a whole. */
  createTopics(
    topics: readonly NewTopic[],
    options: { validateOnly?: boolean } = {},
  ): Promise<readonly CreatedTopic[]> {
    return this.#ask('createTopics', { topics, validateOnly: options.validateOnly ?? false })
  }

  /** Creates topics with the broker's defaults, because somebody asked for them. One outcome for each. */
  autoCreateTopics(names: readonly string[]): Promise<readonly CreatedTopic[]> {
    if (names.length === 0) return Promise.resolve([])
    return this.createTopics(
      names.map(name => ({ name, partitionsCount: -1, replicationFactor: -1, assignments: [], configs: [] })),
    )
  }

  /** One outcome for each topic, in order. Throws KafkaError when the request fails as a whole. */
  deleteTopics(topics: readonly TopicReference[]): Promise<readonly DeletedTopic[]> {
    return this.#ask('deleteTopics', { topics })
  }

  /** One outcome for each topic, in order. Throws KafkaError when the request fails as a whole. */
  createPartitions(
    topics: readonly MorePartitions[],
    options: { validateOnly?: boolean } = {},
  ): Promise<readonly TopicOutcome[]> {
    return this.#ask('createPartitions', { topics, validateOnly: options.validateOnly ?? false })
  }

  /** Sets, deletes, appends and subtracts. One outcome for each resource, in order. Throws KafkaError. */
  incrementalAlterConfigs(
    resources: readonly ResourceChange[],
    options: { validateOnly?: boolean } = {},
  ): Promise<readonly ResourceOutcome[]> {
    return this.#ask('alterConfigs', { resources, replace: false, validateOnly: options.validateOnly ?? false })
  }

  /** Sets what is named and deletes everything else of each resource. Throws KafkaError. */
  replaceConfigs(
    resources: readonly ResourceChange[],
    options: { validateOnly?: boolean } = {},
  ): Promise<readonly ResourceOutcome[]> {
    return this.#ask('alterConfigs', { resources, replace: true, validateOnly: options.validateOnly ?? false })
  }

  /** A block of producer ids that nobody else gets. Throws KafkaError. */
  allocateProducerIds(
    brokerId: number,
    brokerEpoch: number,
  ): Promise<{ readonly firstId: number; readonly count: number }> {
    return this.#ask('allocateProducerIds', { brokerId, brokerEpoch })
  }

  async #ask<K extends QuestionName>(question: K, ask: Questions[K]['ask']): Promise<Questions[K]['answer']> {
    const reply = await this.#shard.submit({ question, ...ask } as ControllerEvent)
    if (reply.error !== null) throw new KafkaError(reply.error, reply.detail)
    await this.#shown()
    return reply.answer as Questions[K]['answer']
  }

  /** A client that was told of a topic must find it at this broker. */
  #shown(): Promise<void> {
    const committed = this.#log.committed.value
    return new Promise(resolve => {
      // When the broker's metadata failed, the broker is about to stop; the answer itself is true.
      this.#applied.reached(committed, () => resolve())
    })
  }
}
