/**
 * Groups: the committed offset of a partition is a register that members write and read, and a member that is given a
 * partition reads it too, with its first poll. Offsets count as equal when no known record stands between them.
 */
import type { Report } from './anomaly.ts'
import { type Operation, ofKind } from './history.ts'
import type { Fate, Writes } from './writes.ts'

interface Commit {
  readonly rank: number
  readonly offset: number
  readonly invoked: number
  /** When it was certainly over; a commit of unknown end may arrive at any time. */
  ended: number
  readonly sure: boolean
  readonly operation: Operation
}

interface Reading {
  readonly rank: number
  readonly offset: number
  readonly invoked: number
  readonly ended: number
  readonly operation: Operation
}

interface Register {
  readonly group: string
  readonly partition: string
  readonly commits: Commit[]
  readonly readings: Reading[]
}

export function checkGroups(operations: readonly Operation[], writes: Writes, report: Report): void {
  owners(operations, report)
  for (const register of registers(operations, writes)) check(register, report)
}

function owners(operations: readonly Operation[], report: Report): void {
  const byGeneration = new Map<string, Operation<'assignment'>>()
  for (const assignment of ofKind(operations, 'assignment')) {
    const { group, generation, partitions, member } = assignment.call
    if (generation === null) continue
    for (const partition of partitions) {
      const key = JSON.stringify([group, generation, partition])
      const other = byGeneration.get(key)
      if (other && other.call.member !== member) {
        const message = `${partition} in generation ${generation} of ${group}: ${other.call.member} and ${member}`
        report('two-owners', message, other, assignment)
      } else byGeneration.set(key, assignment)
    }
  }
}

function registers(operations: readonly Operation[], writes: Writes): Register[] {
  const all = new Map<string, Register>()
  const registerOf = (group: string, partition: string): Register => {
    const key = JSON.stringify([group, partition])
    let register = all.get(key)
    if (!register) {
      register = { group, partition, commits: [], readings: [] }
      all.set(key, register)
    }
    return register
  }
  const rankOf = (partition: string, offset: number) => writes.log(partition).rank(offset)
  const ends = new Map(ofKind(operations, 'end').map(end => [end.call.transaction, end]))

  for (const operation of ofKind(operations, 'commitOffsets')) {
    const { group, offsets, transaction } = operation.call
    const { fate, ended } = settled(operation, transaction, { writes, ends })
    if (fate === 'absent') continue
    for (const [partition, offset] of Object.entries(offsets)) {
      const sure = fate === 'committed'
      const commit = { rank: rankOf(partition, offset), offset, invoked: operation.invoked, ended, sure, operation }
      registerOf(group, partition).commits.push(commit)
    }
  }
  for (const operation of ofKind(operations, 'fetchOffsets')) {
    if (operation.outcome !== 'ok') continue
    const { invoked, ended } = operation
    for (const [partition, offset] of Object.entries(operation.result!.offsets)) {
      registerOf(operation.call.group, partition).readings.push({
        rank: rankOf(partition, offset),
        offset,
        invoked,
        ended,
        operation,
      })
    }
  }
  for (const { assignment, poll, partition, offset } of firstPolls(operations)) {
    const { invoked } = assignment
    const reading = { rank: rankOf(partition, offset), offset, invoked, ended: poll.ended, operation: poll }
    registerOf(assignment.call.group, partition).readings.push(reading)
  }
  return [...all.values()]
}

interface Ends {
  readonly writes: Writes
  readonly ends: ReadonlyMap<string, Operation<'end'>>
}

function settled(
  commit: Operation<'commitOffsets'>,
  transaction: string | undefined,
  { writes, ends }: Ends,
): { fate: Fate; ended: number } {
  const unknown = { fate: 'unknown', ended: Number.POSITIVE_INFINITY } as const
  if (commit.outcome === 'fail') return { fate: 'absent', ended: commit.ended }
  if (transaction === undefined) return commit.outcome === 'ok' ? { fate: 'committed', ended: commit.ended } : unknown
  const fate = writes.fateOfTransaction(transaction)
  if (fate === 'absent') return { fate, ended: commit.ended }
  return fate === 'committed' && commit.outcome === 'ok' ? { fate, ended: ends.get(transaction)!.ended } : unknown
}

interface FirstPoll {
  readonly assignment: Operation<'assignment'>
  readonly poll: Operation<'poll'>
  readonly partition: string
  readonly offset: number
}

/** The first record that a consumer got of each partition that it was newly given. */
function firstPolls(operations: readonly Operation[]): FirstPoll[] {
  const found: FirstPoll[] = []
  const waiting = new Map<string, Map<string, Operation<'assignment'>>>()
  for (const operation of operations) {
    if (operation.kind === 'assignment') {
      const assignment = operation as Operation<'assignment'>
      const { consumer, partitions, kept = [] } = assignment.call
      const fresh = partitions.filter(partition => !kept.includes(partition))
      waiting.set(consumer, new Map(fresh.map(partition => [partition, assignment])))
    } else if (operation.kind === 'assign') {
      waiting.delete((operation as Operation<'assign'>).call.consumer)
    } else if (operation.kind === 'poll') {
      const poll = operation as Operation<'poll'>
      const expected = waiting.get(poll.call.consumer)
      if (!expected) continue
      // Something may have been read and not be in the history.
      if (poll.outcome !== 'ok') expected.clear()
      for (const [partition, records] of Object.entries(poll.result?.records ?? {})) {
        const assignment = expected.get(partition)
        if (!assignment || records.length === 0) continue
        expected.delete(partition)
        found.push({ assignment, poll, partition, offset: records[0][0] })
      }
    }
  }
  return found
}

function check({ group, partition, commits, readings }: Register, report: Report): void {
  const byRank = new Map<number, Commit[]>()
  for (const commit of commits) {
    const same = byRank.get(commit.rank)
    if (same) same.push(commit)
    else byRank.set(commit.rank, [commit])
  }
  const sure = [...commits.filter(commit => commit.sure), ...proven(byRank, readings)].sort((a, b) => a.ended - b.ended)
  /** Of the commits that are over by then, the one that began last. */
  const latest = runningMax(sure, commit => commit.invoked)
  const ofRank = new Map<number, { sorted: Commit[]; lastEnd: Commit[] }>()
  for (const [rank, list] of byRank) {
    const sorted = list.toSorted((a, b) => a.invoked - b.invoked)
    ofRank.set(rank, { sorted, lastEnd: runningMax(sorted, commit => commit.ended) })
  }
  for (const reading of readings) {
    const over = countBelow(sure, commit => commit.ended, reading.invoked)
    const newest = over > 0 ? latest[over - 1] : null
    const writers = ofRank.get(reading.rank)
    const begun = writers ? countBelow(writers.sorted, commit => commit.invoked, reading.ended) : 0
    const told = `${group} of ${partition}: told ${reading.offset}`
    if (writers && begun > 0) {
      const source = writers.lastEnd[begun - 1]
      if (!newest || source.ended >= newest.invoked) continue
      report(
        'committed-offset-back',
        `${told} after ${newest.offset} was committed`,
        reading.operation,
        newest.operation,
        source.operation,
      )
    } else if (reading.rank > 0) {
      report('committed-offset-invented', `${told}, which was not committed`, reading.operation)
    } else if (newest && newest.rank > 0) {
      report(
        'committed-offset-back',
        `${told} after ${newest.offset} was committed`,
        reading.operation,
        newest.operation,
      )
    }
  }
}

/** Commits of unknown end that somebody has read, and that no other commit explains: from then on they count. */
function proven(byRank: ReadonlyMap<number, Commit[]>, readings: readonly Reading[]): Commit[] {
  const firstReading = new Map<number, number>()
  for (const { rank, ended } of readings) firstReading.set(rank, Math.min(ended, firstReading.get(rank) ?? ended))
  return [...byRank.values()].flatMap(([commit, ...others]) => {
    const ended = firstReading.get(commit.rank)
    return others.length > 0 || commit.sure || ended === undefined || commit.rank === 0 ? [] : [{ ...commit, ended }]
  })
}

function runningMax(commits: readonly Commit[], key: (commit: Commit) => number): Commit[] {
  let best = commits[0]
  return commits.map(commit => {
    if (key(commit) > key(best)) best = commit
    return best
  })
}

/** How many of them, sorted by `key`, are below `limit`. */
function countBelow(commits: readonly Commit[], key: (commit: Commit) => number, limit: number): number {
  let low = 0
  let high = commits.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (key(commits[middle]) < limit) low = middle + 1
    else high = middle
  }
  return low
}
