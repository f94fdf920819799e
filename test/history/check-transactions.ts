/**
 * Transactions: whole or not at all, seen when they are decided, and by nobody who was replaced; and records that were
 * worked on once. What was aborted and read is looked for with the polls.
 */
import type { Report } from './anomaly.ts'
import { checkCopies } from './check-copies.ts'
import { short } from './check-log.ts'
import { type Operation, ofKind } from './history.ts'
import type { Writes } from './writes.ts'

export function checkTransactions(operations: readonly Operation[], writes: Writes, report: Report): void {
  decisions(operations, writes, report)
  torn(operations, writes, report)
  zombies(operations, report)
  checkCopies(operations, writes, report)
  checkCircles(operations, writes, report)
}

/** Nobody reads committed what nobody had asked to be committed. */
function decisions(operations: readonly Operation[], writes: Writes, report: Report): void {
  const asked = new Map<string, Operation>()
  for (const end of ofKind(operations, 'end')) {
    const { transaction, commit } = end.call
    if (commit && !asked.has(transaction)) asked.set(transaction, end)
  }
  for (const poll of ofKind(operations, 'poll')) {
    if (poll.call.isolation !== 'read_committed' || poll.outcome !== 'ok') continue
    for (const [partition, records] of Object.entries(poll.result!.records)) {
      for (const [offset, value] of records) {
        const transaction = writes.find(partition, value)?.operation.call.transaction
        const end = transaction === undefined ? undefined : asked.get(transaction)
        if (!end || poll.ended >= end.invoked || transaction === poll.call.transaction) continue
        report('undecided-read', `${short(value)} at ${partition}@${offset} of ${transaction}`, poll, end)
      }
    }
  }
}

/** Of those that are read to their end by readers of committed records. */
function torn(operations: readonly Operation[], writes: Writes, report: Report): void {
  const final = new Set<string>()
  const seen = new Set<string>()
  for (const { call, outcome, result } of ofKind(operations, 'poll')) {
    if (call.isolation !== 'read_committed' || outcome !== 'ok') continue
    for (const partition of call.final ?? []) final.add(partition)
    for (const [partition, records] of Object.entries(result!.records)) {
      for (const [, value] of records) seen.add(`${partition} ${value}`)
    }
  }
  const there = new Map<string, Operation>()
  const missing = new Map<string, Operation<'produce'>>()
  for (const write of ofKind(operations, 'produce')) {
    const { transaction, partition, values } = write.call
    if (transaction === undefined || write.outcome !== 'ok' || !final.has(partition)) continue
    // What was deleted since shows nothing.
    if (writes.log(partition).deletedBefore > 0) continue
    for (const value of values) {
      if (seen.has(`${partition} ${value}`)) there.set(transaction, write)
      else missing.set(transaction, write)
    }
  }
  for (const [transaction, write] of missing) {
    const other = there.get(transaction)
    if (!other) continue
    const message = `${transaction} is there, without ${short(write.call.values[0])} in ${write.call.partition}`
    report('torn-transaction', message, write, other)
  }
}

/** An instance that another one has replaced commits nothing that it had not asked for before. */
function zombies(operations: readonly Operation[], report: Report): void {
  const fences = ofKind(operations, 'fence').filter(({ outcome }) => outcome === 'ok')
  const byInstance = new Map(fences.map(fence => [fence.call.instance, fence]))
  const instances = new Map(ofKind(operations, 'begin').map(({ call }) => [call.transaction, call.instance]))
  for (const end of ofKind(operations, 'end')) {
    const instance = instances.get(end.call.transaction)
    const own = instance === undefined ? undefined : byInstance.get(instance)
    if (!own || !end.call.commit || end.outcome !== 'ok') continue
    const other = fences.find(
      ({ call, invoked, ended }) =>
        call.transactionalId === own.call.transactionalId && invoked > own.ended && ended < end.invoked,
    )
    if (other) report('zombie-commit', `${end.call.transaction}, after ${other.call.instance} had begun`, end, other)
  }
}

/** Transactions that each read what the one before wrote (G1c without write-write edges, which Kafka allows). */
function checkCircles(operations: readonly Operation[], writes: Writes, report: Report): void {
  const readBy = new Map<string, Map<string, Operation>>()
  for (const poll of ofKind(operations, 'poll')) {
    const reader = poll.call.transaction
    if (reader === undefined || poll.outcome !== 'ok' || writes.fateOfTransaction(reader) !== 'committed') continue
    for (const [partition, records] of Object.entries(poll.result!.records)) {
      for (const [, value] of records) {
        const writer = writes.find(partition, value)?.operation.call.transaction
        if (writer === undefined || writer === reader) continue
        const readers = readBy.get(writer) ?? new Map<string, Operation>()
        readBy.set(writer, readers.set(reader, poll))
      }
    }
  }
  for (const circle of circles(readBy)) {
    const polls = circle.flatMap(name =>
      [...(readBy.get(name) ?? [])].filter(([reader]) => circle.includes(reader)).map(([, poll]) => poll),
    )
    report('G1c', circle.join(' -> '), ...polls)
  }
}

/** Strongly connected parts with more than one member: Tarjan's algorithm with a stack of its own. */
function circles(edges: ReadonlyMap<string, ReadonlyMap<string, unknown>>): string[][] {
  const index = new Map<string, number>()
  const low = new Map<string, number>()
  const onStack = new Set<string>()
  const stack: string[] = []
  const found: string[][] = []
  const enter = (name: string) => {
    index.set(name, index.size)
    low.set(name, index.get(name)!)
    stack.push(name)
    onStack.add(name)
    return { name, next: (edges.get(name) ?? new Map<string, unknown>()).keys() }
  }
  const lower = (name: string, value: number) => low.set(name, Math.min(low.get(name)!, value))
  for (const start of edges.keys()) {
    if (index.has(start)) continue
    const path = [enter(start)]
    while (path.length > 0) {
      const { name, next } = path[path.length - 1]
      const step = next.next()
      if (!step.done) {
        if (!index.has(step.value)) path.push(enter(step.value))
        else if (onStack.has(step.value)) lower(name, index.get(step.value)!)
        continue
      }
      path.pop()
      if (path.length > 0) lower(path[path.length - 1].name, low.get(name)!)
      if (low.get(name) !== index.get(name)) continue
      const members = stack.splice(stack.indexOf(name))
      for (const member of members) onStack.delete(member)
      if (members.length > 1) found.push(members)
    }
  }
  return found
}
