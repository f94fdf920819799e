/** What the bank's auditor notices: books made up by hand, each wrong in one way. */
import t from 'tap'
import { audit, type LedgerEntry } from './audit.ts'
import type { BankLine, Leg, Outcome } from './lines.ts'

const opening = 1000

class Books {
  readonly lines: BankLine[] = []
  readonly ledger: LedgerEntry[] = []
  #time = 0

  constructor() {
    for (const account of [0, 1]) this.stands({ id: 'deposit', account, delta: opening })
  }

  /** A transfer of 5 from account 0 to account 1. */
  begin(id: string): this {
    this.lines.push({ what: 'begin', id, from: 0, to: 1, amount: 5, time: this.#time++ })
    return this
  }

  committing(id: string): this {
    this.lines.push({ what: 'committing', id, time: this.#time++ })
    return this
  }

  end(id: string, outcome: Outcome): this {
    this.lines.push({ what: 'end', id, outcome, time: this.#time++ })
    return this
  }

  ordered(id: string): this {
    this.lines.push({ what: 'ordered', id, time: this.#time++ })
    return this
  }

  stands(leg: Leg): this {
    this.ledger.push({ partition: leg.account, offset: this.ledger.length, leg })
    return this
  }

  both(id: string): this {
    return this.stands({ id, account: 0, delta: -5 }).stands({ id, account: 1, delta: 5 })
  }

  /** Everything that stands there now, and `more`, is read by somebody. */
  read(more: readonly LedgerEntry[] = []): this {
    const records = [...this.ledger, ...more].map(({ partition, offset, leg }) => [partition, offset, leg] as const)
    this.lines.push({ what: 'read', records, time: this.#time++ })
    return this
  }

  get problems(): readonly string[] {
    return audit({ lines: this.lines, ledger: this.ledger, accounts: 2, opening }).problems
  }
}

const committed = (id: string) => new Books().begin(id).committing(id).end(id, 'committed')

t.test('books that are right', async t => {
  t.same(committed('a').both('a').read().problems, [])
  t.same(new Books().begin('a').committing('a').end('a', 'unknown').both('a').read().problems, [])
  t.same(new Books().begin('a').committing('a').read().problems, [], 'killed, and not committed')
  t.same(new Books().begin('a').end('a', 'aborted').read().problems, [])
  const twice = new Books().ordered('a').begin('a').end('a', 'aborted').begin('a').committing('a').end('a', 'committed')
  t.same(twice.both('a').read().problems, [])
})

t.test('books that are wrong', async t => {
  t.match(committed('a').read().problems, ['a was committed and is lost'])
  t.match(committed('a').both('a').both('a').read().problems, [/^a stands there as/])
  t.match(committed('a').stands({ id: 'a', account: 0, delta: -5 }).read().problems, [
    /^a stands/,
    /^the total is 1995/,
  ])
  t.match(new Books().begin('a').end('a', 'aborted').both('a').read().problems, [/^a was aborted/])
  t.match(new Books().both('a').read().problems, ['a was never asked for'])
  t.match(new Books().ordered('a').read().problems, ['the order a was not carried out'])
  t.match(committed('a').begin('a').committing('a').end('a', 'committed').both('a').read().problems, [
    /committed 2 times/,
  ])
})

t.test('what was read on the way', async t => {
  const aborted = { partition: 0, offset: 9, leg: { id: 'a', account: 0, delta: -5 } }
  t.match(new Books().begin('a').end('a', 'aborted').read([aborted]).problems, [/^a was read at 0@9/])
  const early = new Books().begin('a').both('a').read().committing('a').end('a', 'committed')
  t.match(early.problems, [/before anybody asked/])
  t.match(committed('a').read().both('a').problems, [/^never read on the way/])
})
