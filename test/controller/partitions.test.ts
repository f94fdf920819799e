import t from 'tap'
import { Errors } from '../../protocol/errors.ts'
import type { TopicOutcome } from '../../src/controller/events.ts'
import { Decider } from './decide.ts'

function grow(
  decider: Decider,
  name: string,
  count: number,
  assignments: number[][] | null = null,
  validateOnly = false,
) {
  const { records, reply } = decider.ask({
    question: 'createPartitions',
    topics: [{ name, count, assignments }],
    validateOnly,
  })
  return { records, outcome: (reply as { answer: readonly TopicOutcome[] }).answer[0] }
}

function cluster(): Decider {
  const decider = new Decider().begin()
  decider.brokers(1, 2)
  decider.topic('a', 2, 2)
  return decider
}

t.test('partitions are added behind those that are there', async t => {
  const decider = cluster()
  const { records } = grow(decider, 'a', 4)
  t.match(records, [
    { kind: 'partition', value: { partitionId: 2, leaderEpoch: 0 } },
    { kind: 'partition', value: { partitionId: 3 } },
  ])
  t.equal(decider.state.partition('a', 3)?.replicas.length, 2, 'as many replicas as the others')
  t.match(grow(decider, 'a', 5, [[2, 1]]).records, [{ value: { partitionId: 4, replicas: [2, 1], leader: 2 } }])
  t.same(grow(decider, 'a', 6, null, true).records, [])
})

t.test('what is refused', async t => {
  const decider = cluster()
  const refused = (expected: number, count: number, assignments: number[][] | null = null, name = 'a') => {
    const { records, outcome } = grow(decider, name, count, assignments)
    t.equal(outcome.errorCode, expected, `${name} ${count} ${JSON.stringify(assignments)}`)
    t.same(records, [])
  }
  refused(Errors.INVALID_PARTITIONS, 2)
  refused(Errors.INVALID_PARTITIONS, -1)
  refused(Errors.UNKNOWN_TOPIC_OR_PARTITION, 3, null, 'x')
  refused(Errors.INVALID_REPLICA_ASSIGNMENT, 3, [])
  refused(Errors.INVALID_REPLICA_ASSIGNMENT, 3, [[1]])
  refused(Errors.INVALID_REPLICA_ASSIGNMENT, 3, [[1, 1]])
  refused(Errors.INVALID_REPLICA_ASSIGNMENT, 3, [[1, 9]])
  refused(Errors.INVALID_REPLICA_ASSIGNMENT, 3, [[]])
  refused(Errors.POLICY_VIOLATION, 20_000)
  refused(Errors.POLICY_VIOLATION, 2 ** 31 - 1)
})
