import t from 'tap'
import { placeReplicas } from '../../src/controller/placement.ts'
import type { Broker } from '../../src/metadata/entities.ts'
import { SimRandom } from '../sim/random.ts'

const broker = (id: number, more: Partial<Broker> = {}): Broker => ({
  id,
  epoch: 0,
  incarnationId: '',
  endpoints: [],
  features: [],
  rack: null,
  fenced: false,
  inControlledShutdown: false,
  logDirs: ['d'],
  cordonedLogDirs: null,
  ...more,
})

const place = (brokers: Broker[], count: number, factor: number, seed = 1) =>
  placeReplicas(brokers, count, factor, new SimRandom(seed))

const spread = (placed: number[][], pick: (replicas: number[]) => number[]) => {
  const counts = new Map<number, number>()
  for (const replicas of placed) for (const id of pick(replicas)) counts.set(id, (counts.get(id) ?? 0) + 1)
  return [...counts.values()].sort((a, b) => a - b)
}

t.test('leaders and replicas are spread over brokers', async t => {
  const placed = place(
    [1, 2, 3, 4].map(id => broker(id)),
    40,
    3,
  )
  t.same(
    spread(placed, ([leader]) => [leader]),
    [10, 10, 10, 10],
  )
  t.same(
    spread(placed, replicas => replicas),
    [30, 30, 30, 30],
  )
  t.ok(placed.every(replicas => new Set(replicas).size === 3))
  const partners = new Set(placed.filter(([leader]) => leader === 1).map(([, second]) => second))
  t.ok(partners.size > 1, 'a broker that dies does not leave all its work to one other')
})

t.test('and over racks', async t => {
  const racks = ['a', 'a', 'a', 'b', 'b', 'c']
  const brokers = racks.map((rack, i) => broker(i + 1, { rack }))
  const rackOf = (id: number) => racks[id - 1]
  for (const replicas of place(brokers, 60, 3)) t.equal(new Set(replicas.map(rackOf)).size, 3)
  for (const replicas of place(brokers, 60, 4)) t.equal(new Set(replicas.map(rackOf)).size, 3)
  t.same(
    spread(place(brokers, 60, 3), ([leader]) => [leader]),
    [10, 10, 10, 10, 10, 10],
  )
})

t.test('fenced brokers only where they are needed, and never to lead', async t => {
  const brokers = [broker(1), broker(2), broker(3, { fenced: true }), broker(4, { inControlledShutdown: true })]
  t.notOk(
    place(brokers, 10, 2)
      .flat()
      .some(id => id > 2),
  )
  for (const replicas of place(brokers, 10, 3)) {
    t.ok(replicas[0] <= 2)
    t.ok(replicas.includes(1) && replicas.includes(2))
  }
  t.throws(() => place([broker(1, { fenced: true })], 1, 1), /All brokers are currently fenced/)
})

t.test('as many brokers as replicas', async t => {
  t.throws(() => place([broker(1)], 1, 3), /replication factor of 3 cannot be reached because only 1 broker\(s\)/)
  const cordoned = broker(2, { cordonedLogDirs: ['d'] })
  t.throws(() => place([broker(1), cordoned], 1, 2), /only 1 broker/)
  t.same(place([broker(7)], 2, 1), [[7], [7]])
})
