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
export const joinTimer = (groupId: string) => timerName('join', groupId)
export const syncTimer = (groupId: string) => timerName('sync', groupId)
export const expiryTimer = 'expire-offsets'

export class Draft {
  readonly context: DecideContext
  readonly settings: GroupSettings
  /** That the records are part of. */
  transaction: ProducerTransaction | undefined
  readonly #records: GroupRecord[] = []
  readonly #replies: [Ticket, GroupReply][] = []
  readonly #timers: Record<string, GroupTimer | null> = {}
  #group: ClassicGroup
  #edited = false

  constructor(group: ClassicGroup, context: DecideContext, settings: GroupSettings) {
    this.#group = group
    this.context = context
    this.settings = settings
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

  reply(ticket: Ticket, reply: GroupReply): void {
    this.#replies.push([ticket, reply])
  }

  set(name: string, delayMs: number, event: GroupEvent): void {
    this.#timers[name] = { delayMs, event }
  }

  cancel(name: string): void {
    this.#timers[name] = null
  }

  /** Starts a member's session anew. */
  keepAlive(memberId: string, timeoutMs: number): void {
    const groupId = this.group.id
    this.set(sessionTimer(groupId, memberId), timeoutMs, { kind: 'sessionExpired', groupId, memberId })
  }

  record(record: GroupRecord): void {
    this.#records.push(record)
  }

  /** Writes the group as it now is. */
  persist(): void {
    this.record(groupRecord(this.group))
  }

  outcome(): GroupOutcome {
    const records = this.#edited
      ? [...this.#records, { kind: 'memory' as const, groupId: this.group.id, group: this.#group }]
      : this.#records
    return { records, replies: this.#replies, timers: this.#timers, transaction: this.transaction }
  }
}
