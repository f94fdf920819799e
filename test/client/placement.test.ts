/** Which partition a key goes to, which member gets which partition, which broker which replica. */
import t from 'tap'
import { murmur2, partitionOfKey } from '../../src/client/murmur2.ts'
import { assignRange } from '../../src/client/range-assignor.ts'
import { planAssignments } from '../../src/client/reassignments.ts'

t.test("the hash is that of Kafka's producer", async t => {
  const known: readonly (readonly [string, number])[] = [
    ['21', -973932308],
    ['foobar', -790332482],
    ['a-little-bit-long-string', -985981536],
    ['a-little-bit-longer-string', -1486304829],
    ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
    ['abc', 479470107],
  ]
  for (const [text, hash] of known) t.equal(murmur2(Buffer.from(text)), hash, text)
  t.equal(partitionOfKey(Buffer.from('21'), 1000), (-973932308 & 0x7fffffff) % 1000)
})

t.test('range: consecutive partitions of each topic', async t => {
  const subscribers = [
    { memberId: 'b', topics: ['x', 'y'] },
    { memberId: 'a', topics: ['x'] },
  ]
  const assigned = assignRange(subscribers, topic => (topic === 'x' ? 3 : 2))
  const shown = (id: string) => (assigned.get(id) ?? []).map(({ topic, partition }) => `${topic}${partition}`)
  t.strictSame(shown('a'), ['x0', 'x1'])
  t.strictSame(shown('b'), ['x2', 'y0', 'y1'])
})

const partition = (partition: number, ...replicas: number[]) => {
  return { partition, replicas, leader: replicas[0], leaderEpoch: 0, isr: replicas, offline: [], errorCode: 0 }
}
const topic = (...partitions: ReturnType<typeof partition>[]) => ({ name: 't', id: '', internal: false, partitions })
const brokers = (...ids: number[]) => ids.map(id => ({ id, rack: null }))

t.test('a plan spreads evenly and moves little', async t => {
  const even = topic(partition(0, 1, 2), partition(1, 2, 1))
  t.strictSame(
    planAssignments([even], brokers(1, 2), null).map(({ replicas }) => replicas),
    [
      [1, 2],
      [2, 1],
    ],
    'what is even stays',
  )
  const onOne = topic(partition(0, 1), partition(1, 1), partition(2, 1), partition(3, 1))
  const spread = planAssignments([onOne], brokers(1, 2), null).map(({ replicas }) => replicas)
  t.strictSame(spread, [[1], [1], [2], [2]])
  const grown = planAssignments([onOne], brokers(1, 2, 3), 3)
  for (const { replicas } of grown) t.strictSame([...replicas].sort(), [1, 2, 3])
  const leaders = grown.map(({ replicas }) => replicas[0])
  t.equal(new Set(leaders).size, 3, 'every broker leads something')
})

t.test('replicas go to different racks', async t => {
  const racked = [1, 2, 3, 4].map(id => ({ id, rack: id <= 2 ? 'a' : 'b' }))
  const plan = planAssignments([topic(partition(0, 1), partition(1, 2), partition(2, 3))], racked, 2)
  for (const { replicas } of plan) t.equal(replicas.filter(id => id <= 2).length, 1, String(replicas))
})
