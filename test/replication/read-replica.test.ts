/** Consumers that read from followers (KIP-392). */
import t from 'tap'
import { Errors } from '../../protocol/index.ts'
import { World } from './world.ts'

const selector = { 'replica.selector.class': 'org.apache.kafka.common.replica.RackAwareReplicaSelector' }

t.test('the leader sends a consumer to the replica in its rack', async t => {
  const world = await World.of(3, selector)
  await world.createTopic('a', [[1, 2, 3]])
  await world.clock.run(world.produce(1, ['x']))
  await world.until(() => world.partition(2).highWatermark.value === 1, '2 knows that it is committed')
  const consume = (to: number, rack: string, version = 17) => world.clock.run(world.consume(to, 0, { rack, version }))
  const elsewhere = await consume(1, 'rack-2')
  t.match(elsewhere, { errorCode: Errors.NONE, preferredReadReplica: 2 })
  t.equal(elsewhere.records?.length ?? 0, 0)
  for (const rack of ['rack-1', 'nowhere', '']) {
    const here = await consume(1, rack)
    t.equal(here.preferredReadReplica, -1, rack)
    t.ok(here.records!.length > 0, rack)
  }
  const nearby = await consume(2, 'rack-2')
  t.match(nearby, { errorCode: Errors.NONE, preferredReadReplica: -1, highWatermark: 1 })
  t.ok(nearby.records!.length > 0)
  t.equal((await consume(2, '', 10)).errorCode, Errors.NOT_LEADER_OR_FOLLOWER, 'v10 knows only leaders')
  world.change({ isr: [1, 3] })
  world.isolate(2)
  t.equal((await consume(1, 'rack-2')).preferredReadReplica, -1, 'not in sync')
  world.fence(3, true)
  t.equal((await consume(1, 'rack-3')).preferredReadReplica, -1, 'fenced')
})

t.test('a follower gives what it knows to be committed, and hears of it at once', async t => {
  const world = await World.of(2, selector)
  await world.createTopic('a', [[1, 2]])
  await world.clock.run(world.produce(1, ['x']))
  await world.clock.advance(100)
  await world.clock.run(world.produce(1, ['y']))
  const startMs = world.clock.monotonic()
  await world.until(() => world.partition(2).highWatermark.value === 2, 'the follower knows')
  t.ok(world.clock.monotonic() - startMs < 20)
  world.isolate(1)
  await world.clock.run(world.produce(1, ['z'], { acks: 1 }))
  t.equal((await world.clock.run(world.consume(2, 3))).errorCode, Errors.OFFSET_OUT_OF_RANGE)
  t.equal((await world.clock.run(world.consume(2, 2))).errorCode, Errors.NONE)
})

t.test('what a follower has but does not know to be committed', async t => {
  const world = await World.of(3)
  await world.createTopic('a', [[1, 2, 3]])
  await world.clock.run(world.produce(1, ['x']))
  await world.until(() => world.partition(2).highWatermark.value === 1, 'the follower knows of one')
  world.isolate(3)
  const waiting = world.produce(1, ['y'], { timeoutMs: 100 })
  await world.until(() => world.partition(2).log.logEndOffset === 2, 'the follower has two')
  await world.clock.run(waiting)
  t.equal((await world.clock.run(world.consume(2, 2))).errorCode, Errors.OFFSET_NOT_AVAILABLE)
})
