/** The server-side assignors, over random members and topics. */
import assert from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import type { AssignorInput, AssignorMember } from '../../../../src/coordinator/group/consumer/assignor.ts'
import { assignors } from '../../../../src/coordinator/group/consumer/assignors.ts'
import type { Assignment } from '../../../../src/coordinator/group/consumer/member.ts'

const topics = ['a', 'b', 'c', 'd']

const inputs = fc.record({
  counts: fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 4, maxLength: 4 }),
  subscriptions: fc.array(fc.subarray(topics, { minLength: 1 }), { minLength: 1, maxLength: 8 }),
  same: fc.boolean(),
})

interface Given {
  readonly counts: readonly number[]
  readonly subscriptions: readonly (readonly string[])[]
  readonly same: boolean
}

function inputOf({ counts, subscriptions, same }: Given): AssignorInput {
  const members = subscriptions.map((names, i): AssignorMember => {
    return { id: `m${i}`, instanceId: null, topicIds: new Set(same ? subscriptions[0] : names), target: new Map() }
  })
  const wanted = topics.filter(topic => members.some(({ topicIds }) => topicIds.has(topic)))
  return { members, partitionsCounts: new Map(wanted.map(topic => [topic, counts[topics.indexOf(topic)]])) }
}

const sizeOf = (target: Assignment) => [...target.values()].reduce((sum, { length }) => sum + length, 0)

function checkWhole({ members, partitionsCounts }: AssignorInput, targets: ReadonlyMap<string, Assignment>): void {
  const owners = new Map<string, string>()
  for (const { id, topicIds } of members) {
    for (const [topic, partitions] of targets.get(id) ?? []) {
      assert(topicIds.has(topic), `${id} does not subscribe to ${topic}`)
      for (const partition of partitions) {
        assert(!owners.has(`${topic}-${partition}`), `${topic}-${partition} goes to two`)
        owners.set(`${topic}-${partition}`, id)
      }
    }
  }
  assert.equal(
    owners.size,
    [...partitionsCounts.values()].reduce((sum, count) => sum + count, 0),
    'everything is assigned',
  )
}

for (const [name, assignor] of Object.entries(assignors)) {
  t.test(`${name}: every partition to one of its subscribers`, async t => {
    const property = fc.property(inputs, given => {
      const input = inputOf(given)
      checkWhole(input, assignor(input))
    })
    fc.assert(property, { numRuns: 500, seed: 1 })
    t.pass('500 groups')
  })
}

t.test('uniform: loads are even, and members that come and go move little', async t => {
  const property = fc.property(inputs, given => {
    const input = inputOf({ ...given, same: true })
    const first = assignors.uniform(input)
    const counts = [...first.values()].map(sizeOf)
    assert(Math.max(...counts) - Math.min(...counts) <= 1, `${counts}`)
    const again = { ...input, members: input.members.map(member => ({ ...member, target: first.get(member.id)! })) }
    assert.deepEqual(assignors.uniform(again), first, 'nothing changes for nothing')
    const [gone, ...rest] = again.members
    if (rest.length === 0) return
    const left = assignors.uniform({ ...again, members: rest })
    const moved = rest.reduce((sum, { id }) => sum + lost(first.get(id)!, left.get(id)!), 0)
    assert.equal(moved, 0, `those that stay lose nothing when ${gone.id} leaves`)
  })
  fc.assert(property, { numRuns: 500, seed: 2 })
  t.pass('500 groups')
})

function lost(before: Assignment, after: Assignment): number {
  let count = 0
  for (const [topic, partitions] of before) {
    count += partitions.filter(partition => !after.get(topic)?.includes(partition)).length
  }
  return count
}

t.test('uniform: of members that subscribe to different topics nobody could take from another', async t => {
  const property = fc.property(inputs, given => {
    const input = inputOf({ ...given, same: false })
    const targets = assignors.uniform(input)
    for (const rich of input.members) {
      for (const [topic] of targets.get(rich.id) ?? []) {
        for (const poor of input.members.filter(({ topicIds }) => topicIds.has(topic))) {
          const [most, least] = [sizeOf(targets.get(rich.id)!), sizeOf(targets.get(poor.id)!)]
          assert(most - least <= 1, `${rich.id} has ${most}, ${poor.id} ${least}, and both may have ${topic}`)
        }
      }
    }
  })
  fc.assert(property, { numRuns: 500, seed: 3 })
  t.pass('500 groups')
})

t.test('range: runs of partitions, the same of topics of one size', async t => {
  const members = ['b', 'a', 'c'].map(id => ({
    id,
    instanceId: null,
    topicIds: new Set(['t', 'u']),
    target: new Map(),
  }))
  const targets = assignors.range({
    members,
    partitionsCounts: new Map([
      ['t', 4],
      ['u', 4],
    ]),
  })
  t.same(
    [...(targets.get('a') ?? [])],
    [
      ['t', [0, 1]],
      ['u', [0, 1]],
    ],
  )
  t.same(
    [...(targets.get('b') ?? [])],
    [
      ['t', [2]],
      ['u', [2]],
    ],
  )
  t.same(
    [...(targets.get('c') ?? [])],
    [
      ['t', [3]],
      ['u', [3]],
    ],
  )
})
