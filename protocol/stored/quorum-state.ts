/** The file quorum-state of KRaft, written as JSON with these names. */
import { array, int32, int64, message, string, uuid } from '../schema.ts'

/** The file quorum-state: epoch, vote and, up to version 0, the voters of KRaft. */
export const quorumStateData = message(
  'QuorumStateData',
  '0-1',
  { flexible: '0+' },
  {
    clusterId: string('0'),
    leaderId: int32('0+', { default: -1 }),
    leaderEpoch: int32('0+', { default: -1 }),
    votedId: int32('0+', { default: -1 }),
    votedDirectoryId: uuid('1+'),
    appliedOffset: int64('0'),
    currentVoters: array(
      '0',
      {
        voterId: int32('0'),
      },
      { nullable: '0' },
    ),
  },
)
