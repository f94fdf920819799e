import t from 'tap'
import { silentLogger } from '../../src/host/node.ts'
import { MetadataFollower } from '../../src/metadata/follower.ts'
import { encodeRecord } from '../../src/metadata/records.ts'
import { MetadataState } from '../../src/metadata/state.ts'
import { FakeLog } from '../machine/fake-log.ts'
import { record } from './history.ts'

const level = (featureLevel: number) => ({
  key: null,
  value: encodeRecord(record('featureLevel', { name: 'f', featureLevel })),
})

const reached = (follower: MetadataFollower, offset: number) =>
  new Promise<void>(resolve => follower.applied.reached(offset, () => resolve()))

t.test('applies what is committed and nothing else', async t => {
  const log = new FakeLog(false)
  log.append([level(1)], 5)
  log.commit()
  log.append([level(2)], 6)
  const state = new MetadataState()
  const follower = new MetadataFollower(log, state, silentLogger)
  await follower.start()
  t.equal(state.features.get('f'), 1)
  t.equal(follower.applied.value, 1)
  log.commit()
  await reached(follower, 2)
  t.equal(state.features.get('f'), 2)
  t.match(state, { lastOffset: 1, lastEpoch: 1, lastTimestampMs: 6 })
  follower.close()
})

t.test('a batch that is not wholly committed waits', async t => {
  const log = new FakeLog(false)
  const state = new MetadataState()
  const follower = new MetadataFollower(log, state, silentLogger)
  log.append([level(1)], 5)
  log.append([level(2), level(3)], 5)
  log.committed.advance(1)
  await follower.start()
  t.equal(state.features.get('f'), 1)
  log.commit()
  await reached(follower, 3)
  t.equal(state.features.get('f'), 3)
  follower.close()
})

t.test('bytes that are no metadata record are passed over', async t => {
  const log = new FakeLog()
  log.append([{ key: null, value: Buffer.from([1, 99, 0]) }, level(4)], 5)
  const state = new MetadataState()
  const follower = new MetadataFollower(log, state, silentLogger)
  await follower.start()
  t.equal(state.features.get('f'), 4)
  follower.close()
})

t.test('a snapshot comes while an older part of the log is read', async t => {
  const log = new FakeLog()
  log.append([level(1)], 5)
  log.append([level(2)], 5)
  const state = new MetadataState()
  const follower = new MetadataFollower(log, state, silentLogger)
  const started = follower.start()
  follower.jumpTo(10, 3, [record('featureLevel', { name: 'f', featureLevel: 9 })])
  await started
  t.equal(state.features.get('f'), 9)
  t.equal(follower.applied.value, 10)
  t.equal(state.lastOffset, 9)
  follower.close()
})
