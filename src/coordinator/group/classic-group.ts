/**
 * One group of the classic protocol: who its members are, and where its rebalance stands.
 *
 * A decision works on a clone, which takes the place of the original once its records are in the log. Members are
 * values: a change replaces the member.
 */
import { assert } from '../../lib/assert.ts'
import { OverlayMap } from '../../lib/overlay-map.ts'
import type { Ticket } from '../../machine/machine.ts'
import type { Protocol } from './events.ts'
import { topicsOfSubscription } from './subscription.ts'

export type GroupState = 'Empty' | 'PreparingRebalance' | 'CompletingRebalance' | 'Stable'

export interface Member {
  readonly id: string
  readonly groupInstanceId: string | null
  readonly clientId: string
  readonly clientHost: string
  readonly rebalanceTimeoutMs: number
  readonly sessionTimeoutMs: number
  /** In the member's order of preference. */
  readonly protocols: readonly Protocol[]
  readonly assignment: Buffer
  /** The parked JoinGroup or SyncGroup, null for none. */
  readonly joinTicket: Ticket | null
  readonly syncTicket: Ticket | null
  /** Joined in this round and has no answer yet, so it cannot send heartbeats. */
  readonly isNew: boolean
  /** Has asked for its assignment of this generation, or need not. */
  readonly synced: boolean
}

export const noAssignment: Buffer = Buffer.alloc(0)

/** The protocol type of consumers; all others are opaque to the coordinator. */
export const consumerProtocolType = 'consumer'

const transitions: Readonly<Record<GroupState, readonly GroupState[]>> = {
  Empty: ['PreparingRebalance'],
  PreparingRebalance: ['CompletingRebalance', 'Empty'],
  CompletingRebalance: ['Stable', 'PreparingRebalance'],
  Stable: ['PreparingRebalance'],
}

export class ClassicGroup {
  readonly id: string
  state: GroupState = 'Empty'
  /** Where the present state was entered from. */
  previousState: GroupState = 'Empty'
  /** Wall clock of the last transition; null when a stored record does not tell. */
  stateTimestampMs: number | null = null
  generation = 0
  protocolType: string | null = null
  protocolName: string | null = null
  leaderId: string | null = null
  /** In the order in which they joined. Changed by the methods below alone. */
  members = new OverlayMap<string, Member>()
  /** Member id by instance id. */
  staticMembers = new OverlayMap<string, string>()
  /** Ids handed out with MEMBER_ID_REQUIRED that have not joined yet. */
  pendingMembers = new OverlayMap<string, true>()
  /** Someone joined while the initial rebalance was waiting. */
  newMemberAdded = false
  /** Null when it cannot be told: no consumers, or a subscription that does not parse. */
  subscribedTopics: ReadonlySet<string> | null = null
  /** Members with a parked JoinGroup. */
  joiningCount = 0
  /** Members that have not asked for their assignment of this generation yet. */
  unsyncedCount = 0
  /** How many members support each protocol. */
  #supporters = new Map<string, number>()

  constructor(id: string) {
    this.id = id
  }

  clone(): ClassicGroup {
    const copy = Object.assign(new ClassicGroup(this.id), this)
    copy.members = this.members.clone()
    copy.staticMembers = this.staticMembers.clone()
    copy.pendingMembers = this.pendingMembers.clone()
    copy.#supporters = new Map(this.#supporters)
    return copy
  }

  transition(to: GroupState, nowMs: number): void {
    assert(transitions[this.state].includes(to), `group ${this.id} from ${this.state} to ${to}`)
    this.previousState = this.state
    this.state = to
    this.stateTimestampMs = nowMs
  }

  /** Of consumers, or of nobody yet. */
  get isConsumer(): boolean {
    return this.protocolType === consumerProtocolType
  }

  get rebalanceTimeoutMs(): number {
    let most = 0
    for (const member of this.members.values()) most = Math.max(most, member.rebalanceTimeoutMs)
    return most
  }

  get allJoined(): boolean {
    return this.pendingMembers.size === 0 && this.joiningCount === this.members.size
  }

  add(member: Member): void {
    assert(!this.members.has(member.id), `member ${member.id} joins twice`)
    this.leaderId ??= member.id
    this.members.set(member.id, member)
    this.#count(member, 1)
    if (member.groupInstanceId !== null) this.staticMembers.set(member.groupInstanceId, member.id)
    this.pendingMembers.delete(member.id)
  }

  update(id: string, change: Partial<Omit<Member, 'id' | 'groupInstanceId'>>): Member {
    const member = this.members.get(id)
    assert(member, `no member ${id}`)
    const updated = { ...member, ...change }
    this.#count(member, -1)
    this.#count(updated, 1)
    this.members.set(id, updated)
    return updated
  }

  remove(id: string): void {
    const member = this.members.get(id)
    if (!member) return
    this.members.delete(id)
    this.#count(member, -1)
    if (member.groupInstanceId !== null) this.staticMembers.delete(member.groupInstanceId)
    if (this.leaderId === id) this.leaderId = first(this.members.keys())
  }

  /** Gives a static member a new id; it keeps its assignment and its leadership. */
  rename(oldId: string, newId: string): void {
    const member = this.members.get(oldId)
    assert(member && member.groupInstanceId !== null, `no static member ${oldId}`)
    const led = this.leaderId === oldId
    this.remove(oldId)
    this.add({ ...member, id: newId, joinTicket: null, syncTicket: null })
    if (led) this.leaderId = newId
  }

  #count(member: Member, by: 1 | -1): void {
    if (member.joinTicket !== null) this.joiningCount += by
    if (!member.synced) this.unsyncedCount += by
    for (const name of namesOf(member.protocols)) {
      const count = (this.#supporters.get(name) ?? 0) + by
      if (count === 0) this.#supporters.delete(name)
      else this.#supporters.set(name, count)
    }
  }

  /** Whether someone with these protocols can be a member beside the present ones. */
  supports(protocolType: string, protocols: readonly Protocol[]): boolean {
    if (this.members.size === 0) return protocolType !== '' && protocols.length > 0
    return protocolType === this.protocolType && protocols.some(({ name }) => this.#isCommon(name))
  }

  #isCommon(protocol: string): boolean {
    return this.#supporters.get(protocol) === this.members.size
  }

  /** Every member votes for its most preferred candidate; of those with as many votes, the one that was named first wins. */
  electProtocol(): string {
    const votes = new Map<string, number>()
    for (const { protocols } of this.members.values()) {
      const choice = protocols.find(({ name }) => this.#isCommon(name))
      assert(choice, `group ${this.id} has no common protocol`)
      votes.set(choice.name, (votes.get(choice.name) ?? 0) + 1)
    }
    let elected: string | null = null
    for (const [name, count] of votes) if (elected === null || count > votes.get(elected)!) elected = name
    assert(elected !== null, `group ${this.id} elects no protocol`)
    return elected
  }

  /** A member's metadata for the elected protocol; empty when there is none. */
  metadataOf(member: Member): Buffer {
    return member.protocols.find(({ name }) => name === this.protocolName)?.metadata ?? noAssignment
  }

  /** The topics that consumers of this group subscribe to: their committed offsets are in use. */
  updateSubscribedTopics(): void {
    this.subscribedTopics = null
    if (!this.isConsumer) return
    const topics = new Set<string>()
    for (const member of this.members.values()) {
      const subscribed = topicsOfSubscription(this.metadataOf(member))
      if (!subscribed) return
      for (const topic of subscribed) topics.add(topic)
    }
    this.subscribedTopics = topics
  }

  /** When the subscription cannot be read, a consumer group counts as subscribed to everything. */
  isSubscribedTo(topic: string): boolean {
    return this.subscribedTopics ? this.subscribedTopics.has(topic) : this.isConsumer
  }
}

function first(ids: Iterable<string>): string | null {
  for (const id of ids) return id
  return null
}

/** Each name once: a client may repeat itself. */
function namesOf(protocols: readonly Protocol[]): Iterable<string> {
  return protocols.length === 1 ? [protocols[0].name] : new Set(protocols.map(({ name }) => name))
}

/** Same protocols with the same bytes in the same order: joining again would change nothing. */
export function sameProtocols(left: readonly Protocol[], right: readonly Protocol[]): boolean {
  return (
    left.length === right.length &&
    left.every(({ name, metadata }, i) => name === right[i].name && metadata.equals(right[i].metadata))
  )
}
