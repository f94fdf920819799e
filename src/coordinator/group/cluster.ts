/** What groups need to know of the cluster: its topics, and the settings of groups that can change while it runs. */

export interface GroupTopic {
  readonly name: string
  readonly id: string
  readonly partitionsCount: number
}

export interface ConsumerGroupTimes {
  readonly sessionTimeoutMs: number
  readonly heartbeatIntervalMs: number
  /** Shortest time between two assignments; 0 for every change at once. */
  readonly assignmentIntervalMs: number
}

export interface GroupCluster {
  /** Level of the feature `group.version`. */
  groupVersion(): number
  /** Changes whenever a topic comes, goes, or gets other partitions or racks. */
  topicsVersion(): number
  /** Offset in the metadata log up to which no topic has come or gone since. */
  topicNamesVersion(): number
  topic(name: string): GroupTopic | null
  topicName(id: string): string | null
  topicNames(): Iterable<string>
  /** Of the topic's id, partitions and their racks; 0 for one that does not exist. */
  topicHash(name: string): bigint
  consumerTimes(groupId: string): ConsumerGroupTimes
}
