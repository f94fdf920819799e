/** What one event does to one group, gathered while it is decided: nothing of it is real before the shard performs it. */
import type { DecideContext, Outcome, ProducerTransaction, Ticket, Timer } from '../../machine/machine.ts'
import type { ClassicGroup } from './classic-group.ts'
import type { GroupEvent, GroupReply } from './events.ts'
import { type GroupRecord, groupRecord } from './records.ts'
import type { GroupSettings } from './settings.ts'

export type GroupOutcome = Outcome<GroupEvent, GroupRecord, GroupReply>
export type GroupTimer = Timer<GroupEvent>

/** Timer names; the length keeps group ids that hold the separator apart. */
const timerName = (kind: string, groupId: string, memberId = '') => `${kind}:${groupId.length}:${groupId}:${memberId}`
export const sessionTimer = (groupId: string, memberId: string) => timerName('session', groupId, memberId)
/** Of a classic group as a whole, or of one classic member of a consumer group. */
export const joinTimer = (groupId: string, memberId?: string) => timerName('join', groupId, memberId)
export const syncTimer = (groupId: string, memberId?: string) => timerName('sync', groupId, memberId)
export const revocationTimer = (groupId: string, memberId: string) => timerName('revocation', groupId, memberId)
export const expiryTimer = 'expire-offsets'

/** What drafts of all kinds of groups gather. */
export abstract class BaseDraft {
  readonly context: DecideContext
  readonly settings: GroupSettings
  readonly groupId: string
  /** That the records are part of. */
  transaction: ProducerTransaction | undefined
  protected readonly records: GroupRecord[] = []
  readonly #replies: [Ticket, GroupReply][] = []
  readonly #timers: Record<string, GroupTimer | null> = {}

  constructor(groupId: string, context: DecideContext, settings: GroupSettings) {
    this.groupId = groupId
    this.context = context
    this.settings = settings
  }

  reply(ticket: Ticket, reply: GroupReply): void {
    this.#replies.push([ticket, reply])
  }

  set(name: string, delayMs: number, event: GroupEvent): void {
    this.#timers[name] = { delayMs, event }
  }

  /** Unless it runs already. */
  setOnce(name: string, delayMs: number, event: GroupEvent): void {
    this.#timers[name] = { delayMs, event, isKept: true }
  }

  cancel(name: string): void {
    this.#timers[name] = null
  }

  /** Starts a member's session anew. */
  keepAlive(memberId: string, timeoutMs: number): void {
    const { groupId } = this
    this.set(sessionTimer(groupId, memberId), timeoutMs, { kind: 'sessionExpired', groupId, memberId })
  }

  record(record: GroupRecord): void {
    this.records.push(record)
  }

  outcome(): GroupOutcome {
    return { records: this.records, replies: this.#replies, timers: this.#timers, transaction: this.transaction }
  }
}

/** Of a classic group. */
export class Draft extends BaseDraft {
  #group: ClassicGroup
  #edited = false

  constructor(group: ClassicGroup, context: DecideContext, settings: GroupSettings) {
    super(group.id, context, settings)
    this.#group = group
  }

  /** The group as this event has left it so far; changed through `edit` only. */
  get group(): ClassicGroup {
    return this.#group
  }

  /** The group to change: a clone, made on the first call. */
  edit(): ClassicGroup {
    if (!this.#edited) this.#group = this.#group.clone()
    this.#edited = true
    return this.#group
  }

  /** Writes the group as it now is. */
  persist(): void {
    this.record(groupRecord(this.group))
  }

  override outcome(): GroupOutcome {
    const outcome = super.outcome()
    if (!this.#edited) return outcome
    const memory = { kind: 'memory' as const, groupId: this.group.id, group: this.#group }
    return { ...outcome, records: [...outcome.records, memory] }
  }
}

/** One after the other, as one. */
export function joined(first: GroupOutcome, second: GroupOutcome): GroupOutcome {
  return {
    records: [...first.records, ...second.records],
    replies: [...first.replies, ...second.replies],
    timers: { ...first.timers, ...second.timers },
    transaction: second.transaction ?? first.transaction,
  }
}
