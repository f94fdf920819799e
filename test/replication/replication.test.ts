/** Leaders and followers: what is committed, who is in sync, and what the waiting are told. */
import t from 'tap'
import { Errors } from '../../protocol/index.ts'
import { World } from './world.ts'

t.test('records reach every replica and are acknowledged then', async t => {
  const world = await World.of(3)
  await world.createTopic('a', [
    [1, 2, 3],
    [2, 3, 1],
    [3, 1, 2],
  ])
  for (let round = 0; round < 5; round++) {
    const answers = [0, 1, 2].map(index => world.produce(index + 1, [`${round}-${index}`], { index }))
    for (const answer of answers) t.equal((await world.clock.run(answer)).errorCode, Errors.NONE)
  }
  for (const id of [1, 2, 3]) {
    for (const index of [0, 1, 2]) {
      t.same(
        await world.values(id, 'a', index),
        [0, 1, 2, 3, 4].map(round => `${round}-${index}`),
      )
    }
  }
  await world.until(() => [1, 2, 3].every(id => world.partition(id).highWatermark.value === 5), 'followers know')
  t.equal(world.asked.length, 0)
})

t.test('a follower acknowledges only what is on its disk', async t => {
  const world = await World.of(2)
  await world.createTopic('a', [[1, 2]])
  await world.until(() => world.partition(1).leadership!.replica(2)!.logEndOffset === 0, 'follower fetches')
  world.node(2).host.disk.slowness = 1000
  let answered = false
  const answer = world.produce(1, ['x']).then(() => {
    answered = true
  })
  const follower = world.partition(2).log
  await world.until(() => follower.logEndOffset === 1, 'the follower has the record')
  while (!answered) {
    if (follower.durable.value === 0) t.equal(world.partition(1).highWatermark.value, 0)
    await world.clock.advance(5)
  }
  t.equal(follower.durable.value, 1)
  await world.clock.run(answer)
})

t.test('acks=all without enough in sync: refused before, told after, timed out between', async t => {
  const world = await World.of(3)
  await world.createTopic('a', [[1, 2, 3]], { 'min.insync.replicas': '2' })
  world.isolate(2)
  world.isolate(3)
  const waiting = world.produce(1, ['x'], { timeoutMs: 300 })
  t.equal((await world.clock.run(waiting)).errorCode, Errors.REQUEST_TIMED_OUT)
  world.change({ isr: [1] })
  const refused = await world.clock.run(world.produce(1, ['y']))
  t.equal(refused.errorCode, Errors.NOT_ENOUGH_REPLICAS)
  t.equal(world.partition(1).log.logEndOffset, 1, 'nothing was appended')
  t.equal(world.partition(1).highWatermark.value, 0, 'the gate: nothing is committed by too few')
  t.equal((await world.clock.run(world.produce(1, ['z'], { acks: 1 }))).errorCode, Errors.NONE)
  t.equal(world.partition(1).highWatermark.value, 0)
  world.heal()
  await world.until(() => world.info().isr.length === 3, 'all are back')
  await world.until(() => world.partition(1).highWatermark.value === 2, 'committed')
})

t.test('the in-sync set shrinks by time and grows when a replica has caught up', async t => {
  const world = await World.of(3, { 'replica.lag.time.max.ms': '2000' })
  await world.createTopic('a', [[1, 2, 3]])
  await world.clock.run(world.produce(1, ['x']))
  world.isolate(3)
  const answer = world.produce(1, ['y'], { timeoutMs: 20_000 })
  t.equal((await world.clock.run(answer)).errorCode, Errors.NONE, 'acknowledged once 3 is out')
  t.same(world.info().isr, [1, 2])
  world.heal()
  await world.until(() => world.info().isr.length === 3, '3 is back')
  t.same(await world.values(3), ['x', 'y'])
})

t.test('a leader that resigns tells those who wait, and the next one goes on', async t => {
  const world = await World.of(3)
  await world.createTopic('a', [[1, 2, 3]])
  await world.clock.run(world.produce(1, ['x']))
  world.isolate(1)
  const waiting = world.produce(1, ['lost'], { timeoutMs: 20_000 })
  await world.clock.advance(50)
  world.heal()
  world.change({ leader: 2, isr: [2, 3] })
  t.equal((await world.clock.run(waiting)).errorCode, Errors.NOT_LEADER_OR_FOLLOWER)
  t.equal((await world.clock.run(world.produce(2, ['y']))).errorCode, Errors.NONE)
  await world.until(() => world.info().isr.length === 3, '1 is back')
  for (const id of [1, 2, 3]) t.same(await world.values(id), ['x', 'y'], `node ${id}`)
})

t.test('a new partition does not wait for the end of a long poll', async t => {
  const world = await World.of(2)
  await world.createTopic('a', [[1, 2]])
  await world.clock.run(world.produce(1, ['x']))
  // The follower's fetch waits at the leader by now.
  await world.clock.advance(100)
  await world.createTopic('b', [[1, 2]])
  const startMs = world.clock.monotonic()
  t.equal((await world.clock.run(world.produce(1, ['y'], { topic: 'b' }))).errorCode, Errors.NONE)
  t.ok(world.clock.monotonic() - startMs < 50, `after ${world.clock.monotonic() - startMs} ms`)
  t.equal((await world.clock.run(world.produce(1, ['z']))).errorCode, Errors.NONE)
  t.same(await world.values(2, 'b'), ['y'])
  t.same(await world.values(2), ['x', 'z'])
})
