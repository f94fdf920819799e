/** The smallest machine that does everything: a sum that is written down, and callers that wait for it. */
import { type ErrorCode, Errors } from '../../protocol/errors.ts'
import type {
  DecideContext,
  Machine,
  Outcome,
  Position,
  ProducerTransaction,
  RecordCodec,
  Ticket,
  Timer,
} from '../../src/machine/machine.ts'

export type Event =
  | ({ readonly kind: 'add'; readonly amounts: readonly number[]; readonly divisible?: boolean } & Extra)
  | { readonly kind: 'read' }
  /** Answered when the sum gets there. */
  | { readonly kind: 'await'; readonly sum: number }
  /** Adds one after `delayMs`; again replaces the delay, -1 takes it back. */
  | { readonly kind: 'later'; readonly delayMs: number }
  | { readonly kind: 'tick' }
  /** Changes memory alone. */
  | { readonly kind: 'note' }

export type Rec =
  | { readonly kind: 'added'; readonly amount: number }
  | { readonly kind: 'waiting'; readonly waiting: Map<Ticket, number> }

interface Extra {
  readonly transaction?: ProducerTransaction
  readonly sends?: readonly number[]
}

export interface Reply {
  readonly error: ErrorCode
  readonly sum: number
}

export class Counter implements Machine<Event, Rec, Reply, number> {
  sum = 0
  notes = 0
  readonly positions: Position[] = []
  readonly ended: boolean[] = []
  #waiting = new Map<Ticket, number>()

  decide(event: Event, ticket: Ticket, _context: DecideContext): Outcome<Event, Rec, Reply, number> {
    const timers: Record<string, Timer<Event> | null> = {}
    switch (event.kind) {
      case 'add':
        return {
          ...this.#add(event.amounts, ticket),
          divisible: event.divisible,
          transaction: event.transaction,
          sends: event.sends,
        }
      case 'tick':
        return this.#add([1], ticket)
      case 'read':
        return { records: [], replies: [[ticket, { error: Errors.NONE, sum: this.sum }]], timers }
      case 'await': {
        const waiting = new Map(this.#waiting).set(ticket, event.sum)
        return { records: [{ kind: 'waiting', waiting }], replies: [], timers }
      }
      case 'later':
        timers.tick = event.delayMs < 0 ? null : { delayMs: event.delayMs, event: { kind: 'tick' } }
        return { records: [], replies: [[ticket, { error: Errors.NONE, sum: this.sum }]], timers }
      case 'note':
        this.notes++
        return { records: [], replies: [[ticket, { error: Errors.NONE, sum: this.sum }]], timers }
    }
  }

  #add(amounts: readonly number[], ticket: Ticket): Outcome<Event, Rec, Reply> {
    const sum = amounts.reduce((total, amount) => total + amount, this.sum)
    const replies: [Ticket, Reply][] = ticket === 0 ? [] : [[ticket, { error: Errors.NONE, sum }]]
    const waiting = new Map(this.#waiting)
    for (const [parked, wanted] of this.#waiting) {
      if (wanted > sum) continue
      replies.push([parked, { error: Errors.NONE, sum }])
      waiting.delete(parked)
    }
    const added = amounts.map(amount => ({ kind: 'added', amount }) as const)
    return { records: [...added, { kind: 'waiting', waiting }], replies, timers: {} }
  }

  apply(record: Rec, at: Position): void {
    if (record.kind === 'waiting') this.#waiting = record.waiting
    else {
      this.sum += record.amount
      this.positions.push(at)
    }
  }

  loaded(): Outcome<Event, Rec, Reply> {
    return { records: [], replies: [], timers: { loaded: { delayMs: 1000, event: { kind: 'tick' } } } }
  }

  failed(error: ErrorCode, _event: Event): Reply {
    return { error, sum: -1 }
  }

  endTransaction(commit: boolean): void {
    this.ended.push(commit)
  }
}

export const codec: RecordCodec<Rec> = {
  encode: record =>
    record.kind === 'added' ? { key: Buffer.from('added'), value: Buffer.from(String(record.amount)) } : null,
  decode: (key, value) => (String(key) === 'added' ? { kind: 'added', amount: Number(String(value)) } : null),
}
