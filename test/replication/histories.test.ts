/** Histories in which replicas came to differ, by the names under which they are known, as fixed scenarios. */
import t, { type Test } from 'tap'
import { Errors } from '../../protocol/index.ts'
import { World } from './world.ts'

async function pair(settings: Record<string, string> = {}): Promise<World> {
  const world = await World.of(2, settings)
  await world.createTopic('a', [[1, 2]])
  return world
}

async function agree(t: Test, world: World, ids: readonly number[], values: readonly string[]): Promise<void> {
  const [first, ...others] = ids
  await world.until(() => others.every(id => world.info().isr.includes(id)), 'all are in sync')
  const end = world.partition(first).log.logEndOffset
  await world.until(() => others.every(id => world.partition(id).log.logEndOffset === end), 'all have the same length')
  for (const id of ids) t.same(await world.values(id), values, `node ${id}`)
  for (const id of others) {
    t.same(world.partition(id).log.epochs.entries, world.partition(first).log.epochs.entries, `epochs of ${id}`)
  }
}

t.test('KIP-101: a follower that did not know the high watermark loses nothing committed', async t => {
  const world = await pair()
  t.equal((await world.clock.run(world.produce(1, ['m1', 'm2']))).errorCode, Errors.NONE)
  // 2 has both, but has not heard that they are committed; it restarts, and then leads.
  const known = world.partition(2).highWatermark.value
  await world.stop(2)
  await world.start(2)
  world.isolate(1)
  world.change({ leader: 2, isr: [2] })
  t.ok(known <= 2)
  t.same(await world.values(2), ['m1', 'm2'])
  t.equal((await world.clock.run(world.produce(2, ['m3']))).errorCode, Errors.NONE)
  world.heal()
  await agree(t, world, [2, 1], ['m1', 'm2', 'm3'])
})

t.test('KIP-101: logs of the same length and different records do not stay different', async t => {
  const world = await pair()
  await world.clock.run(world.produce(1, ['m1']))
  world.isolate(2)
  await world.clock.run(world.produce(1, ['only-on-1'], { acks: 1 }))
  // Unclean: 2 leads without it, and writes something else at the same offset.
  world.change({ leader: 2, isr: [2] })
  await world.clock.run(world.produce(2, ['only-on-2'], { acks: 1 }))
  world.heal()
  await agree(t, world, [2, 1], ['m1', 'only-on-2'])
})

t.test('KIP-279: fail-over after fail-over, with epochs that one side never saw', async t => {
  const world = await pair()
  await world.clock.run(world.produce(1, ['a0']))
  world.isolate(2)
  await world.clock.run(world.produce(1, ['b0', 'b1'], { acks: 1 }))
  world.change({ leader: 2, isr: [2] })
  await world.clock.run(world.produce(2, ['c0'], { acks: 1 }))
  // 1 leads again without having heard of 2's records, and writes in yet another epoch.
  world.change({ leader: 1, isr: [1] })
  await world.clock.run(world.produce(1, ['d0'], { acks: 1 }))
  world.change({ leader: 2, isr: [2] })
  await world.clock.run(world.produce(2, ['e0', 'e1'], { acks: 1 }))
  world.heal()
  await agree(t, world, [2, 1], ['a0', 'c0', 'e0', 'e1'])
})

t.test('KIP-279: a replica joins only when it has reached the start of the leader epoch', async t => {
  const world = await World.of(3)
  await world.createTopic('a', [[1, 2, 3]])
  await world.clock.run(world.produce(1, ['x']))
  world.isolate(3)
  await world.clock.run(world.produce(1, ['y', 'z'], { acks: 1 }))
  await world.until(() => world.partition(2).log.durable.value === 3, '2 has all')
  // 3 has not, and the new leader's high watermark may be as low as what 3 has.
  world.change({ leader: 2, isr: [2] })
  const start = world.partition(2).leadership!.epochStartOffset
  t.equal(start, 3)
  world.heal()
  await world.until(() => world.info().isr.includes(3), '3 has joined')
  t.ok(world.partition(3).log.durable.value >= start)
})

t.test('KIP-320: who believes in another epoch is told so', async t => {
  const world = await pair()
  await world.clock.run(world.produce(1, ['x']))
  world.change({ leader: 1 })
  const { leaderEpoch } = world.info()
  t.equal(
    (await world.clock.run(world.consume(1, 0, { epoch: leaderEpoch - 1 }))).errorCode,
    Errors.FENCED_LEADER_EPOCH,
  )
  t.equal(
    (await world.clock.run(world.consume(1, 0, { epoch: leaderEpoch + 1 }))).errorCode,
    Errors.UNKNOWN_LEADER_EPOCH,
  )
  t.equal((await world.clock.run(world.consume(1, 0, { epoch: leaderEpoch }))).errorCode, Errors.NONE)
  t.match(await world.endOfEpoch(1, 0), { errorCode: 0, leaderEpoch: 0, endOffset: 1 })
  t.match(await world.endOfEpoch(1, leaderEpoch), { leaderEpoch, endOffset: 1 })
  t.match(await world.endOfEpoch(1, leaderEpoch + 5), { leaderEpoch: -1, endOffset: -1 })
  t.equal((await world.endOfEpoch(1, 0, leaderEpoch - 1)).errorCode, Errors.FENCED_LEADER_EPOCH)
  t.equal((await world.endOfEpoch(2, 0)).errorCode, Errors.NOT_LEADER_OR_FOLLOWER)
})

t.test('KIP-207: a new leader does not tell an end that may be too low', async t => {
  const world = await World.of(3)
  await world.createTopic('a', [[1, 2, 3]])
  world.isolate(3)
  const waiting = world.produce(1, ['x', 'y'], { timeoutMs: 100 })
  await world.until(() => world.partition(2).log.durable.value === 2, '2 has them')
  await world.clock.run(waiting)
  world.isolate(2)
  world.change({ leader: 2, isr: [2, 3] })
  t.equal(world.partition(2).highWatermark.value, 0)
  t.equal((await world.latest(2)).errorCode, Errors.OFFSET_NOT_AVAILABLE)
  t.equal((await world.latest(2, { maxVersion: 4 })).errorCode, Errors.LEADER_NOT_AVAILABLE)
  world.heal()
  await world.until(() => world.partition(2).highWatermark.value === 2, 'committed in the new epoch')
  t.match(await world.latest(2), { errorCode: Errors.NONE, offset: 2 })
})

t.test('the last replica standing: power fails on one after the other', async t => {
  const world = await World.of(3)
  await world.createTopic('a', [[1, 2, 3]], { 'min.insync.replicas': '2' })
  t.equal((await world.clock.run(world.produce(1, ['x']))).errorCode, Errors.NONE)
  for (const id of [1, 2, 3]) world.powerOff(id)
  world.change({ leader: 3, isr: [3] })
  await world.start(3)
  t.same(await world.values(3), ['x'], 'acknowledged means synced, everywhere')
  await world.start(1)
  await world.until(() => world.info().isr.includes(1), '1 is back')
  t.equal((await world.clock.run(world.produce(3, ['y']))).errorCode, Errors.NONE)
  await world.start(2)
  await agree(t, world, [3, 1, 2], ['x', 'y'])
})

t.test('a fetch of an earlier life of a broker counts for nothing (KIP-903)', async t => {
  const world = await pair()
  await world.clock.run(world.produce(1, ['x']))
  world.change({ isr: [1] })
  // The controller knows a newer registration than the broker itself.
  world.node(2).brokerEpoch -= 1
  await world.clock.advance(2000)
  t.same(world.info().isr, [1])
  world.node(2).brokerEpoch += 1
  await world.until(() => world.info().isr.length === 2, 'joined under its own epoch')
})

t.test('a fenced broker does not join', async t => {
  const world = await pair()
  world.change({ isr: [1] })
  world.fence(2, true)
  await world.clock.advance(2000)
  t.same(world.info().isr, [1])
  world.fence(2, false)
  await world.until(() => world.info().isr.length === 2, 'joined')
})
