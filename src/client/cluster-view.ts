/** What a cluster last told of itself: its brokers, and of the topics that were asked about, who leads what. */
import { Errors } from '../../protocol/errors.ts'
import type { metadata } from '../../protocol/messages/03-metadata.ts'
import type { DecodedResponseOf } from '../../protocol/schema.ts'
import type { Endpoint } from '../host/host.ts'

export interface BrokerView extends Endpoint {
  readonly id: number
  readonly rack: string | null
}

export interface PartitionView {
  readonly partition: number
  /** -1 for none. */
  readonly leader: number
  readonly leaderEpoch: number
  readonly replicas: readonly number[]
  readonly isr: readonly number[]
  readonly offline: readonly number[]
  readonly errorCode: number
}

export interface TopicView {
  readonly name: string
  /** `zeroUuid` from clusters that know no topic ids. */
  readonly id: string
  readonly internal: boolean
  /** In the order of their numbers. */
  readonly partitions: readonly PartitionView[]
}

export type MetadataAnswer = DecodedResponseOf<typeof metadata>

export class ClusterView {
  readonly brokers = new Map<number, BrokerView>()
  readonly topics = new Map<string, TopicView>()
  clusterId: string | null = null
  controllerId = -1

  /** Takes over an answer. Topics that it has an error for are forgotten. */
  learn(answer: MetadataAnswer): void {
    this.clusterId = answer.clusterId
    this.controllerId = answer.controllerId
    this.brokers.clear()
    for (const { nodeId: id, host, port, rack } of answer.brokers) this.brokers.set(id, { id, host, port, rack })
    for (const topic of answer.topics) {
      if (topic.name === null) continue
      if (topic.errorCode === Errors.NONE) this.topics.set(topic.name, topicView(topic))
      else this.topics.delete(topic.name)
    }
  }

  leaderOf(topic: string, partition: number): number {
    return this.topics.get(topic)?.partitions.find(each => each.partition === partition)?.leader ?? -1
  }
}

export function topicView(topic: MetadataAnswer['topics'][number]): TopicView {
  const partitions = topic.partitions.map(each => ({
    partition: each.partitionIndex,
    leader: each.leaderId,
    leaderEpoch: each.leaderEpoch,
    replicas: each.replicaNodes,
    isr: each.isrNodes,
    offline: each.offlineReplicas,
    errorCode: each.errorCode,
  }))
  partitions.sort((a, b) => a.partition - b.partition)
  return { name: topic.name ?? '', id: topic.topicId, internal: topic.isInternal, partitions }
}
