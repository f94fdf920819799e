/** Members as real clients are: of the consumer protocol, and eager ones of the classic protocol. They keep what they own. */
import assert from 'node:assert/strict'
import {
  consumerProtocolAssignment,
  consumerProtocolSubscription,
} from '../../../../protocol/stored/consumer-protocol.ts'
import { decodeVersioned, encodeVersioned } from '../../../../protocol/stored/framing.ts'
import type {
  ConsumerHeartbeatEvent,
  ConsumerHeartbeatReply,
  JoinEvent,
  JoinReply,
  SyncEvent,
} from '../../../../src/coordinator/group/events.ts'
import { idOf } from '../fake-cluster.ts'
import { type Answer, Errors, errorName, heartbeat, join, leave, type Scenario, sync } from '../scenario.ts'

export function beat(change: Partial<ConsumerHeartbeatEvent> = {}): ConsumerHeartbeatEvent {
  return {
    kind: 'consumerHeartbeat',
    groupId: 'g',
    memberId: 'm1',
    memberEpoch: 0,
    instanceId: null,
    rackId: null,
    rebalanceTimeoutMs: 30_000,
    subscribedTopicNames: ['t'],
    subscribedTopicRegex: null,
    serverAssignor: null,
    topicPartitions: [],
    clientId: 'client',
    clientHost: '/127.0.0.1',
    memberIdRequired: true,
    ...change,
  }
}

/** `topic-partition` of each. */
export function partitionsOf(reply: Pick<ConsumerHeartbeatReply, 'assignment'>): string[] {
  return (reply.assignment?.topicPartitions ?? [])
    .flatMap(({ topicId, partitions }) => partitions.map(partition => `${topicId.replace(/_+A$/, '')}-${partition}`))
    .sort()
}

export interface Client {
  readonly name: string
  /** As `topic-partition`. */
  readonly owned: ReadonlySet<string>
  /** Does what a client in good health does next. `lost`: the answer does not arrive. */
  proceed(lost?: boolean): void
  leave(): void
  /** The process is gone, without a word. */
  die(): void
  readonly isMember: boolean
}

/** Tells when somebody takes hold of a partition. */
export type OnOwned = (client: Client, partition: string) => void

/** Of the consumer protocol. */
export class NewClient implements Client {
  readonly name: string
  readonly owned = new Set<string>()
  readonly #scenario: Scenario
  readonly #onOwned: OnOwned
  readonly #terms: Partial<ConsumerHeartbeatEvent>
  readonly #topics: readonly string[]
  #lives = 0
  #epoch = 0
  #saysAll = true
  isMember = false

  constructor(
    name: string,
    scenario: Scenario,
    onOwned: OnOwned,
    terms: Partial<ConsumerHeartbeatEvent> = {},
    topics: readonly string[] = ['t'],
  ) {
    this.name = name
    this.#scenario = scenario
    this.#onOwned = onOwned
    this.#terms = terms
    this.#topics = topics
  }

  get #memberId(): string {
    return `${this.name}.${this.#lives}`
  }

  proceed(lost = false): void {
    const joins = this.#epoch === 0
    const says = joins || this.#saysAll
    const reply = this.#scenario.ask(
      beat({
        memberId: this.#memberId,
        memberEpoch: this.#epoch,
        ...this.#terms,
        ...(says
          ? { subscribedTopicNames: this.#topics }
          : { rebalanceTimeoutMs: -1, subscribedTopicNames: null, subscribedTopicRegex: null }),
        topicPartitions: says || this.owned.size > 0 ? this.#topicPartitions() : [],
      }),
    )
    if (lost) {
      this.#saysAll = true
      return
    }
    this.#saysAll = false
    if (reply.errorCode !== Errors.NONE) return this.#refused(reply)
    this.isMember = true
    this.#epoch = reply.memberEpoch
    if (reply.assignment) this.#take(new Set(partitionsOf(reply)))
  }

  #refused({ errorCode }: ConsumerHeartbeatReply): void {
    const name = errorName(errorCode)
    this.owned.clear()
    this.#epoch = 0
    this.isMember = false
    const expected = [
      'FENCED_MEMBER_EPOCH',
      'UNKNOWN_MEMBER_ID',
      'GROUP_ID_NOT_FOUND',
      'UNRELEASED_INSTANCE_ID',
      'FENCED_INSTANCE_ID',
      'GROUP_MAX_SIZE_REACHED',
    ]
    assert(expected.includes(name), `${this.name} was refused with ${name}`)
  }

  /** Gives up first, then takes. */
  #take(assigned: ReadonlySet<string>): void {
    for (const partition of [...this.owned]) if (!assigned.has(partition)) this.owned.delete(partition)
    for (const partition of assigned) {
      if (this.owned.has(partition)) continue
      this.#onOwned(this, partition)
      this.owned.add(partition)
    }
  }

  #topicPartitions(): { topicId: string; partitions: number[] }[] {
    const byTopic = new Map<string, number[]>()
    for (const each of this.owned) {
      const [topic, partition] = each.split('-')
      byTopic.set(topic, [...(byTopic.get(topic) ?? []), Number(partition)])
    }
    return [...byTopic].map(([topic, partitions]) => ({ topicId: idOf(topic), partitions }))
  }

  leave(): void {
    const memberEpoch = this.#terms.instanceId ? -2 : -1
    if (this.isMember) {
      const { instanceId = null } = this.#terms
      this.#scenario.ask(
        beat({
          memberId: this.#memberId,
          memberEpoch,
          instanceId,
          topicPartitions: null,
          subscribedTopicNames: null,
          rebalanceTimeoutMs: -1,
        }),
      )
    }
    this.die()
  }

  die(): void {
    this.owned.clear()
    this.#epoch = 0
    this.#lives++
    this.#saysAll = true
    this.isMember = false
  }
}

/** Of the classic protocol: gives up everything before it joins again. As leader it deals round robin. */
export class OldClient implements Client {
  readonly name: string
  readonly owned = new Set<string>()
  readonly #scenario: Scenario
  readonly #onOwned: OnOwned
  #memberId = ''
  #join: Answer<JoinEvent> | null = null
  #sync: Answer<SyncEvent> | null = null
  #joined: JoinReply | null = null
  isMember = false

  constructor(name: string, scenario: Scenario, onOwned: OnOwned) {
    this.name = name
    this.#scenario = scenario
    this.#onOwned = onOwned
  }

  proceed(lost = false): void {
    this.#read()
    if (this.isMember) this.#heartbeat(lost)
    else if (this.#joined && !this.#sync) this.#sendSync(this.#joined)
    else if (!this.#joined && !this.#join) this.#sendJoin()
    this.#read()
  }

  #sendJoin(): void {
    this.owned.clear()
    this.isMember = false
    const metadata = encodeVersioned(consumerProtocolSubscription, 1, { topics: ['t'], ownedPartitions: [] })
    this.#join = this.#scenario.send(
      join({
        clientId: this.name,
        memberId: this.#memberId,
        sessionTimeoutMs: 10_000,
        rebalanceTimeoutMs: 20_000,
        protocols: [{ name: 'range', metadata }],
      }),
    )
  }

  #sendSync(joined: JoinReply): void {
    const { generationId, memberId } = joined
    const leads = joined.leader === memberId
    const count = this.#scenario.cluster.topic('t')?.partitionsCount ?? 0
    const assignments = joined.members.map(({ memberId }, m) => {
      const partitions = Array.from({ length: count }, (_, p) => p).filter(p => p % joined.members.length === m)
      const assignedPartitions = [{ topic: 't', partitions }]
      return { memberId, assignment: encodeVersioned(consumerProtocolAssignment, 1, { assignedPartitions }) }
    })
    this.#sync = this.#scenario.send(sync({ generationId, memberId, assignments: leads ? assignments : [] }))
  }

  #heartbeat(lost: boolean): void {
    const { errorCode } = this.#scenario.ask(heartbeat(this.#memberId, this.#joined?.generationId ?? -1))
    if (lost || errorCode === Errors.NONE) return
    this.#again(errorCode)
  }

  #again(errorCode: number): void {
    this.owned.clear()
    this.isMember = false
    this.#joined = null
    this.#sync = null
    if (errorCode !== Errors.REBALANCE_IN_PROGRESS) this.#memberId = ''
  }

  #read(): void {
    const joined = this.#join?.reply
    if (joined) {
      this.#join = null
      if (joined.errorCode === Errors.NONE) {
        this.#memberId = joined.memberId
        this.#joined = joined
      } else if (joined.errorCode === Errors.MEMBER_ID_REQUIRED) this.#memberId = joined.memberId
      else this.#again(joined.errorCode)
    }
    const synced = this.#sync?.reply
    if (!synced) return
    this.#sync = null
    if (synced.errorCode !== Errors.NONE) return this.#again(synced.errorCode)
    this.isMember = true
    const { assignedPartitions } = decodeVersioned(consumerProtocolAssignment, synced.assignment, true)
    for (const { topic, partitions } of assignedPartitions) {
      for (const partition of partitions) {
        this.#onOwned(this, `${topic}-${partition}`)
        this.owned.add(`${topic}-${partition}`)
      }
    }
  }

  leave(): void {
    if (this.#memberId !== '') this.#scenario.ask(leave({ memberId: this.#memberId }))
    this.die()
  }

  die(): void {
    this.#again(Errors.UNKNOWN_MEMBER_ID)
    this.#join = null
  }
}
