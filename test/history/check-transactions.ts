/** Circles of transactions that each read what the one before wrote (G1c without write-write edges, which Kafka allows). */
import type { Report } from './anomaly.ts'
import { type Operation, ofKind } from './history.ts'
import type { Writes } from './writes.ts'

export function checkTransactions(operations: readonly Operation[], writes: Writes, report: Report): void {
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
