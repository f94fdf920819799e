/**
 * One group of the consumer protocol (KIP-848), as its records tell it.
 *
 * A decision applies its records to a clone as it writes them, so it sees what it has decided so far; the shard applies the
 * same records to the group itself. Members are values: a change replaces the member.
 */
import { OverlayMap } from '../../../lib/overlay-map.ts'
import {
  type Assignment,
  type ConsumerMember,
  initialProgress,
  initialTerms,
  type MemberProgress,
  memberStates,
  type OwnedPartitions,
} from './member.ts'
import type { ConsumerRecord, ResolvedRegex } from './records.ts'

export type ConsumerGroupState = 'Empty' | 'Assigning' | 'Reconciling' | 'Stable'

const noPartitions: Assignment = new Map()

/** What a stored group may lack until its later records are applied. */
const unknownVersion = -1

export class ConsumerGroup {
  readonly id: string
  epoch = 0
  /** Of the topics that members subscribe to, when the epoch was last raised. */
  metadataHash = 0n
  assignmentEpoch = 0
  /** Wall clock of the last assignment; 0 when there was none. */
  assignmentTimestampMs = 0
  /** Changed by `apply` alone, like the maps below. */
  members = new OverlayMap<string, ConsumerMember>()
  /** What each member shall own. */
  targets = new OverlayMap<string, Assignment>()
  /** Member id by instance id. */
  staticMembers = new OverlayMap<string, string>()
  /** The topics that patterns stand for. */
  regexes = new OverlayMap<string, ResolvedRegex>()
  /** Member id by partition: who owns it, or has not given it up yet. */
  #owners = new OverlayMap<string, string>()
  /** `topicsVersion` of the cluster at the last look at the subscribed topics. Not on record. */
  checkedVersion = unknownVersion
  /** Written by Kafka before 4.1, and taken away with the group. */
  hasPartitionMetadata = false

  constructor(id: string) {
    this.id = id
  }

  clone(): ConsumerGroup {
    const copy = Object.assign(new ConsumerGroup(this.id), this)
    copy.members = this.members.clone()
    copy.targets = this.targets.clone()
    copy.staticMembers = this.staticMembers.clone()
    copy.regexes = this.regexes.clone()
    copy.#owners = this.#owners.clone()
    return copy
  }

  /** May not fail: compaction may have taken any record that a later one replaces. */
  apply(record: ConsumerRecord): void {
    switch (record.kind) {
      case 'consumerGroup':
        if (!record.value) return
        this.epoch = record.value.epoch
        this.metadataHash = record.value.metadataHash
        return
      case 'consumerPartitionMetadata':
        this.hasPartitionMetadata = record.value !== null
        return
      case 'consumerMember': {
        if (!record.value) return this.#remove(record.memberId)
        const before = this.members.get(record.memberId)
        this.#put({ ...initialProgress, ...before, ...record.value, id: record.memberId })
        return
      }
      case 'consumerTarget':
        this.assignmentEpoch = record.value?.epoch ?? 0
        this.assignmentTimestampMs = record.value?.timestampMs ?? 0
        return
      case 'consumerTargetMember':
        if (record.value) this.targets.set(record.memberId, record.value)
        else this.targets.delete(record.memberId)
        return
      case 'consumerCurrent':
        return this.#applyProgress(record.memberId, record.value)
      case 'consumerRegex':
        if (record.value) this.regexes.set(record.regex, record.value)
        else this.regexes.delete(record.regex)
        return
      case 'consumerMemory':
        this.checkedVersion = record.checkedVersion
    }
  }

  #applyProgress(memberId: string, value: MemberProgress | null): void {
    const before = this.members.get(memberId)
    if (!before && !value) return
    this.#put({ ...initialTerms, ...before, ...(value ?? initialProgress), id: memberId })
  }

  #put(member: ConsumerMember): void {
    const before = this.members.get(member.id)
    if (before) this.#forget(before, member)
    this.members.set(member.id, member)
    if (member.instanceId !== null) this.staticMembers.set(member.instanceId, member.id)
    if (before?.assigned !== member.assigned) this.#own(member.id, member.assigned)
    if (before?.revoking !== member.revoking) this.#own(member.id, member.revoking)
  }

  #remove(memberId: string): void {
    const member = this.members.get(memberId)
    if (!member) return
    this.members.delete(memberId)
    this.#forget(member, null)
  }

  #forget(member: ConsumerMember, next: ConsumerMember | null): void {
    const { instanceId } = member
    if (instanceId !== null && instanceId !== next?.instanceId && this.staticMembers.get(instanceId) === member.id) {
      this.staticMembers.delete(instanceId)
    }
    if (next?.assigned !== member.assigned) this.#disown(member.id, member.assigned)
    if (next?.revoking !== member.revoking) this.#disown(member.id, member.revoking)
    // What moved from one to the other is owned still.
    if (next && next.assigned === member.assigned) this.#own(member.id, next.assigned)
    if (next && next.revoking === member.revoking) this.#own(member.id, next.revoking)
  }

  #own(memberId: string, owned: OwnedPartitions): void {
    for (const [topicId, partitions] of owned) {
      for (const partition of partitions.keys()) this.#owners.set(ownerKey(topicId, partition), memberId)
    }
  }

  #disown(memberId: string, owned: OwnedPartitions): void {
    for (const [topicId, partitions] of owned) {
      for (const partition of partitions.keys()) {
        const key = ownerKey(topicId, partition)
        if (this.#owners.get(key) === memberId) this.#owners.delete(key)
      }
    }
  }

  ownerOf(topicId: string, partition: number): string | null {
    return this.#owners.get(ownerKey(topicId, partition)) ?? null
  }

  targetOf(memberId: string): Assignment {
    return this.targets.get(memberId) ?? noPartitions
  }

  staticMember(instanceId: string): ConsumerMember | null {
    const id = this.staticMembers.get(instanceId)
    return id === undefined ? null : (this.members.get(id) ?? null)
  }

  get state(): ConsumerGroupState {
    if (this.members.size === 0) return 'Empty'
    if (this.epoch > this.assignmentEpoch) return 'Assigning'
    for (const { state, memberEpoch } of this.members.values()) {
      if (state !== memberStates.stable || memberEpoch !== this.assignmentEpoch) return 'Reconciling'
    }
    return 'Stable'
  }

  /** The topics that a member subscribes to, by name and by pattern. */
  *topicsOf(member: ConsumerMember): Generator<string, void, void> {
    yield* member.subscribedTopicNames
    if (member.subscribedTopicRegex) yield* this.regexes.get(member.subscribedTopicRegex)?.topics ?? []
  }

  /** The topics that anybody subscribes to. */
  get subscribedTopics(): ReadonlySet<string> {
    const topics = new Set<string>()
    for (const member of this.members.values()) for (const topic of this.topicsOf(member)) topics.add(topic)
    return topics
  }

  /** Whether anybody but this member subscribes with the pattern. */
  isRegexUsed(regex: string, besides: string): boolean {
    for (const { id, subscribedTopicRegex } of this.members.values()) {
      if (id !== besides && subscribedTopicRegex === regex) return true
    }
    return false
  }

  /** The assignor that most members ask for; of those asked for as often, the one that was named first; null for none. */
  get preferredAssignor(): string | null {
    const votes = new Map<string, number>()
    for (const { serverAssignor } of this.members.values()) {
      if (serverAssignor) votes.set(serverAssignor, (votes.get(serverAssignor) ?? 0) + 1)
    }
    let elected: string | null = null
    for (const [name, count] of votes) if (elected === null || count > (votes.get(elected) ?? 0)) elected = name
    return elected
  }

  /** Members of the classic protocol that live in this group. */
  *classicMembers(): Generator<ConsumerMember, void, void> {
    for (const member of this.members.values()) if (member.classic) yield member
  }
}

function ownerKey(topicId: string, partition: number): string {
  return `${topicId}${partition}`
}
