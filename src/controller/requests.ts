/** What a broker asks of the controller for itself, wherever the controller is. */
import { Errors, KafkaError } from '../../protocol/errors.ts'
import { createTopics } from '../../protocol/messages/19-create-topics.ts'
import { alterPartition } from '../../protocol/messages/56-alter-partition.ts'
import { allocateProducerIds } from '../../protocol/messages/67-allocate-producer-ids.ts'
import { assignReplicasToDirs } from '../../protocol/messages/73-assign-replicas-to-dirs.ts'
import type { DecodedResponseOf, RequestInputOf } from '../../protocol/schema.ts'
import type { Host } from '../host/host.ts'
import type { Watermark } from '../lib/watermark.ts'
import type { MetadataState } from '../metadata/state.ts'
import type { ControllerChannel } from './channel.ts'
import { whenShown } from './shown.ts'

export interface RequestsOptions {
  readonly host: Pick<Host, 'clock'>
  readonly channel: Pick<ControllerChannel, 'request'>
  readonly brokerId: number
  readonly brokerEpoch: () => number
  readonly metadata: MetadataState
  /** Everything below is in this broker's metadata, and its files are in place. */
  readonly served: Watermark
  readonly timeoutMs: number
}

export interface WantedTopic {
  readonly name: string
  /** -1: the default. */
  readonly partitionsCount: number
  /** -1: the default. */
  readonly replicationFactor: number
  readonly configs: readonly { readonly name: string; readonly value: string }[]
}

export interface WantedTopicOutcome {
  readonly name: string
  readonly errorCode: number
  readonly errorMessage: string | null
}

export class ControllerRequests {
  readonly #options: RequestsOptions

  constructor(options: RequestsOptions) {
    this.#options = options
  }

  /** One outcome for each topic. Those that are there now can be used at once at this broker. Throws KafkaError. */
  async createTopics(topics: readonly WantedTopic[]): Promise<readonly WantedTopicOutcome[]> {
    const { channel, host, metadata, served, timeoutMs } = this.#options
    const response = await channel.request(
      createTopics,
      {
        topics: topics.map(({ name, partitionsCount, replicationFactor, configs }) => ({
          name,
          numPartitions: partitionsCount,
          replicationFactor,
          assignments: [],
          configs: configs.map(config => ({ ...config })),
        })),
        timeoutMs,
      },
      { timeoutMs, lane: 'topics', isElsewhere },
    )
    const there = response.topics.filter(({ errorCode }) => isThere(errorCode))
    await whenShown(host.clock, served, () => there.every(({ name }) => metadata.topics.has(name)))
    return response.topics
  }

  /** A block of ids that nobody else gets. Throws KafkaError. */
  async allocateProducerIds(): Promise<{ readonly firstId: number; readonly count: number }> {
    const { channel, brokerId, brokerEpoch, timeoutMs } = this.#options
    const body = { brokerId, brokerEpoch: brokerEpoch() }
    const { errorCode, producerIdStart, producerIdLen } = await channel.request(allocateProducerIds, body, {
      timeoutMs,
    })
    if (errorCode !== Errors.NONE) throw new KafkaError(Errors.COORDINATOR_LOAD_IN_PROGRESS)
    return { firstId: producerIdStart, count: producerIdLen }
  }

  /** Throws KafkaError when no controller answers. */
  alterPartition(request: RequestInputOf<typeof alterPartition>): Promise<DecodedResponseOf<typeof alterPartition>> {
    const { channel, timeoutMs } = this.#options
    return channel.request(alterPartition, request, { timeoutMs, lane: 'in-sync' })
  }

  /** Throws KafkaError when no controller answers. */
  assignDirectories(
    request: RequestInputOf<typeof assignReplicasToDirs>,
  ): Promise<DecodedResponseOf<typeof assignReplicasToDirs>> {
    const { channel, timeoutMs } = this.#options
    return channel.request(assignReplicasToDirs, request, { timeoutMs, lane: 'in-sync' })
  }
}

function isElsewhere({ topics }: DecodedResponseOf<typeof createTopics>): boolean {
  return topics.some(({ errorCode }) => errorCode === Errors.NOT_CONTROLLER)
}

function isThere(errorCode: number): boolean {
  return errorCode === Errors.NONE || errorCode === Errors.TOPIC_ALREADY_EXISTS
}
