import t from 'tap'
import { Errors } from '../../protocol/errors.ts'
import { Decider } from './decide.ts'

function cluster(settings: Record<string, string> = {}): Decider {
  const decider = new Decider({ 'node.id': '9', ...settings }).begin(30, 1)
  decider.brokers(1, 2, 3, 4, 5)
  decider.assigned('a', [1, 2, 3])
  return decider
}

function move(
  decider: Decider,
  replicas: number[] | null,
  more: { name?: string; index?: number; same?: boolean } = {},
) {
  const partitions = [{ partitionIndex: more.index ?? 0, replicas }]
  const [{ partitions: outcomes }] = decider.answer('alterReassignments', {
    topics: [{ name: more.name ?? 'a', partitions }],
    allowReplicationFactorChange: !more.same,
  })
  return outcomes[0]
}

const list = (decider: Decider, topics: Record<string, number[]> | null = null) =>
  decider.answer('listReassignments', {
    topics: topics && Object.entries(topics).map(([topic, partitions]) => ({ topic, partitions })),
  })

t.test('replicas move to other brokers', async t => {
  const decider = cluster()
  t.equal(move(decider, [1, 4, 5]).errorCode, 0)
  t.match(decider.partition('a'), {
    replicas: [1, 4, 5, 2, 3],
    addingReplicas: [4, 5],
    removingReplicas: [2, 3],
    isr: [1, 2, 3],
    leaderEpoch: 0,
  })
  t.match(list(decider), [
    { name: 'a', partitions: [{ partitionIndex: 0, addingReplicas: [4, 5], removingReplicas: [2, 3] }] },
  ])
  t.same(list(decider, { a: [1], b: [0] }), [])
  decider.alter('a', [1, 2, 3, 4])
  t.match(decider.partition('a'), { replicas: [1, 4, 5, 2, 3] })
  decider.alter('a', [1, 2, 3, 4, 5])
  t.match(decider.partition('a'), {
    replicas: [1, 4, 5],
    addingReplicas: [],
    removingReplicas: [],
    isr: [1, 4, 5],
    leader: 1,
    leaderEpoch: 1,
  })
  t.same(list(decider), [])
  t.equal(decider.partition('a').directories.length, 3)
})

t.test('cancelled, they are where they were', async t => {
  const decider = cluster()
  t.equal(move(decider, null).errorCode, Errors.NO_REASSIGNMENT_IN_PROGRESS)
  move(decider, [4, 5, 1])
  decider.alter('a', [1, 2, 3, 4])
  t.equal(move(decider, null).errorCode, 0)
  t.match(decider.partition('a'), { addingReplicas: [], removingReplicas: [], isr: [1, 2, 3], leader: 1 })
  t.same([...decider.partition('a').replicas].sort(), [1, 2, 3])
})

t.test('another move takes the place of the first', async t => {
  const decider = cluster()
  move(decider, [1, 2, 4])
  decider.alter(
    'a',
    [1, 2, 3, 4].filter(id => id !== 4),
  )
  move(decider, [1, 2, 5])
  t.match(decider.partition('a'), { replicas: [1, 2, 5, 3], addingReplicas: [5], removingReplicas: [3] })
  decider.alter('a', [1, 2, 3, 5])
  t.match(decider.partition('a'), { replicas: [1, 2, 5], isr: [1, 2, 5] })
})

t.test('more and fewer replicas', async t => {
  const decider = cluster()
  t.equal(move(decider, [1, 2], { same: true }).errorCode, Errors.INVALID_REPLICATION_FACTOR)
  t.equal(move(decider, [1, 2]).errorCode, 0)
  t.match(decider.partition('a'), { replicas: [1, 2], isr: [1, 2], leaderEpoch: 1 }, 'at once')
  move(decider, [1, 2, 3, 4])
  t.match(decider.partition('a'), { addingReplicas: [3, 4], leaderEpoch: 1 })
  move(decider, [2, 1])
  t.match(decider.partition('a'), { replicas: [2, 1], addingReplicas: [], leader: 1 }, 'another order')
})

t.test('what cannot be', async t => {
  const decider = cluster()
  const cases: [number, number[] | null, object?][] = [
    [Errors.UNKNOWN_TOPIC_OR_PARTITION, [1], { name: 'x' }],
    [Errors.UNKNOWN_TOPIC_OR_PARTITION, [1], { index: 1 }],
    [Errors.INVALID_REPLICA_ASSIGNMENT, [1, 9]],
    [Errors.INVALID_REPLICA_ASSIGNMENT, [1, 1]],
    [Errors.INVALID_REPLICA_ASSIGNMENT, []],
  ]
  for (const [error, replicas, more] of cases) t.equal(move(decider, replicas, more).errorCode, error)
})

t.test('going back may need an unclean election', async t => {
  for (const allowed of [false, true]) {
    const decider = cluster({ 'unclean.leader.election.enable': String(allowed) })
    move(decider, [4, 5])
    decider.alter('a', [1, 4])
    decider.alter(
      'a',
      [1, 4].filter(id => id === 1),
    )
    decider.alter('a', [1, 4])
    for (const id of [1, 2, 3]) decider.stop(id)
    t.match(decider.partition('a'), { leader: 4, isr: [4] })
    decider.beat(1)
    const { errorCode } = move(decider, null)
    t.equal(errorCode, allowed ? 0 : Errors.INVALID_REPLICA_ASSIGNMENT)
    if (allowed) t.match(decider.partition('a'), { leaderRecoveryState: 1, addingReplicas: [] })
  }
})
