/**
 * The range assignor: of each topic every subscriber gets a run of partitions, in the order of the members, so that the
 * same indexes of topics that are consumed together meet at one member.
 */
import type { Assignor, AssignorMember } from './assignor.ts'

export const rangeAssignor: Assignor = ({ members, partitionsCounts }) => {
  const targets = new Map(members.map(({ id }) => [id, new Map<string, number[]>()]))
  const ordered = [...members].sort(byInstanceThenId)
  for (const [topicId, count] of partitionsCounts) {
    const subscribers = ordered.filter(({ topicIds }) => topicIds.has(topicId))
    const each = Math.floor(count / subscribers.length)
    const more = count % subscribers.length
    let next = 0
    subscribers.forEach(({ id }, i) => {
      const size = each + (i < more ? 1 : 0)
      if (size > 0)
        targets.get(id)?.set(
          topicId,
          Array.from({ length: size }, (_, p) => next + p),
        )
      next += size
    })
  }
  return targets
}

/** Static members come first and keep their place when they come back under another id. */
function byInstanceThenId(a: AssignorMember, b: AssignorMember): number {
  if (a.instanceId !== null && b.instanceId !== null) return compare(a.instanceId, b.instanceId)
  if (a.instanceId !== null) return -1
  if (b.instanceId !== null) return 1
  return compare(a.id, b.id)
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
