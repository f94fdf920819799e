/**
 * A group machine in a world where time passes only when the test says so: events in; records, replies and timers out.
 * What was written is kept in Kafka's bytes, so a test can replay it into a fresh machine.
 */
import assert from 'node:assert/strict'
import { Errors, errorName } from '../../../protocol/errors.ts'
import { consumerProtocolSubscription } from '../../../protocol/stored/consumer-protocol.ts'
import { encodeVersioned } from '../../../protocol/stored/framing.ts'
import { zeroUuid } from '../../../protocol/uuid.ts'
import type { GroupOutcome, GroupTimer } from '../../../src/coordinator/group/draft.ts'
import type {
  GroupEvent,
  GroupReply,
  JoinEvent,
  JoinReply,
  OffsetCommitEvent,
  ReplyTo,
  RequestEvent,
  SyncEvent,
  SyncReply,
} from '../../../src/coordinator/group/events.ts'
import { GroupMachine } from '../../../src/coordinator/group/groups.ts'
import { type GroupRecord, groupRecordCodec } from '../../../src/coordinator/group/records.ts'
import { defaultGroupSettings, type GroupSettings } from '../../../src/coordinator/group/settings.ts'
import type { LogEntry } from '../../../src/machine/machine.ts'
import { FakeCluster } from './fake-cluster.ts'

/** The answer to one request, once there is one. */
export interface Answer<E extends RequestEvent> {
  reply: ReplyTo<E> | null
}

export const startMs = 1_800_000_000_000

export function subscription(...topics: string[]): Buffer {
  return encodeVersioned(consumerProtocolSubscription, 1, { topics, ownedPartitions: [] })
}

export class Scenario {
  readonly machine: GroupMachine
  /** Everything written, in order. */
  readonly log: LogEntry[] = []
  /** What the last event wrote. */
  written: GroupRecord[] = []
  nowMs: number
  readonly #timers = new Map<string, { deadlineMs: number; order: number; event: GroupEvent }>()
  readonly #answers = new Map<number, { reply: GroupReply | null }>()
  readonly #settings: Partial<GroupSettings>
  readonly cluster: FakeCluster
  #ticket = 0
  #order = 0
  #uuid = 0

  constructor(
    settings: Partial<GroupSettings> = {},
    log: readonly LogEntry[] = [],
    nowMs = 0,
    cluster = new FakeCluster(),
  ) {
    this.cluster = cluster
    this.nowMs = nowMs
    this.#settings = settings
    this.machine = new GroupMachine({ ...defaultGroupSettings, ...settings }, cluster)
    for (const entry of log) this.#replay(entry)
    this.#perform(this.machine.loaded(this.#context()))
  }

  /** A new coordinator that loads what this one wrote. */
  restarted(settings: Partial<GroupSettings> = this.#settings): Scenario {
    return new Scenario(settings, this.log, this.nowMs, this.cluster)
  }

  send<E extends RequestEvent>(event: E): Answer<E> {
    const ticket = ++this.#ticket
    const answer: Answer<E> = { reply: null }
    this.#answers.set(ticket, answer)
    this.#perform(this.machine.decide(event, ticket, this.#context()))
    return answer
  }

  /** Sends what must be answered at once. */
  ask<E extends RequestEvent>(event: E): ReplyTo<E> {
    const { reply } = this.send(event)
    assert(reply, `${event.kind} is answered at once`)
    return reply
  }

  /** Lets time pass; returns the kinds of the events whose timers ran. */
  advance(ms: number): string[] {
    const untilMs = this.nowMs + ms
    const ran: string[] = []
    for (;;) {
      const next = [...this.#timers]
        .filter(([, { deadlineMs }]) => deadlineMs <= untilMs)
        .sort(([, a], [, b]) => a.deadlineMs - b.deadlineMs || a.order - b.order)[0]
      if (!next) break
      const [name, { deadlineMs, event }] = next
      this.#timers.delete(name)
      this.nowMs = Math.max(this.nowMs, deadlineMs)
      ran.push(event.kind)
      this.#perform(this.machine.decide(event, 0, this.#context()))
    }
    this.nowMs = untilMs
    return ran
  }

  /** Milliseconds until a timer of this kind runs, soonest first. */
  timers(kind: GroupEvent['kind']): number[] {
    return [...this.#timers.values()]
      .filter(({ event }) => event.kind === kind)
      .map(({ deadlineMs }) => deadlineMs - this.nowMs)
      .sort((a, b) => a - b)
  }

  state(groupId = 'g'): string {
    return this.machine.group(groupId)?.state ?? 'none'
  }

  generation(groupId = 'g'): number {
    return this.machine.group(groupId)?.generation ?? -1
  }

  /** A dynamic member goes through MEMBER_ID_REQUIRED and parks its join. */
  joinAs(clientId: string, change: Partial<JoinEvent> = {}): { memberId: string; answer: Answer<JoinEvent> } {
    const first = this.ask(join({ clientId, ...change }))
    assert.equal(errorName(first.errorCode), 'MEMBER_ID_REQUIRED')
    return { memberId: first.memberId, answer: this.send(join({ clientId, memberId: first.memberId, ...change })) }
  }

  /** A stable group of dynamic members; the first one leads. Everyone is assigned its own client id. */
  stable(clientIds: readonly string[], change: Partial<JoinEvent> = {}): JoinReply[] {
    const joins = clientIds.map(clientId => this.joinAs(clientId, change).answer)
    this.advance(this.machine.settings.initialRebalanceDelayMs)
    this.advance(this.machine.settings.initialRebalanceDelayMs)
    const replies = joins.map(({ reply }) => reply!)
    this.syncAll(replies, change.groupId)
    return replies
  }

  /** Everybody syncs, the leader last; answers in the order of `joins`. */
  syncAll(joins: readonly JoinReply[], groupId = 'g'): SyncReply[] {
    const leader = joins[0].leader
    const assignments = joins.map(({ memberId }) => ({ memberId, assignment: Buffer.from(`for ${memberId}`) }))
    const answers = new Map<string, Answer<SyncEvent>>()
    const ordered = [...joins].sort((a, b) => Number(a.memberId === leader) - Number(b.memberId === leader))
    for (const { memberId, generationId } of ordered) {
      const event = sync({ groupId, memberId, generationId, assignments: memberId === leader ? assignments : [] })
      answers.set(memberId, this.send(event))
    }
    return joins.map(({ memberId }) => answers.get(memberId)!.reply!)
  }

  #context() {
    return {
      nowMs: startMs + this.nowMs,
      monotonicMs: this.nowMs,
      random: {
        below: () => 0,
        uuid: () =>
          String(++this.#uuid)
            .padStart(21, '0')
            .concat('A'),
      },
    }
  }

  /** The marker of a transaction. */
  endTransaction(producerId: number, commit: boolean): void {
    this.machine.endTransaction(commit, { ...noPosition, producerId, producerEpoch: 0, offset: this.log.length })
  }

  #perform(outcome: GroupOutcome): void {
    this.written = [...outcome.records]
    for (const record of outcome.records) {
      const entry = groupRecordCodec.encode(record)
      if (entry) this.log.push(entry)
      const { producerId, producerEpoch } = outcome.transaction ?? noPosition
      this.machine.apply(record, { ...noPosition, producerId, producerEpoch, offset: this.log.length - 1 })
    }
    for (const [name, timer] of Object.entries(outcome.timers)) this.#setTimer(name, timer)
    for (const [ticket, reply] of outcome.replies) {
      const answer = this.#answers.get(ticket)
      assert(answer, `ticket ${ticket} was given out`)
      assert.equal(answer.reply, null, `ticket ${ticket} is answered once`)
      answer.reply = reply
    }
  }

  #setTimer(name: string, timer: GroupTimer | null): void {
    if (timer?.isKept && this.#timers.has(name)) return
    if (timer) {
      const deadlineMs = this.nowMs + timer.delayMs
      this.#timers.set(name, { deadlineMs, order: this.#order++, event: timer.event })
    } else this.#timers.delete(name)
  }

  #replay({ key, value }: LogEntry): void {
    const record = groupRecordCodec.decode(key, value)
    if (record) this.machine.apply(record, { ...noPosition, offset: this.log.length })
    this.log.push({ key, value })
  }
}

const noPosition = { offset: 0, timestampMs: startMs, leaderEpoch: 0, producerId: -1, producerEpoch: -1 }

export function join(change: Partial<JoinEvent> = {}): JoinEvent {
  return {
    kind: 'join',
    groupId: 'g',
    memberId: '',
    groupInstanceId: null,
    clientId: 'client',
    clientHost: '/127.0.0.1',
    sessionTimeoutMs: 10_000,
    rebalanceTimeoutMs: 60_000,
    protocolType: 'consumer',
    protocols: [{ name: 'range', metadata: subscription('t') }],
    memberIdRequired: true,
    canSkipAssignment: true,
    ...change,
  }
}

export function sync(change: Partial<SyncEvent> = {}): SyncEvent {
  return {
    kind: 'sync',
    groupId: 'g',
    generationId: 1,
    memberId: '',
    groupInstanceId: null,
    protocolType: null,
    protocolName: null,
    assignments: [],
    ...change,
  }
}

export function heartbeat(memberId: string, generationId: number, groupInstanceId: string | null = null) {
  return { kind: 'heartbeat', groupId: 'g', memberId, generationId, groupInstanceId } as const
}

export function leave(...members: { memberId: string; groupInstanceId?: string | null }[]) {
  return {
    kind: 'leave',
    groupId: 'g',
    members: members.map(({ memberId, groupInstanceId = null }) => ({ memberId, groupInstanceId })),
  } as const
}

export function commit(offsets: Record<string, number>, change: Partial<OffsetCommitEvent> = {}): OffsetCommitEvent {
  return {
    kind: 'offsetCommit',
    groupId: 'g',
    generationId: -1,
    memberId: '',
    groupInstanceId: null,
    retentionTimeMs: -1,
    knowsMemberEpochs: true,
    topics: Object.entries(offsets).map(([name, committedOffset]) => ({
      name,
      topicId: zeroUuid,
      partitions: [{ partitionIndex: 0, committedOffset, committedLeaderEpoch: 3, committedMetadata: 'note' }],
    })),
    ...change,
  }
}

export function fetchAll(groupId = 'g') {
  return { kind: 'offsetFetch', groupId, topics: null, memberId: null, memberEpoch: -1, requireStable: false } as const
}

/** Committed offsets of a group by topic, of partition 0. */
export function committed(scenario: Scenario, groupId = 'g'): Record<string, number> {
  const { topics } = scenario.ask(fetchAll(groupId))
  return Object.fromEntries(topics.map(({ name, partitions }) => [name, partitions[0].committedOffset]))
}

export const none = Errors.NONE
export { Errors, errorName }
