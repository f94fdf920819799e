/** What the values and offsets of each partition show: lost, doubled, exchanged and reordered records. */

import type { Report } from './anomaly.ts'
import { type Operation, ofKind } from './history.ts'
import type { PartitionLog, Write, Writes } from './writes.ts'

/** What is not an anomaly, but worth a look. */
export interface LogCounts {
  acknowledged: number
  /** Acknowledged by the leader alone, or not at all, and gone. */
  lossesAllowed: number
  /** Second copies made by clients that send again without numbers. */
  duplicatesAllowed: number
  /** Writes of unknown end that are there. */
  recovered: number
}

export function checkLogs(operations: readonly Operation[], writes: Writes, report: Report): LogCounts {
  const counts: LogCounts = { acknowledged: 0, lossesAllowed: 0, duplicatesAllowed: 0, recovered: 0 }
  const readToTheEnd = new Set(
    ofKind(operations, 'poll').flatMap(({ call, outcome }) => (outcome === 'ok' ? (call.final ?? []) : [])),
  )
  for (const [partition, log] of writes.logs) {
    conflicts(partition, log, writes, report)
    doubled(partition, log, report, counts)
    missing(partition, log, { writes, report, counts, final: readToTheEnd.has(partition) })
    inversions(partition, log, writes, report)
    sendOrder(partition, log, report)
  }
  return counts
}

function conflicts(partition: string, log: PartitionLog, writes: Writes, report: Report): void {
  for (const [offset, values] of log.places) {
    if (values.size < 2) continue
    const writers = [...values].flatMap(value => writes.find(partition, value)?.operation ?? [])
    report('inconsistent-offsets', `${partition}@${offset} is ${[...values].map(short).join(' and ')}`, ...writers)
  }
}

/** Where a value is known to be: where it was read, and where a safe acknowledgement put it. */
function placesOf(write: Write): number[] {
  const { readAt, claimed, operation } = write
  const safe = operation.outcome === 'ok' && operation.call.producer.acks === -1
  return claimed === null || !safe || readAt.includes(claimed) ? readAt : [...readAt, claimed]
}

function doubled(partition: string, log: PartitionLog, report: Report, counts: LogCounts): void {
  for (const write of log.writes) {
    const places = placesOf(write)
    if (places.length < 2) continue
    if (write.operation.call.producer.repeats) counts.duplicatesAllowed++
    else report('duplicate', `${short(write.value)} of ${partition} is at ${places.join(' and ')}`, write.operation)
  }
}

interface Missing {
  readonly writes: Writes
  readonly report: Report
  readonly counts: LogCounts
  readonly final: boolean
}

function missing(partition: string, log: PartitionLog, { writes, report, counts, final }: Missing): void {
  let readUpTo = -1
  for (const { readWellAt } of log.writes)
    if (readWellAt.length > 0) readUpTo = Math.max(readUpTo, Math.min(...readWellAt))
  for (const write of log.writes) {
    const { operation, claimed, readWellAt, value } = write
    if (writes.fate(write) !== 'committed') continue
    if (operation.outcome === 'ok') counts.acknowledged++
    else if (readWellAt.length > 0) counts.recovered++
    const safe = operation.call.producer.acks === -1
    // Of a safe acknowledgement the copy at that offset must be there; another one does not make up for it.
    const there = claimed !== null && safe ? readWellAt.includes(claimed) : readWellAt.length > 0
    if (there || (claimed !== null && claimed < log.deletedBefore)) continue
    if (claimed === null && log.deletedBefore > 0) continue
    const last = Math.max(claimed ?? -1, ...write.readAt)
    const passed = last >= 0 && last <= readUpTo
    if (!safe) {
      if (final || passed) counts.lossesAllowed++
      continue
    }
    const known = claimed === null ? `${partition}` : `${partition}@${claimed}`
    const elsewhere = readWellAt.length > 0 ? `, there is a copy at ${readWellAt.join(', ')}` : ''
    if (passed)
      report('lost-write', `${short(value)} at ${known}: readers came as far as ${readUpTo}${elsewhere}`, operation)
    else if (final) report('unseen', `${short(value)} at ${known}${elsewhere}`, operation)
  }
}

/** What is acknowledged by all in-sync replicas stands before everything that is sent later. */
function inversions(partition: string, log: PartitionLog, writes: Writes, report: Report): void {
  const settled = new Map<Operation<'produce'>, { first: number; last: number }>()
  for (const write of log.writes) {
    const { operation, claimed } = write
    const { outcome, call } = operation
    if (outcome !== 'ok' || call.producer.acks !== -1 || claimed === null || writes.fate(write) === 'absent') continue
    const span = settled.get(operation)
    if (!span) settled.set(operation, { first: claimed, last: claimed })
    else span.last = claimed
  }
  const begun = [...settled.keys()].sort((a, b) => a.invoked - b.invoked)
  const ended = [...settled.keys()].sort((a, b) => a.ended - b.ended)
  let highest: Operation<'produce'> | null = null
  let at = 0
  for (const operation of begun) {
    for (; at < ended.length && ended[at].ended < operation.invoked; at++) {
      if (highest === null || settled.get(ended[at])!.last > settled.get(highest)!.last) highest = ended[at]
    }
    if (highest === null) continue
    const before = settled.get(highest)!.last
    const here = settled.get(operation)!.first
    if (here >= before) continue
    const names = `${short(operation.call.values[0])} went to ${partition}@${here} after ${short(highest.call.values[0])}`
    report('order-inversion', `${names} had been acknowledged up to ${before}`, operation, highest)
  }
}

function sendOrder(partition: string, log: PartitionLog, report: Report): void {
  const lastOf = new Map<string, Write>()
  for (const write of log.writes) {
    const places = placesOf(write)
    if (places.length !== 1 || write.operation.outcome === 'fail') continue
    const { producer } = write.operation.call
    const key = producer.idempotent ? producer.name : `${write.operation.id}`
    const before = lastOf.get(key)
    lastOf.set(key, write)
    if (!before || placesOf(before)[0] < places[0]) continue
    const same = before.operation === write.operation
    const message = `${short(before.value)} at ${partition}@${placesOf(before)[0]}, then ${short(write.value)} at ${places[0]}`
    report(
      same ? 'int-nonmonotonic-send' : 'nonmonotonic-send',
      `${producer.name}: ${message}`,
      before.operation,
      write.operation,
    )
  }
}

const shownLength = 40

export function short(value: string): string {
  return JSON.stringify(value.length > shownLength ? `${value.slice(0, shownLength)}...` : value)
}
