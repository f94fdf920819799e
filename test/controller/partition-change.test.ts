import t from 'tap'
import {
  changePartition,
  type PartitionChange,
  type PartitionRules,
  type PartitionTargets,
  unchanged,
} from '../../src/controller/partition-change.ts'
import { unassignedDirectory } from '../../src/metadata/directories.ts'
import type { PartitionInfo } from '../../src/metadata/entities.ts'

const partition = (more: Partial<PartitionInfo> = {}): PartitionInfo => {
  const replicas = more.replicas ?? [1, 2, 3]
  return {
    index: 0,
    replicas,
    directories: replicas.map(() => unassignedDirectory),
    isr: replicas,
    removingReplicas: [],
    addingReplicas: [],
    eligibleLeaderReplicas: [],
    lastKnownElr: [],
    leader: replicas[0],
    leaderEpoch: 4,
    partitionEpoch: 7,
    leaderRecoveryState: 0,
    ...more,
  }
}

interface World {
  readonly alive?: readonly number[]
  readonly minIsr?: number
  readonly elr?: boolean
  readonly shrinkOpensEpoch?: boolean
}

const rules = ({
  alive = [1, 2, 3, 4, 5],
  minIsr = 1,
  elr = true,
  shrinkOpensEpoch = false,
}: World): PartitionRules => ({
  canLead: id => alive.includes(id),
  directoryOf: () => unassignedDirectory,
  minInsyncReplicas: minIsr,
  elr,
  namesDirectories: false,
  shrinkOpensEpoch,
})

const change = (before: PartitionInfo, targets: PartitionTargets, world: World = {}) =>
  changePartition(before, targets, rules(world))

const only = (wanted: Partial<PartitionChange>) => ({ ...unchanged, ...wanted })

t.test('nothing to change is no change', async t => {
  t.equal(change(partition(), {}), null)
  t.equal(change(partition(), { isr: [1, 2, 3] }), null)
  t.equal(change(partition({ isr: [2], leader: -1 }), { election: 'preferred' }, { alive: [1, 3] }), null)
})

t.test('the leader stays while it can', async t => {
  t.same(change(partition({ leader: 2 }), { isr: [1, 2] }), only({ isr: [1, 2] }))
  t.same(change(partition({ leader: 2 }), { election: 'preferred' }), only({ leader: 1 }))
  t.equal(change(partition({ leader: 2 }), { election: 'preferred' }, { alive: [2, 3] }), null)
})

t.test('else the first in order that is in sync and alive', async t => {
  t.same(change(partition(), { isr: [2, 3] }, { alive: [3] }), only({ isr: [2, 3], leader: 3 }))
  t.same(change(partition({ replicas: [3, 2, 1], leader: 1 }), { isr: [2, 3] }), only({ isr: [2, 3], leader: 3 }))
  t.same(change(partition(), { isr: [2, 3] }, { alive: [] }), only({ isr: [2, 3], leader: -1 }))
})

t.test('with too few in sync, those who were are eligible', async t => {
  const two = { minIsr: 2 }
  const one = change(partition({ isr: [1, 2] }), { isr: [1] }, two)
  t.same(one, only({ isr: [1], eligibleLeaderReplicas: [2] }))
  t.same(change(partition(), { isr: [1, 2] }, two), only({ isr: [1, 2] }), 'enough are')
  const low = partition({ isr: [1], eligibleLeaderReplicas: [2] })
  t.same(change(low, { isr: [1, 3] }, two), only({ isr: [1, 3], eligibleLeaderReplicas: [] }))
  t.same(
    change(low, { isr: [], uncleanShutdown: 1 }, { ...two, alive: [3] }),
    only({ isr: [], leader: -1, lastKnownElr: [1] }),
    'who lost its data is not',
  )
  t.same(
    change(low, { isr: [] }, { ...two, alive: [2, 3] }),
    only({ isr: [2], leader: 2, eligibleLeaderReplicas: [1] }),
    'an eligible one leads when nobody is in sync',
  )
  const lowered = partition({ isr: [], leader: -1, eligibleLeaderReplicas: [2, 3] })
  t.match(change(lowered, {}, { alive: [2] }), { isr: [2], leader: 2, eligibleLeaderReplicas: [] }, 'one is enough')
  t.same(change(partition({ replicas: [1] }), {}, two), null, 'one replica is all there are')
})

t.test('without that feature the last one in sync stays', async t => {
  const off = { elr: false, minIsr: 2, alive: [2] }
  t.same(change(partition({ isr: [1] }), { isr: [] }, off), only({ leader: -1 }))
  t.same(change(partition({ isr: [1, 2] }), { isr: [1] }, { ...off, alive: [1] }), only({ isr: [1] }))
})

t.test('the last leader of all may lead again, and is told to recover', async t => {
  const lost = partition({ isr: [], leader: -1, lastKnownElr: [2] })
  t.equal(change(lost, {}, { alive: [1, 3] }), null)
  t.same(change(lost, {}), only({ isr: [2], leader: 2, lastKnownElr: [], leaderRecoveryState: 1 }))
  t.equal(change({ ...lost, eligibleLeaderReplicas: [3] }, {}, { alive: [2] }), null, 'while nobody else is eligible')
})

t.test('anybody leads only where that is allowed', async t => {
  const stuck = partition({ isr: [1], leader: -1 })
  t.equal(change(stuck, {}, { alive: [2] }), null)
  t.same(change(stuck, { election: 'unclean' }, { alive: [2] }), only({ isr: [2], leader: 2, leaderRecoveryState: 1 }))
  const recoveringNow = { ...stuck, leaderRecoveryState: 1 }
  t.same(change(recoveringNow, { election: 'unclean' }, { alive: [2] }), only({ isr: [2], leader: 2 }))
  t.same(change(stuck, { election: 'unclean' }, { alive: [1, 2] }), only({ leader: 1 }), 'a clean one is better')
  const eligible = { ...stuck, isr: [], eligibleLeaderReplicas: [3] }
  t.same(
    change(eligible, { election: 'unclean' }, { alive: [2] }),
    only({ isr: [2], leader: 2, leaderRecoveryState: 1, eligibleLeaderReplicas: [] }),
    'what others hold is given up',
  )
})

t.test('replicas move: first who joins, then who leaves', async t => {
  const moving = partition({ replicas: [1, 4, 2, 3], isr: [1, 2, 3], addingReplicas: [4], removingReplicas: [3] })
  t.equal(change(moving, {}), null)
  t.same(
    change(moving, { isr: [1, 2, 3, 4] }),
    only({ isr: [1, 2, 4], leader: 1, replicas: [1, 4, 2], addingReplicas: [], removingReplicas: [] }),
    'in a new leader epoch',
  )
  const shrinking = partition({ isr: [2, 3], leader: 2, removingReplicas: [2, 3] })
  t.equal(change(shrinking, {}), null, 'who stays is not in sync')
  t.same(change(shrinking, { isr: [1, 2, 3] }), only({ isr: [1], leader: 1, replicas: [1], removingReplicas: [] }))
  const some = partition({ isr: [1, 3], removingReplicas: [3] })
  t.equal(change(some, {}), null, 'one that stays is missing')
})

t.test('before 3.6 a smaller in-sync set opened an epoch', async t => {
  t.same(change(partition(), { isr: [1, 2] }, { shrinkOpensEpoch: true }), only({ isr: [1, 2], leader: 1 }))
  t.same(change(partition({ isr: [1] }), { isr: [1, 2] }, { shrinkOpensEpoch: true }), only({ isr: [1, 2] }))
})

t.test('a replica names its directory', async t => {
  const named = { ...rules({}), namesDirectories: true, directoryOf: (id: number) => `dir${id}` }
  const before = partition({ directories: ['a', 'b', 'c'] })
  t.match(changePartition(before, { directories: new Map([[2, 'x']]) }, named), { directories: ['a', 'x', 'c'] })
  t.match(changePartition(before, { replicas: [1, 2, 3, 4], addingReplicas: [4] }, named), {
    directories: ['a', 'b', 'c', 'dir4'],
    leader: -2,
  })
})
