/**
 * How one member gets from what it owns to what it shall own: it first gives up, then moves to the epoch of the target
 * assignment, and receives what nobody else owns any more.
 */
import { Errors, KafkaError } from '../../../../protocol/errors.ts'
import {
  type Assignment,
  type ConsumerMember,
  type MemberProgress,
  memberStates,
  type OwnedPartitions,
  ownsAnyOf,
  sameProgress,
} from './member.ts'

export interface Reconciliation {
  readonly targetEpoch: number
  readonly target: Assignment
  /** What the member says that it owns; null when it does not say. */
  readonly owned: Assignment | null
  /** Whether the member subscribes to a topic, which must exist. */
  isSubscribed(topicId: string): boolean
  /** Whether a member other than this one owns the partition, or has not given it up yet. */
  isTaken(topicId: string, partition: number): boolean
}

type Editable = Map<string, Map<number, number>>

/** The member's next step; its present progress when there is none. Throws KafkaError when it must join anew. */
export function reconcile(member: ConsumerMember, to: Reconciliation): MemberProgress {
  switch (member.state) {
    case memberStates.stable:
      if (member.memberEpoch !== to.targetEpoch) return advance(member, member.memberEpoch, to)
      return dropUnsubscribed(member, to)
    case memberStates.unrevoked:
      if (to.owned === null || ownsAnyOf(to.owned, member.revoking)) return dropUnsubscribed(member, to)
      return advance(member, member.memberEpoch, to)
    case memberStates.unreleased:
      return advance(member, member.memberEpoch, to)
    case memberStates.unknown:
      // A newer coordinator left it in a state that this one cannot read.
      if (to.owned === null || to.owned.size > 0) {
        throw new KafkaError(
          Errors.FENCED_MEMBER_EPOCH,
          'The consumer group member is in an unknown state. The member must abandon all its partitions and rejoin.',
        )
      }
      return advance(member, to.targetEpoch, to)
  }
}

function advance(member: ConsumerMember, memberEpoch: number, to: Reconciliation): MemberProgress {
  const kept: Editable = new Map()
  const revoked: Editable = new Map()
  const wanted = wantedOf(to)
  for (const [topicId, partitions] of member.assigned) {
    for (const [partition, epoch] of partitions) {
      const stays = wanted.get(topicId)?.delete(partition) === true
      put(stays ? kept : revoked, topicId, partition, epoch)
    }
  }
  if (revoked.size > 0 && (to.owned === null || ownsAnyOf(to.owned, revoked))) {
    return step(member, { memberEpoch, state: memberStates.unrevoked, assigned: kept, revoking: revoked })
  }
  const waits = assignFree(kept, wanted, to)
  const state = waits ? memberStates.unreleased : memberStates.stable
  return step(member, { memberEpoch: to.targetEpoch, state, assigned: kept, revoking: new Map() })
}

/** The epoch before a step is remembered: its answer may be lost. */
function step(member: ConsumerMember, next: Omit<MemberProgress, 'previousEpoch'>): MemberProgress {
  if (sameProgress(member, { ...next, previousEpoch: member.previousEpoch })) return member
  return { ...next, previousEpoch: member.memberEpoch }
}

function wantedOf({ target, isSubscribed }: Reconciliation): Map<string, Set<number>> {
  const wanted = new Map<string, Set<number>>()
  for (const [topicId, partitions] of target) if (isSubscribed(topicId)) wanted.set(topicId, new Set(partitions))
  return wanted
}

/** Assigns what is wanted and free. Whether something is wanted that is not free. */
function assignFree(assigned: Editable, wanted: ReadonlyMap<string, ReadonlySet<number>>, to: Reconciliation): boolean {
  let waits = false
  for (const [topicId, partitions] of wanted) {
    for (const partition of partitions) {
      if (to.isTaken(topicId, partition)) waits = true
      else put(assigned, topicId, partition, to.targetEpoch)
    }
  }
  return waits
}

/** A member that gave up a topic need not wait for a new target to let go of its partitions. */
function dropUnsubscribed(member: ConsumerMember, to: Reconciliation): MemberProgress {
  const dropped = [...member.assigned].filter(([topicId]) => !to.isSubscribed(topicId))
  if (dropped.length === 0) return member
  const assigned = new Map(member.assigned)
  const revoking: Editable = new Map()
  for (const [topicId, partitions] of member.revoking) revoking.set(topicId, new Map(partitions))
  for (const [topicId, partitions] of dropped) {
    assigned.delete(topicId)
    for (const [partition, epoch] of partitions) put(revoking, topicId, partition, epoch)
  }
  const isOwned = to.owned === null || ownsAnyOf(to.owned, revoking)
  const { memberEpoch } = member
  if (isOwned) return step(member, { memberEpoch, state: memberStates.unrevoked, assigned, revoking })
  return step(member, { memberEpoch, state: memberStates.stable, assigned, revoking: new Map() })
}

function put(owned: Editable, topicId: string, partition: number, epoch: number): void {
  const partitions = owned.get(topicId)
  if (partitions) partitions.set(partition, epoch)
  else owned.set(topicId, new Map([[partition, epoch]]))
}

/** The partitions of what is owned, ascending. */
export function assignmentOf(owned: OwnedPartitions): Assignment {
  return new Map([...owned].map(([topicId, partitions]) => [topicId, [...partitions.keys()].sort((a, b) => a - b)]))
}
