/**
 * The uniform assignor: everyone gets as many partitions as the others, and keeps what it has as far as that allows.
 *
 * Members whose subscriptions are all the same differ by at most one partition. Otherwise partitions move from one
 * subscriber to another of the same topic as long as that makes their loads more even.
 */
import type { Assignor, AssignorInput, AssignorMember } from './assignor.ts'

type Target = Map<string, number[]>

interface Load {
  readonly member: AssignorMember
  readonly target: Target
  count: number
}

export const uniformAssignor: Assignor = input => {
  const loads = input.members.map((member): Load => ({ member, target: new Map(), count: 0 }))
  if (isHomogeneous(input.members)) assignSame(loads, input)
  else assignMixed(loads, input)
  return new Map(
    loads.map(({ member, target }) => {
      for (const partitions of target.values()) partitions.sort((a, b) => a - b)
      return [member.id, target]
    }),
  )
}

function isHomogeneous(members: readonly AssignorMember[]): boolean {
  const [first, ...rest] = members
  return rest.every(
    ({ topicIds }) =>
      topicIds === first.topicIds ||
      (topicIds.size === first.topicIds.size && [...topicIds].every(id => first.topicIds.has(id))),
  )
}

function give(load: Load, topicId: string, partition: number): void {
  const partitions = load.target.get(topicId)
  if (partitions) partitions.push(partition)
  else load.target.set(topicId, [partition])
  load.count++
}

/** Partitions that nobody has taken. */
class Unassigned {
  readonly #taken: ReadonlyMap<string, boolean[]>

  constructor({ partitionsCounts }: AssignorInput) {
    this.#taken = new Map([...partitionsCounts].map(([id, count]) => [id, new Array<boolean>(count).fill(false)]))
  }

  /** Whether it was there to be taken. */
  take(topicId: string, partition: number): boolean {
    const taken = this.#taken.get(topicId)
    if (!taken || partition >= taken.length || taken[partition]) return false
    taken[partition] = true
    return true
  }

  *[Symbol.iterator](): Generator<[topicId: string, partition: number], void, void> {
    for (const [topicId, taken] of this.#taken) {
      for (let partition = 0; partition < taken.length; partition++) if (!taken[partition]) yield [topicId, partition]
    }
  }
}

/** Every quota is the same but for a remainder, which goes to those who have that much already. */
function assignSame(loads: readonly Load[], input: AssignorInput): void {
  if (loads.length === 0) return
  let total = 0
  for (const count of input.partitionsCounts.values()) total += count
  const quota = Math.floor(total / loads.length)
  let remainder = total % loads.length
  const unassigned = new Unassigned(input)
  for (const load of loads) {
    let mayHaveMore = remainder > 0
    for (const [topicId, partitions] of load.member.target) {
      for (const partition of partitions) {
        if (load.count >= quota + (mayHaveMore ? 1 : 0)) break
        if (unassigned.take(topicId, partition)) give(load, topicId, partition)
      }
    }
    mayHaveMore &&= load.count > quota
    if (mayHaveMore) remainder--
  }
  const poor = loads.filter(({ count }) => count < quota || (count === quota && remainder > 0))
  deal(poor, unassigned, quota, remainder)
}

/** Deals round robin up to everyone's quota, then the remainder. */
function deal(loads: readonly Load[], unassigned: Iterable<[string, number]>, quota: number, remainder: number): void {
  let open = loads.filter(({ count }) => count < quota)
  let extra = remainder
  let turn = 0
  const late = loads.filter(({ count }) => count <= quota)
  let lateTurn = 0
  for (const [topicId, partition] of unassigned) {
    if (open.length === 0) {
      if (extra-- > 0) give(late[lateTurn++], topicId, partition)
      continue
    }
    const load = open[turn % open.length]
    give(load, topicId, partition)
    if (load.count < quota) {
      turn++
      continue
    }
    const at = turn % open.length
    open = open.filter(each => each !== load)
    turn = open.length === 0 ? 0 : at % open.length
  }
}

/** Each keeps what it still subscribes to; the rest goes to whoever has the least; then loads are evened out. */
function assignMixed(loads: readonly Load[], input: AssignorInput): void {
  const subscribers = new Map<string, Load[]>()
  for (const load of loads) {
    for (const topicId of load.member.topicIds) {
      const known = subscribers.get(topicId)
      if (known) known.push(load)
      else subscribers.set(topicId, [load])
    }
  }
  const unassigned = new Unassigned(input)
  for (const load of loads) {
    for (const [topicId, partitions] of load.member.target) {
      if (!load.member.topicIds.has(topicId)) continue
      for (const partition of partitions) if (unassigned.take(topicId, partition)) give(load, topicId, partition)
    }
  }
  // Those with the fewest takers first: their choice is smallest.
  const rest = [...unassigned].sort(([a], [b]) => sizeOf(subscribers, a) - sizeOf(subscribers, b))
  for (const [topicId, partition] of rest) {
    const load = leastOf(subscribers.get(topicId) ?? [])
    if (load) give(load, topicId, partition)
  }
  evenOut(subscribers)
}

function sizeOf(subscribers: ReadonlyMap<string, readonly Load[]>, topicId: string): number {
  return subscribers.get(topicId)?.length ?? 0
}

function leastOf(loads: readonly Load[]): Load | null {
  let least: Load | null = null
  for (const load of loads) if (!least || load.count < least.count) least = load
  return least
}

/** Each move makes the sum of the squares of the loads smaller, so it ends. */
function evenOut(subscribers: ReadonlyMap<string, readonly Load[]>): void {
  for (let moved = true; moved; ) {
    moved = false
    for (const [topicId, loads] of subscribers) {
      while (moveOne(topicId, loads)) moved = true
    }
  }
}

function moveOne(topicId: string, loads: readonly Load[]): boolean {
  const least = leastOf(loads)
  let most: Load | null = null
  for (const load of loads) if ((!most || load.count > most.count) && load.target.has(topicId)) most = load
  if (!least || !most || most.count - least.count < 2) return false
  const partitions = most.target.get(topicId)
  const partition = partitions?.pop()
  if (partition === undefined) return false
  if (partitions?.length === 0) most.target.delete(topicId)
  most.count--
  give(least, topicId, partition)
  return true
}
