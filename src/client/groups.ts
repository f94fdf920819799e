/** Groups of consumers, of the classic and of the newer protocol (KIP-848). */
import { Errors } from '../../protocol/errors.ts'
import { describeGroups } from '../../protocol/messages/15-describe-groups.ts'
import { listGroups } from '../../protocol/messages/16-list-groups.ts'
import { deleteGroups } from '../../protocol/messages/42-delete-groups.ts'
import { consumerGroupDescribe } from '../../protocol/messages/69-consumer-group-describe.ts'
import { ParseError } from '../../protocol/reader.ts'
import type { DecodedResponseOf } from '../../protocol/schema.ts'
import { consumerProtocolAssignment, consumerProtocolSubscription } from '../../protocol/stored/consumer-protocol.ts'
import { decodeVersioned } from '../../protocol/stored/framing.ts'
import type { Client } from './client.ts'
import { ClientError, refusal } from './client-error.ts'
import { byTopicAndPartition, type TopicPartition } from './topic-partition.ts'
import type { Outcome } from './topics.ts'

export interface ListedGroup {
  readonly group: string
  /** `classic`, `consumer`, `share`, `streams`; '' from clusters that do not tell. */
  readonly type: string
  /** '' from clusters that do not tell. */
  readonly state: string
  /** What the members speak among themselves: `consumer`, `connect` ...; '' for none. */
  readonly protocolType: string
}

export interface GroupMember {
  readonly memberId: string
  readonly instanceId: string | null
  readonly clientId: string
  readonly host: string
  readonly subscribed: readonly string[]
  readonly assigned: readonly TopicPartition[]
  /** Of the newer protocol, otherwise null. */
  readonly epoch: number | null
}

export interface DescribedGroup {
  readonly group: string
  readonly type: 'classic' | 'consumer'
  readonly state: string
  readonly protocolType: string
  /** '' for none. */
  readonly assignor: string
  /** Of the newer protocol, otherwise null. */
  readonly epoch: number | null
  readonly members: readonly GroupMember[]
}

/** Of all coordinators, in the order of their names. */
export async function listAllGroups(client: Client): Promise<ListedGroup[]> {
  await client.refresh([])
  const groups = new Map<string, ListedGroup>()
  await Promise.all(
    [...client.view.brokers.keys()].map(async broker => {
      const answer = await client.ask(
        { broker },
        listGroups,
        { statesFilter: [], typesFilter: [] },
        { codes: ({ errorCode }) => [errorCode] },
      )
      if (answer.errorCode !== Errors.NONE) throw refusal(`groups of broker ${broker}`, answer.errorCode)
      for (const { groupId: group, groupType, groupState: state, protocolType } of answer.groups) {
        groups.set(group, { group, type: groupType.toLowerCase(), state, protocolType })
      }
    }),
  )
  return [...groups.values()].sort((a, b) => (a.group < b.group ? -1 : 1))
}

/** Throws ClientError `not-found`. */
export async function describeGroup(client: Client, group: string): Promise<DescribedGroup> {
  return (await describeConsumerGroup(client, group)) ?? (await describeClassicGroup(client, group))
}

/** Null when it is none of the newer protocol. */
async function describeConsumerGroup(client: Client, group: string): Promise<DescribedGroup | null> {
  let answer: DecodedResponseOf<typeof consumerGroupDescribe>
  try {
    answer = await client.ask(
      { group },
      consumerGroupDescribe,
      { groupIds: [group], includeAuthorizedOperations: false },
      { codes: ({ groups }) => groups.map(each => each.errorCode) },
    )
  } catch (error) {
    if (error instanceof ClientError && error.failure === 'unsupported') return null
    throw error
  }
  const [{ errorCode, errorMessage, groupState, groupEpoch, assignorName, members }] = answer.groups
  if (errorCode === Errors.GROUP_ID_NOT_FOUND || errorCode === Errors.UNSUPPORTED_VERSION) return null
  if (errorCode !== Errors.NONE) throw refusal(`group ${group}`, errorCode, errorMessage)
  return {
    group,
    type: 'consumer',
    state: groupState,
    protocolType: 'consumer',
    assignor: assignorName,
    epoch: groupEpoch,
    members: members.map(member => ({
      memberId: member.memberId,
      instanceId: member.instanceId,
      clientId: member.clientId,
      host: member.clientHost,
      subscribed: [
        ...member.subscribedTopicNames,
        ...(member.subscribedTopicRegex ? [`/${member.subscribedTopicRegex}/`] : []),
      ],
      assigned: member.assignment.topicPartitions
        .flatMap(({ topicName, partitions }) => partitions.map(partition => ({ topic: topicName, partition })))
        .sort(byTopicAndPartition),
      epoch: member.memberEpoch,
    })),
  }
}

async function describeClassicGroup(client: Client, group: string): Promise<DescribedGroup> {
  const answer = await client.ask(
    { group },
    describeGroups,
    { groups: [group], includeAuthorizedOperations: false },
    { codes: ({ groups }) => groups.map(each => each.errorCode) },
  )
  const [{ errorCode, errorMessage, groupState, protocolType, protocolData, members }] = answer.groups
  if (errorCode !== Errors.NONE) throw refusal(`group ${group}`, errorCode, errorMessage)
  // Before version 6 a group that does not exist was a dead one.
  if (groupState === 'Dead') throw refusal(`group ${group}`, Errors.GROUP_ID_NOT_FOUND)
  return {
    group,
    type: 'classic',
    state: groupState,
    protocolType,
    assignor: protocolData,
    epoch: null,
    members: members.map(({ memberId, groupInstanceId, clientId, clientHost, memberMetadata, memberAssignment }) => ({
      memberId,
      instanceId: groupInstanceId,
      clientId,
      host: clientHost,
      subscribed: protocolType === 'consumer' ? subscribedTopics(memberMetadata) : [],
      assigned: protocolType === 'consumer' ? assignedPartitions(memberAssignment) : [],
      epoch: null,
    })),
  }
}

function subscribedTopics(metadata: Buffer): string[] {
  return readOr([], () => [...decodeVersioned(consumerProtocolSubscription, metadata, true).topics])
}

/** What an assignor gave a member of a classic group. */
export function assignedPartitions(assignment: Buffer): TopicPartition[] {
  return readOr([], () =>
    decodeVersioned(consumerProtocolAssignment, assignment, true)
      .assignedPartitions.flatMap(({ topic, partitions }) => partitions.map(partition => ({ topic, partition })))
      .sort(byTopicAndPartition),
  )
}

/** Members may write there what they like; while a group rebalances there is nothing. */
function readOr<T>(nothing: T, read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (error instanceof ParseError) return nothing
    throw error
  }
}

export async function removeGroups(client: Client, groups: readonly string[]): Promise<Outcome<string>[]> {
  const outcomes: Outcome<string>[] = []
  for (const group of groups) {
    const answer = await client.ask(
      { group },
      deleteGroups,
      { groupsNames: [group] },
      { codes: ({ results }) => results.map(each => each.errorCode) },
    )
    const [{ errorCode }] = answer.results
    outcomes.push({ item: group, error: errorCode === Errors.NONE ? null : refusal(`group ${group}`, errorCode) })
  }
  return outcomes
}
