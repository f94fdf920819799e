import t from 'tap'
import { LeaderProgress } from '../../../src/raft/core/progress.ts'
import { defaultQuorumTimeouts, quorumLimits } from '../../../src/raft/core/timeouts.ts'
import { VoterSet } from '../../../src/raft/core/voter-set.ts'
import { key } from './member.ts'

const voter = (id: number) => ({
  key: key(id),
  endpoints: [],
  kraftVersions: { min: 0, max: 1 },
})

t.test('a leader that was the only voter gives those who join as long as anybody', async t => {
  const alone = new VoterSet([voter(1)])
  const progress = new LeaderProgress({
    self: key(1),
    voters: alone,
    epochStartOffset: 0,
    granting: [],
    timeouts: defaultQuorumTimeouts,
    durableEnd: 0,
    nowMs: 0,
  })
  t.equal(progress.quorumDeadlineMs(alone, 60_000), null)
  const both = new VoterSet([voter(1), voter(2)])
  const waitMs = defaultQuorumTimeouts.fetchTimeoutMs * quorumLimits.checkQuorumFactor
  t.equal(progress.quorumDeadlineMs(both, 60_100), 60_000 + waitMs)
})
