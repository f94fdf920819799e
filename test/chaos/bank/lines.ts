/** What the clients of the bank print, a line of JSON each, with the time on the machine's monotonic clock (milliseconds). */

export interface BankOptions {
  readonly servers: string
  readonly ledger: string
  readonly ledgerPartitions: number
  readonly accounts: number
  /** Of this client; the next process with the same name takes its transactions over. */
  readonly name: string
  /** How many processes had this name before. */
  readonly life: number
  /** For a copier: where the orders are; for the clerk: where to write them. */
  readonly orders: readonly string[]
  readonly pauseMs: number
}

export interface Transfer {
  readonly id: string
  readonly from: number
  readonly to: number
  readonly amount: number
}

/** One half of a transfer as it stands in the ledger; the key is the account. */
export interface Leg {
  readonly id: string
  readonly account: number
  readonly delta: number
}

export type Outcome = 'committed' | 'aborted' | 'unknown'

export type BankLine = { readonly time: number } & (
  | ({ readonly what: 'begin' } & Transfer)
  /** Before the commit is asked for: until then nobody may read it. */
  | { readonly what: 'committing'; readonly id: string }
  | { readonly what: 'end'; readonly id: string; readonly outcome: Outcome }
  | ({ readonly what: 'order' } & Transfer)
  | { readonly what: 'ordered'; readonly id: string }
  | { readonly what: 'read'; readonly records: readonly (readonly [partition: number, offset: number, leg: Leg])[] }
  | { readonly what: 'trouble'; readonly error: string }
)
