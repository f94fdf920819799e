/** A member of a group of the consumer protocol, as a value: a change replaces it. */
import type { Protocol } from '../events.ts'

/** Partition indexes by topic id, ascending. */
export type Assignment = ReadonlyMap<string, readonly number[]>

/** By topic id and partition: the member epoch with which it was assigned (KIP-1251). */
export type OwnedPartitions = ReadonlyMap<string, ReadonlyMap<number, number>>

/** As Kafka numbers them in its records. */
export const memberStates = { stable: 0, unrevoked: 1, unreleased: 2, unknown: 127 } as const
export type MemberState = (typeof memberStates)[keyof typeof memberStates]

/** Epochs with a meaning of their own. */
export const joinEpoch = 0
export const leaveEpoch = -1
/** A static member that will be back. */
export const leaveStaticEpoch = -2

/** What a member of the classic protocol that lives in this group has said of itself. */
export interface ClassicTerms {
  readonly sessionTimeoutMs: number
  readonly protocols: readonly Protocol[]
}

/** What a member says of itself. */
export interface MemberTerms {
  readonly instanceId: string | null
  readonly rackId: string | null
  readonly clientId: string
  readonly clientHost: string
  /** Sorted, each once. */
  readonly subscribedTopicNames: readonly string[]
  /** Null or empty for none. */
  readonly subscribedTopicRegex: string | null
  readonly rebalanceTimeoutMs: number
  readonly serverAssignor: string | null
  /** Null for a member that speaks the consumer protocol. */
  readonly classic: ClassicTerms | null
}

/** How far a member has come towards its target assignment. */
export interface MemberProgress {
  readonly memberEpoch: number
  readonly previousEpoch: number
  readonly state: MemberState
  readonly assigned: OwnedPartitions
  /** No longer assigned, but not yet known to be given up. */
  readonly revoking: OwnedPartitions
}

export interface ConsumerMember extends MemberTerms, MemberProgress {
  readonly id: string
}

const nothing: OwnedPartitions = new Map()

export const initialTerms: MemberTerms = {
  instanceId: null,
  rackId: null,
  clientId: '',
  clientHost: '',
  subscribedTopicNames: [],
  subscribedTopicRegex: null,
  rebalanceTimeoutMs: -1,
  serverAssignor: null,
  classic: null,
}

export const initialProgress: MemberProgress = {
  memberEpoch: joinEpoch,
  previousEpoch: -1,
  state: memberStates.stable,
  assigned: nothing,
  revoking: nothing,
}

export function sameNames(left: readonly string[], right: readonly string[]): boolean {
  return left.length === right.length && left.every((name, i) => name === right[i])
}

export function sameTerms(left: MemberTerms, right: MemberTerms): boolean {
  return (
    left.instanceId === right.instanceId &&
    left.rackId === right.rackId &&
    left.clientId === right.clientId &&
    left.clientHost === right.clientHost &&
    sameNames(left.subscribedTopicNames, right.subscribedTopicNames) &&
    left.subscribedTopicRegex === right.subscribedTopicRegex &&
    left.rebalanceTimeoutMs === right.rebalanceTimeoutMs &&
    left.serverAssignor === right.serverAssignor &&
    sameClassicTerms(left.classic, right.classic)
  )
}

function sameClassicTerms(left: ClassicTerms | null, right: ClassicTerms | null): boolean {
  if (left === null || right === null) return left === right
  return (
    left.sessionTimeoutMs === right.sessionTimeoutMs &&
    left.protocols.length === right.protocols.length &&
    left.protocols.every(
      ({ name, metadata }, i) => name === right.protocols[i].name && metadata.equals(right.protocols[i].metadata),
    )
  )
}

/** The part of a member that its current assignment record holds. */
export function sameProgress(left: MemberProgress, right: MemberProgress): boolean {
  return (
    left.memberEpoch === right.memberEpoch &&
    left.previousEpoch === right.previousEpoch &&
    left.state === right.state &&
    sameOwned(left.assigned, right.assigned) &&
    sameOwned(left.revoking, right.revoking)
  )
}

function sameOwned(left: OwnedPartitions, right: OwnedPartitions): boolean {
  if (left === right) return true
  if (left.size !== right.size) return false
  for (const [topicId, partitions] of left) {
    const others = right.get(topicId)
    if (others?.size !== partitions.size) return false
    for (const [partition, epoch] of partitions) if (others.get(partition) !== epoch) return false
  }
  return true
}

/** The same partitions, whatever their epochs. */
export function samePartitions(left: OwnedPartitions, right: OwnedPartitions): boolean {
  if (left === right) return true
  if (left.size !== right.size) return false
  for (const [topicId, partitions] of left) {
    const others = right.get(topicId)
    if (others?.size !== partitions.size) return false
    for (const partition of partitions.keys()) if (!others.has(partition)) return false
  }
  return true
}

export function sameAssignment(left: Assignment, right: Assignment): boolean {
  if (left === right) return true
  if (left.size !== right.size) return false
  for (const [topicId, partitions] of left) {
    const others = right.get(topicId)
    if (others?.length !== partitions.length || partitions.some((partition, i) => partition !== others[i])) return false
  }
  return true
}

/** Whether every partition of `part` is in `whole`. */
export function isPartOf(part: Assignment, whole: OwnedPartitions): boolean {
  for (const [topicId, partitions] of part) {
    const known = whole.get(topicId)
    if (partitions.some(partition => !known?.has(partition))) return false
  }
  return true
}

/** Whether `owned` holds any partition of `others`. */
export function ownsAnyOf(owned: Assignment, others: OwnedPartitions): boolean {
  for (const [topicId, partitions] of owned) {
    const known = others.get(topicId)
    if (known && partitions.some(partition => known.has(partition))) return true
  }
  return false
}
