import t from 'tap'
import { QuorumStateError, QuorumStateFile, readQuorumState } from '../../src/raft/quorum-state.ts'
import { readText, world, writeText } from './world.ts'

t.test('both versions, in the words of Apache Kafka', async t => {
  const { disk } = world()
  await disk.makeDirectory('/q')
  t.equal(await readQuorumState(disk, '/q'), null)
  const state = { leaderId: 1, leaderEpoch: 3, votedId: 1, votedDirectoryId: 'AAAAAAAAAAAAAAAAAAAABA', voters: [] }
  const file = new QuorumStateFile(disk, '/q')
  await file.write({ ...state, version: 1 })
  t.equal(
    await readText(disk, '/q/quorum-state'),
    '{"leaderId":1,"leaderEpoch":3,"votedId":1,"votedDirectoryId":"AAAAAAAAAAAAAAAAAAAABA","data_version":1}',
  )
  t.same(await readQuorumState(disk, '/q'), { ...state, version: 1 })
  await file.write({ ...state, version: 0, voters: [1] })
  t.equal(
    await readText(disk, '/q/quorum-state'),
    '{"clusterId":"","leaderId":1,"leaderEpoch":3,"votedId":1,"appliedOffset":0,"currentVoters":[{"voterId":1}],"data_version":0}',
  )
  t.same(await readQuorumState(disk, '/q'), { ...state, votedDirectoryId: null, version: 0, voters: [1] })
})

t.test('an epoch is never guessed', async t => {
  const { disk } = world()
  await disk.makeDirectory('/q')
  for (const text of [
    '',
    'null',
    '[',
    '{}',
    '{"data_version":2}',
    '{"data_version":1,"leaderId":1,"leaderEpoch":"x"}',
  ]) {
    await writeText(disk, '/q/quorum-state', text)
    await t.rejects(readQuorumState(disk, '/q'), QuorumStateError, text)
  }
})
