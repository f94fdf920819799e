import t from 'tap'
import { Errors } from '../../protocol/errors.ts'
import { silentLogger } from '../../src/host/node.ts'
import { MetadataFollower } from '../../src/metadata/follower.ts'
import { encodeRecord } from '../../src/metadata/records.ts'
import { recordsOf } from '../../src/metadata/snapshot.ts'
import { MetadataState } from '../../src/metadata/state.ts'
import { noDirectory } from '../../src/raft/core/replica-key.ts'
import { metadataBatchBytesMax, type Quorum, QuorumError } from '../../src/raft/quorum.ts'
import { QuorumStateError } from '../../src/raft/quorum-state.ts'
import { SnapshotError } from '../../src/raft/snapshot-file.ts'
import { contents, record } from '../metadata/history.ts'
import { startQuorum, world, writeText } from './world.ts'

const level = (featureLevel: number, name = 'f') => ({
  key: null,
  value: encodeRecord(record('featureLevel', { name, featureLevel })),
})

const committed = (quorum: Quorum, offset: number) =>
  new Promise<void>(resolve => quorum.committed.reached(offset, () => resolve()))

/** What a broker would know that starts now. */
async function stateOf(quorum: Quorum): Promise<MetadataState> {
  await committed(quorum, quorum.logEndOffset)
  const state = new MetadataState()
  for (const each of quorum.snapshotRecords) state.apply(each, quorum.logStartOffset - 1)
  const follower = new MetadataFollower(quorum, state, silentLogger)
  await follower.start()
  follower.close()
  return state
}

t.test('every start leads a new epoch and says so in the log', async t => {
  const place = world()
  for (const epoch of [1, 2, 3]) {
    const { quorum, logs } = await startQuorum(place)
    t.equal(quorum.leaderEpoch, epoch)
    t.equal(quorum.committed.value, quorum.logEndOffset, 'the leader change is durable')
    quorum.append([level(epoch)], 5)
    t.equal((await stateOf(quorum)).features.get('f'), epoch)
    t.match(quorum.describe(), {
      leaderId: 1,
      leaderEpoch: epoch,
      highWatermark: 2 * epoch,
      voters: [{ replicaId: 1, directoryId: noDirectory, logEndOffset: 2 * epoch }],
    })
    await logs.close()
  }
})

t.test('a snapshot takes the place of the log before it', async t => {
  const place = world()
  const first = await startQuorum(place)
  for (let i = 1; i <= 50; i++) first.quorum.append([level(i), level(i, `f${i % 7}`)], 5)
  const state = await stateOf(first.quorum)
  const endOffset = first.quorum.logEndOffset
  await first.quorum.saveSnapshot({ endOffset, epoch: 1 }, recordsOf(state), state.lastTimestampMs)
  t.equal(first.log.logStartOffset, endOffset)
  first.quorum.append([level(99)], 5)
  await committed(first.quorum, endOffset + 1)
  await first.logs.close()
  const second = await startQuorum(place)
  t.same(second.quorum.snapshotId, { endOffset, epoch: 1 })
  t.equal(second.quorum.logStartOffset, endOffset)
  const again = await stateOf(second.quorum)
  state.apply(record('featureLevel', { name: 'f', featureLevel: 99 }), endOffset)
  t.same(contents(again), contents(state))
  await second.quorum.saveSnapshot({ endOffset: endOffset + 2, epoch: 2 }, recordsOf(again), 5)
  const names = (await place.disk.list('/data/__cluster_metadata-0')).map(({ name }) => name)
  t.same(
    names.filter(name => name.endsWith('.checkpoint')),
    [`${String(endOffset + 2).padStart(20, '0')}-0000000002.checkpoint`],
    'older ones go',
  )
  await second.logs.close()
})

t.test('a snapshot outlives a log that is lost', async t => {
  const place = world()
  const first = await startQuorum(place)
  first.quorum.append([level(3)], 5)
  const state = await stateOf(first.quorum)
  await first.quorum.saveSnapshot({ endOffset: 2, epoch: 1 }, recordsOf(state), 5)
  await first.logs.close()
  const directory = '/data/__cluster_metadata-0'
  for (const { name } of await place.disk.list(directory)) {
    if (name.endsWith('.log')) await place.disk.remove(`${directory}/${name}`)
  }
  const second = await startQuorum(place)
  t.equal(second.quorum.logStartOffset, 2)
  t.equal((await stateOf(second.quorum)).features.get('f'), 3)
  await second.logs.close()
})

t.test('a log of a larger quorum is not led alone', async t => {
  const place = world()
  await (await startQuorum(place)).logs.close()
  const path = '/data/__cluster_metadata-0/quorum-state'
  await writeText(
    place.disk,
    path,
    '{"clusterId":"","leaderId":2,"leaderEpoch":9,"votedId":-1,"appliedOffset":0,"currentVoters":[{"voterId":1},{"voterId":2}],"data_version":0}',
  )
  await t.rejects(startQuorum(place), QuorumError)
  await writeText(place.disk, path, 'x')
  await t.rejects(startQuorum(place), QuorumStateError)
  await writeText(place.disk, path, '{"leaderId":-1,"leaderEpoch":40,"votedId":-1,"data_version":1}')
  const { quorum, logs } = await startQuorum(place)
  t.equal(quorum.leaderEpoch, 41)
  await logs.close()
  await writeText(place.disk, '/data/__cluster_metadata-0/00000000000000000009-0000000001.checkpoint', 'x')
  await t.rejects(startQuorum(place), SnapshotError)
})

t.test('a batch that is too large is refused', async t => {
  const { quorum, logs } = await startQuorum(world())
  const huge = { key: null, value: Buffer.alloc(metadataBatchBytesMax) }
  t.throws(() => quorum.append([huge], 5), { code: Errors.RECORD_LIST_TOO_LARGE })
  await logs.close()
})
