/** Whether the bank's books are right: every transfer once or not at all, and nobody saw what was never decided. */
import type { BankLine, Leg, Outcome, Transfer } from './lines.ts'

export interface LedgerEntry {
  readonly partition: number
  readonly offset: number
  readonly leg: Leg
}

export interface Books {
  /** All that the clients said, each one's lines in order. */
  readonly lines: readonly BankLine[]
  /** The ledger in the end, as a reader of committed records gets it. */
  readonly ledger: readonly LedgerEntry[]
  readonly accounts: number
  readonly opening: number
}

export interface Audit {
  readonly problems: readonly string[]
  readonly counts: Readonly<Record<Outcome | 'orders' | 'attempts' | 'read', number>>
  readonly total: number
}

interface Attempts {
  transfer: Transfer
  committingMs: number
  committed: number
  /** A commit that was asked for and of whose end nothing is known. */
  unknown: number
  open: boolean
}

const shownMax = 10

export function audit({ lines, ledger, accounts, opening }: Books): Audit {
  const problems: string[] = []
  const transfers = attemptsOf(lines)
  const acknowledgedOrders = new Set(lines.flatMap(line => (line.what === 'ordered' ? [line.id] : [])))
  const legs = new Map<string, LedgerEntry[]>()
  for (const entry of ledger) {
    const entries = legs.get(entry.leg.id)
    if (entries) entries.push(entry)
    else legs.set(entry.leg.id, [entry])
  }
  const deposits = legs.get('deposit') ?? []
  legs.delete('deposit')
  if (deposits.length !== accounts) problems.push(`${deposits.length} deposits of ${accounts}`)
  for (const [id, entries] of legs) {
    const attempts = transfers.get(id)
    if (!attempts) problems.push(`${id} was never asked for`)
    else if (!isPair(entries, attempts.transfer)) problems.push(`${id} stands there as ${shown(entries)}`)
    else if (attempts.committed + attempts.unknown === 0) problems.push(`${id} was aborted: ${shown(entries)}`)
    if (attempts && attempts.committed > 1) problems.push(`${id} was committed ${attempts.committed} times`)
  }
  for (const [id, { committed }] of transfers) {
    if (committed > 0 && !legs.has(id)) problems.push(`${id} was committed and is lost`)
  }
  for (const id of acknowledgedOrders) if (!legs.has(id)) problems.push(`the order ${id} was not carried out`)
  const read = readOnTheWay(lines, ledger, transfers, problems)
  const total = ledger.reduce((sum, { leg }) => sum + leg.delta, 0)
  if (total !== accounts * opening) problems.push(`the total is ${total} instead of ${accounts * opening}`)
  const ended = (outcome: Outcome) => lines.filter(line => line.what === 'end' && line.outcome === outcome).length
  const attempts = lines.filter(({ what }) => what === 'begin').length
  const counts = {
    committed: ended('committed'),
    aborted: ended('aborted'),
    unknown: attempts,
    attempts,
    read,
    orders: 0,
  }
  counts.unknown -= counts.committed + counts.aborted
  counts.orders = acknowledgedOrders.size
  const more = problems.length - shownMax
  return { problems: more > 0 ? [...problems.slice(0, shownMax), `and ${more} more`] : problems, counts, total }
}

function attemptsOf(lines: readonly BankLine[]): Map<string, Attempts> {
  const all = new Map<string, Attempts>()
  for (const line of lines) {
    if (line.what === 'begin') {
      const { id, from, to, amount } = line
      const before = all.get(id)
      // An earlier attempt that never came to its end, and had asked for the commit.
      if (before?.open) before.unknown++
      const fresh = { committingMs: Number.POSITIVE_INFINITY, committed: 0, unknown: 0 }
      all.set(id, { ...(before ?? fresh), transfer: { id, from, to, amount }, open: false })
    } else if (line.what === 'committing') {
      const attempts = all.get(line.id)!
      attempts.open = true
      attempts.committingMs = Math.min(attempts.committingMs, line.time)
    } else if (line.what === 'end') {
      const attempts = all.get(line.id)!
      attempts.open = false
      if (line.outcome === 'committed') attempts.committed++
      if (line.outcome === 'unknown') attempts.unknown++
    }
  }
  for (const attempts of all.values()) if (attempts.open) attempts.unknown++
  return all
}

/** What was read while all was in motion must be what stands there in the end, and decided when it was read. */
function readOnTheWay(
  lines: readonly BankLine[],
  ledger: readonly LedgerEntry[],
  transfers: ReadonlyMap<string, Attempts>,
  problems: string[],
): number {
  const final = new Map(ledger.map(entry => [`${entry.partition}@${entry.offset}`, entry.leg.id]))
  const seen = new Set<string>()
  for (const line of lines) {
    if (line.what !== 'read') continue
    for (const [partition, offset, leg] of line.records) {
      const place = `${partition}@${offset}`
      if (final.get(place) !== leg.id) problems.push(`${leg.id} was read at ${place}, where ${final.get(place)} stands`)
      const committingMs = transfers.get(leg.id)?.committingMs ?? 0
      if (line.time < committingMs) problems.push(`${leg.id} was read before anybody asked for its commit`)
      seen.add(place)
    }
  }
  const missed = [...final.keys()].filter(place => !seen.has(place))
  if (missed.length > 0) problems.push(`never read on the way: ${missed.slice(0, shownMax).join(', ')}`)
  return seen.size
}

function isPair(entries: readonly LedgerEntry[], { from, to, amount }: Transfer): boolean {
  const has = (account: number, delta: number) =>
    entries.some(({ leg }) => leg.account === account && leg.delta === delta)
  return entries.length === 2 && has(from, -amount) && has(to, amount)
}

function shown(entries: readonly LedgerEntry[]): string {
  return entries.map(({ partition, offset, leg }) => `${leg.delta} at ${partition}@${offset}`).join(', ')
}
