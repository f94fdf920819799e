/** Consume, transform, produce: what a group has worked on, in transactions that also commit its offsets. */
import type { Report } from './anomaly.ts'
import { type Operation, ofKind } from './history.ts'
import type { Fate, Writes } from './writes.ts'

interface Copy {
  readonly fate: Fate
  readonly operation: Operation<'produce'>
}

interface Group {
  /** By `topic-n@offset`. */
  readonly copies: Map<string, Copy[]>
  /** The committed offset of each partition that is certainly reached. */
  readonly ends: Map<string, number>
}

export function checkCopies(operations: readonly Operation[], writes: Writes, report: Report): void {
  for (const [name, { copies, ends }] of groupsOf(operations, writes)) {
    for (const [source, list] of copies) {
      const committed = list.filter(({ fate }) => fate === 'committed')
      if (committed.length < 2) continue
      report('copied-twice', `${name}: ${source}`, ...committed.map(({ operation }) => operation))
    }
    for (const [partition, end] of ends) {
      for (const offset of writes.log(partition).skipped(-1, end)) {
        const list = copies.get(`${partition}@${offset}`) ?? []
        if (list.every(({ fate }) => fate === 'absent')) {
          report('not-copied', `${name}: ${partition}@${offset}, and it went on to ${end}`)
        }
      }
    }
  }
}

function groupsOf(operations: readonly Operation[], writes: Writes): Map<string, Group> {
  const groups = new Map<string, Group>()
  const ofTransaction = new Map<string, string>()
  const sources = ofKind(operations, 'produce').filter(({ call }) => call.sources !== undefined)
  for (const { call, outcome } of ofKind(operations, 'commitOffsets')) {
    const { transaction, group: name, offsets } = call
    if (transaction === undefined) continue
    ofTransaction.set(transaction, name)
    const group = groups.get(name) ?? { copies: new Map(), ends: new Map() }
    groups.set(name, group)
    if (outcome !== 'ok' || writes.fateOfTransaction(transaction) !== 'committed') continue
    for (const [partition, offset] of Object.entries(offsets)) {
      group.ends.set(partition, Math.max(offset, group.ends.get(partition) ?? 0))
    }
  }
  for (const operation of sources) {
    const { transaction } = operation.call
    const group = transaction === undefined ? undefined : groups.get(ofTransaction.get(transaction) ?? '')
    if (!group) continue
    const fate = operation.outcome === 'fail' ? 'absent' : writes.fateOfTransaction(transaction!)
    for (const source of operation.call.sources!) {
      const list = group.copies.get(source)
      if (list) list.push({ fate, operation })
      else group.copies.set(source, [{ fate, operation }])
    }
  }
  // Groups that commit offsets and copy nothing are others' business.
  for (const [name, { copies }] of groups) if (copies.size === 0) groups.delete(name)
  return groups
}
