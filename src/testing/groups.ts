/** Consumer groups of a double as their coordinators know them. */
import { offsetCommit } from '../../protocol/messages/08-offset-commit.ts'
import { offsetFetch } from '../../protocol/messages/09-offset-fetch.ts'
import { describeGroups } from '../../protocol/messages/15-describe-groups.ts'
import { listGroups } from '../../protocol/messages/16-list-groups.ts'
import { consumerGroupDescribe } from '../../protocol/messages/69-consumer-group-describe.ts'
import { consumerProtocolAssignment } from '../../protocol/stored/consumer-protocol.ts'
import { decodeVersioned } from '../../protocol/stored/framing.ts'
import { zeroUuid } from '../../protocol/uuid.ts'
import type { Contents } from './contents.ts'
import { check, type Insider } from './inside.ts'
import type { NamedPart } from './parts.ts'

export interface GroupMember {
  readonly memberId: string
  readonly clientId: string
  /** What it is to consume. */
  readonly partitions: readonly NamedPart[]
}

export interface GroupOffset extends NamedPart {
  /** Committed: the next record that the group will read. */
  readonly offset: number
  readonly endOffset: number
  readonly lag: number
  readonly metadata: string
}

export interface GroupState {
  readonly groupId: string
  readonly type: 'classic' | 'consumer'
  /** As Kafka names it: 'Stable', 'Empty', 'PreparingRebalance', ... */
  readonly state: string
  readonly members: readonly GroupMember[]
  readonly offsets: readonly GroupOffset[]
}

export interface NewOffset extends NamedPart {
  readonly offset: number
  readonly metadata?: string
}

const latest = -1
/** The last versions that name topics by name. */
const lastNamed = { offsetCommit: 9, offsetFetch: 9 }

export class Groups {
  readonly #insider: Insider
  readonly #contents: Contents

  constructor(insider: Insider, contents: Contents) {
    this.#insider = insider
    this.#contents = contents
  }

  /** Null for a group that does not exist. */
  async group(groupId: string): Promise<GroupState | null> {
    // First, since this alone tells a coordinator that has not taken over yet: the list of such a one is just empty.
    const offsets = await this.#offsets(groupId)
    const body = { statesFilter: [], typesFilter: [] }
    const { errorCode, groups } = await this.#insider.askCoordinator(groupId, listGroups, body)
    check(errorCode, `group ${groupId}`)
    const found = groups.find(group => group.groupId === groupId)
    if (!found) return null
    const type = found.groupType.toLowerCase() === 'consumer' ? 'consumer' : 'classic'
    const described = type === 'consumer' ? await this.#consumer(groupId) : await this.#classic(groupId)
    return { groupId, type, ...described, offsets }
  }

  /** Only for a group without members, as in Kafka. */
  async commitOffsets(groupId: string, offsets: readonly NewOffset[]): Promise<void> {
    const topics = offsets.map(({ topic, partition, offset, metadata = '' }) => ({
      name: topic,
      topicId: zeroUuid,
      partitions: [{ partitionIndex: partition, committedOffset: offset, committedMetadata: metadata }],
    }))
    const body = { groupId, memberId: '', topics }
    const answer = await this.#insider.askCoordinator(groupId, offsetCommit, body, lastNamed.offsetCommit)
    for (const { name, partitions } of answer.topics) {
      for (const { partitionIndex, errorCode } of partitions) check(errorCode, `offset of ${name}-${partitionIndex}`)
    }
  }

  async #classic(groupId: string): Promise<Pick<GroupState, 'state' | 'members'>> {
    const body = { groups: [groupId], includeAuthorizedOperations: false }
    const { groups } = await this.#insider.askCoordinator(groupId, describeGroups, body)
    const [{ errorCode, errorMessage, groupState, protocolType, members }] = groups
    check(errorCode, `group ${groupId}`, errorMessage)
    const isConsumer = protocolType === 'consumer'
    return {
      state: groupState,
      members: members.map(({ memberId, clientId, memberAssignment }) => ({
        memberId,
        clientId,
        partitions: isConsumer ? assigned(memberAssignment) : [],
      })),
    }
  }

  async #consumer(groupId: string): Promise<Pick<GroupState, 'state' | 'members'>> {
    const body = { groupIds: [groupId], includeAuthorizedOperations: false }
    const { groups } = await this.#insider.askCoordinator(groupId, consumerGroupDescribe, body)
    const [{ errorCode, errorMessage, groupState, members }] = groups
    check(errorCode, `group ${groupId}`, errorMessage)
    return {
      state: groupState,
      members: members.map(({ memberId, clientId, assignment }) => ({
        memberId,
        clientId,
        partitions: assignment.topicPartitions.flatMap(({ topicName, partitions }) =>
          partitions.map(partition => ({ topic: topicName, partition })),
        ),
      })),
    }
  }

  async #offsets(groupId: string): Promise<GroupOffset[]> {
    const groups = [{ groupId, topics: null }]
    const body = { groupId, topics: null, groups }
    const answer = await this.#insider.askCoordinator(groupId, offsetFetch, body, lastNamed.offsetFetch)
    check(answer.groups[0].errorCode, `offsets of group ${groupId}`)
    const offsets: GroupOffset[] = []
    for (const { name: topic, partitions } of answer.groups[0].topics) {
      for (const { partitionIndex: partition, committedOffset: offset, metadata, errorCode } of partitions) {
        check(errorCode, `offset of ${topic}-${partition}`)
        const endOffset = await this.#contents.offset({ topic, partition }, latest)
        offsets.push({ topic, partition, offset, endOffset, lag: endOffset - offset, metadata: metadata ?? '' })
      }
    }
    return offsets
  }
}

/** Of a member that is still waiting for its share: nothing. */
function assigned(bytes: Buffer): NamedPart[] {
  if (bytes.length === 0) return []
  const { assignedPartitions } = decodeVersioned(consumerProtocolAssignment, bytes, true)
  return assignedPartitions.flatMap(({ topic, partitions }) => partitions.map(partition => ({ topic, partition })))
}
