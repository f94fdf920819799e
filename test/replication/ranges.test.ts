/** Where logs begin and end: followers whose logs do not meet their leader's, and records that are not what they should be. */
import t from 'tap'
import { Errors, fetch } from '../../protocol/index.ts'
import { World } from './world.ts'

/** From the beginning of a batch to the value of its only record, of some fifty bytes. */
const recordAt = 61 + 7

t.test('deleted records: the low watermark is that of every live replica', async t => {
  const world = await World.of(3)
  await world.createTopic('a', [[1, 2, 3]])
  for (const value of ['0', '1', '2', '3']) await world.clock.run(world.produce(1, [value]))
  t.match(await world.clock.run(world.deleteRecords(1, 2)), { errorCode: Errors.NONE, lowWatermark: 2 })
  for (const id of [1, 2, 3]) t.equal(world.partition(id).log.logStartOffset, 2, `node ${id}`)
  world.isolate(3)
  t.equal((await world.clock.run(world.deleteRecords(1, 3, 300))).errorCode, Errors.REQUEST_TIMED_OUT)
  world.fence(3, true)
  t.match(await world.clock.run(world.deleteRecords(1, 4)), { errorCode: Errors.NONE, lowWatermark: 4 })
  t.equal((await world.clock.run(world.deleteRecords(1, 5))).errorCode, Errors.OFFSET_OUT_OF_RANGE)
})

t.test('a follower that comes back behind the start of the log begins anew there', async t => {
  const world = await World.of(2)
  await world.createTopic('a', [[1, 2]])
  await world.clock.run(world.produce(1, ['0']))
  await world.stop(2)
  world.change({ isr: [1] })
  world.fence(2, true)
  for (const value of ['1', '2', '3', '4']) await world.clock.run(world.produce(1, [value]))
  t.match(await world.clock.run(world.deleteRecords(1, 3)), { errorCode: Errors.NONE, lowWatermark: 3 })
  await world.start(2)
  await world.until(() => world.info().isr.includes(2), '2 is back')
  t.equal(world.partition(2).log.logStartOffset, 3)
  t.same(await world.values(2), ['3', '4'])
  t.equal((await world.clock.run(world.produce(1, ['5']))).errorCode, Errors.NONE)
})

t.test('a log that starts inside a batch', async t => {
  const world = await World.of(2)
  await world.createTopic('a', [[1]])
  await world.clock.run(world.produce(1, ['0', '1', '2', '3']))
  t.match(await world.clock.run(world.deleteRecords(1, 2)), { errorCode: Errors.NONE, lowWatermark: 2 })
  world.change({ replicas: [1, 2] })
  await world.until(() => world.info().isr.includes(2), '2 has joined')
  t.equal(world.partition(2).log.logStartOffset, 2)
  t.same(await world.values(2), ['2', '3'])
})

t.test('a follower longer than its leader in the same epoch is cut', async t => {
  const world = await World.of(2)
  await world.createTopic('a', [[1, 2]], { 'flush.messages': '1000000' })
  world.partition(2)
  await world.clock.run(world.produce(1, ['0']))
  // Without synced acknowledgements a leader may lose what its follower has.
  world.powerOff(1)
  await world.start(1)
  world.change({ leader: 1, isr: [1] })
  t.equal(world.partition(1).log.logEndOffset, 0)
  await world.clock.run(world.produce(1, ['new'], { acks: 1 }))
  await world.until(() => world.info().isr.includes(2), '2 is back')
  t.same(await world.values(2), ['new'])
})

t.test('a batch that arrives damaged is fetched again', async t => {
  const world = await World.of(2)
  await world.createTopic('a', [[1, 2]])
  await world.clock.run(world.produce(1, ['first']))
  let damaged = 0
  world.mangle = (_from, to, api, bytes) => {
    const at = bytes.indexOf('precious')
    if (to !== 2 || api !== fetch || at < 0 || damaged === 3) return
    damaged++
    bytes[at] ^= 1
  }
  t.equal((await world.clock.run(world.produce(1, ['precious']))).errorCode, Errors.NONE)
  t.equal(damaged, 3)
  t.same(await world.values(2), ['first', 'precious'])
})

t.test('a replica that nobody knows, and one that metadata has yet to name', async t => {
  const world = await World.of(3)
  await world.createTopic('a', [[1, 2]])
  await world.clock.run(world.produce(1, ['x']))
  // 3 hears that it is a replica before the leader does: its fetches are refused for a while, and then served.
  world.node(1).held = true
  world.change({ replicas: [1, 2, 3] })
  await world.clock.advance(500)
  t.equal(world.partition(3).log.logEndOffset, 0)
  world.release(1)
  await world.until(() => world.info().isr.includes(3), '3 has joined')
  t.same(await world.values(3), ['x'])
})

t.test('a replica that is assigned no more goes away, and comes back empty', async t => {
  const world = await World.of(3)
  await world.createTopic('a', [[1, 2, 3]])
  await world.clock.run(world.produce(1, ['x']))
  world.change({ replicas: [1, 2], isr: [1, 2], leader: 1 })
  await world.clock.run(world.node(3).partitions.settled())
  t.equal(world.node(3).partitions.get('a', 0), null)
  t.equal(world.node(3).logs.get('a', 0), undefined)
  world.change({ replicas: [1, 2, 3] })
  await world.until(() => world.info().isr.includes(3), '3 is back')
  t.same(await world.values(3), ['x'])
})

t.test('producers are remembered across a failover', async t => {
  const world = await World.of(2)
  await world.createTopic('a', [[1, 2]])
  t.match(await world.clock.run(world.produce(1, ['x'], { producer: [7, 0] })), { errorCode: 0, baseOffset: 0 })
  t.match(await world.clock.run(world.produce(1, ['y'], { producer: [7, 1] })), { errorCode: 0, baseOffset: 1 })
  world.change({ leader: 2 })
  t.match(await world.clock.run(world.produce(2, ['y'], { producer: [7, 1] })), { errorCode: 0, baseOffset: 1 })
  t.match(await world.clock.run(world.produce(2, ['z'], { producer: [7, 2] })), { errorCode: 0, baseOffset: 2 })
  t.equal(
    (await world.clock.run(world.produce(2, ['?'], { producer: [7, 9] }))).errorCode,
    Errors.OUT_OF_ORDER_SEQUENCE_NUMBER,
  )
  t.same(await world.values(2), ['x', 'y', 'z'])
})

t.test('a controller that refuses: ineligible, outdated, unreachable', async t => {
  const world = await World.of(3)
  await world.createTopic('a', [[1, 2, 3]])
  await world.clock.run(world.produce(1, ['x']))
  for (const refusal of [Errors.INELIGIBLE_REPLICA, Errors.UNKNOWN_SERVER_ERROR, Errors.OPERATION_NOT_ATTEMPTED]) {
    world.change({ isr: [1, 2] })
    world.refusals.push(refusal)
    await world.until(() => world.info().isr.length === 3, `after ${refusal}`)
    t.equal(world.refusals.length, 0)
  }
  world.change({ isr: [1, 2] })
  world.cut(1, 0)
  await world.clock.advance(500)
  t.same(world.info().isr, [1, 2])
  world.heal()
  await world.until(() => world.info().isr.length === 3, 'the controller is back')
  // Metadata is on its way while the answer says that the request is outdated.
  world.change({ isr: [1, 2] })
  world.node(1).held = true
  world.change({ isr: [2, 1] })
  await world.clock.advance(1000)
  t.equal(world.info().isr.length, 2, 'waits for metadata')
  world.release(1)
  await world.until(() => world.info().isr.length === 3, 'and asks again then')
})

t.test('a damaged replica is mended from its leader once it is out of sync', async t => {
  const world = await World.of(2)
  await world.createTopic('a', [[1, 2]])
  const values = Array.from({ length: 10 }, (_, i) => `value ${i} ${'.'.repeat(50)}`)
  for (const value of values) await world.clock.run(world.produce(1, [value]))
  await world.clock.advance(200)
  const size = world.partition(2).log.sizeBytes
  world.powerOff(2)
  world.disk(2).corrupt('/data/a-0/00000000000000000000.log', Math.floor(size / 2), Buffer.from([0xff]))
  world.cut(2, 1)
  await world.start(2)
  const { log } = world.partition(2)
  t.equal(log.corruptRanges.length, 1)
  await world.clock.advance(100)
  t.equal(log.corruptRanges.length, 1, 'still in sync: nothing is cut')
  world.change({ isr: [1] })
  world.heal()
  await world.until(() => world.info().isr.includes(2), 'mended and back')
  t.equal(log.corruptRanges.length, 0)
  t.same(await world.values(2), values)
  await world.stop(2)
  await world.start(2)
  t.same(world.partition(2).log.corruptRanges, [])
  t.same(await world.values(2), values)
})

for (const damaged of [1, 2]) {
  const role = damaged === 1 ? 'leader' : 'follower'
  t.test(`a ${role} mends what was damaged while it was cleanly stopped, in sync all the time`, async t => {
    const world = await World.of(3)
    await world.createTopic('a', [[1, 2, 3]])
    const values = Array.from({ length: 10 }, (_, i) => `value ${i} ${'.'.repeat(50)}`)
    for (const value of values) await world.clock.run(world.produce(1, [value]))
    await world.clock.advance(200)
    const { sizeBytes } = world.partition(damaged).log
    await world.stop(damaged)
    const path = '/data/a-0/00000000000000000000.log'
    const before = world.disk(damaged).peek(path)
    for (const share of [0.2, 0.5, 0.9])
      world.disk(damaged).corrupt(path, Math.floor(sizeBytes * share), Buffer.from([1, 2, 3]))
    await world.start(damaged)
    const { log } = world.partition(damaged)
    const isWhole = () => world.disk(damaged).peek(path).subarray(0, before.length).equals(before)
    await world.until(() => isWhole() && log.corruptRanges.length === 0, 'as it was')
    t.same([...world.info().isr].sort(), [1, 2, 3])
    t.same(await world.values(damaged), values)
    t.match(await world.clock.run(world.produce(1, ['more'])), { errorCode: 0, baseOffset: 10 })
    t.equal(log.logEndOffset, 11)
  })
}

t.test('damage is mended later when nobody can be asked now, and kept where others have other records', async t => {
  const world = await World.of(2)
  await world.createTopic('a', [[1, 2]])
  for (let i = 0; i < 4; i++) await world.clock.run(world.produce(1, [`value ${i} ${'.'.repeat(50)}`]))
  await world.clock.advance(200)
  const path = '/data/a-0/00000000000000000000.log'
  await world.stop(1)
  world.disk(1).corrupt(path, 100, Buffer.from([1, 2, 3]))
  world.cut(1, 2)
  await world.start(1)
  const { log } = world.partition(1)
  await world.clock.advance(2000)
  t.equal(log.corruptRanges.length, 1)
  t.match(await world.clock.run(world.consume(1, 0)), { errorCode: Errors.KAFKA_STORAGE_ERROR })
  world.heal()
  await world.until(() => log.corruptRanges.length === 0, 'mended')
  t.match(await world.clock.run(world.consume(1, 0)), { errorCode: Errors.NONE })
  // As after a compaction: the other one has nothing at this offset any more.
  await world.stop(1)
  world.disk(1).corrupt(path, 100, Buffer.from([1, 2, 3]))
  world.mangle = (from, to, api, bytes) => {
    const at = bytes.indexOf('value 0')
    if (from === 2 && to === 1 && api === fetch && at > 0) bytes[at - recordAt + 7] = 1
  }
  await world.start(1)
  await world.clock.advance(2000)
  t.equal(world.partition(1).log.corruptRanges.length, 1)
  t.match(await world.clock.run(world.consume(1, 0)), { errorCode: Errors.CORRUPT_MESSAGE })
  t.match(await world.clock.run(world.consume(1, 1)), { errorCode: Errors.NONE })
})

t.test('a throttled replica is copied no faster than told, and an in-sync one as fast as ever', async t => {
  for (const side of ['leader', 'follower']) {
    // Few bytes an answer, or all would be there before anybody counts.
    const world = await World.of(2, { 'replica.fetch.max.bytes': '5000', 'replica.fetch.response.max.bytes': '5000' })
    await world.createTopic('a', [[1]], { [`${side}.replication.throttled.replicas`]: '*' })
    const value = 'x'.repeat(1000)
    for (let i = 0; i < 300; i++) await world.clock.run(world.produce(1, [value]))
    world.configure(`${side}.replication.throttled.rate`, '10000')
    const startMs = world.clock.monotonic()
    world.change({ replicas: [1, 2] })
    await world.until(() => world.info().isr.includes(2), 'copied')
    const tookMs = world.clock.monotonic() - startMs
    // Some 320 kB; the first window may be used up at once.
    t.ok(tookMs > 20_000 && tookMs < 45_000, `${side}: ${tookMs} ms`)
    const again = world.clock.monotonic()
    for (let i = 0; i < 50; i++) await world.clock.run(world.produce(1, [value]))
    t.ok(world.clock.monotonic() - again < 2000, 'in sync')
  }
})
