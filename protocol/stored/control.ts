/** Keys and values of control records, and the control records of KRaft logs and snapshots. */
import { array, int16, int32, int64, message, string, struct, uint16, uuid } from '../schema.ts'

/**
 * The key of a control record: 0 abort, 1 commit, 2 leader change, 3 and 4 snapshot header and footer, 5 KRaft
 * version, 6 voters.
 */
export const controlRecordTypeSchema = message(
  'ControlRecordTypeSchema',
  '0',
  { flexible: 'none' },
  {
    type: int16('0+'),
  },
)

/** The value of an abort or commit marker. */
export const endTxnMarker = message(
  'EndTxnMarker',
  '0',
  { flexible: 'none' },
  {
    coordinatorEpoch: int32('0+'),
  },
)

const voter = {
  voterId: int32('0+'),
  voterDirectoryId: uuid('1+'),
}

/** The value of the control record with which a KRaft leader opens its epoch. */
export const leaderChangeMessage = message(
  'LeaderChangeMessage',
  '0-1',
  { flexible: '0+' },
  {
    version: int16('0+'),
    leaderId: int32('0+'),
    voters: array('0+', voter),
    grantingVoters: array('0+', voter),
  },
)

/** The first record of a snapshot. */
export const snapshotHeaderRecord = message(
  'SnapshotHeaderRecord',
  '0',
  { flexible: '0+' },
  {
    version: int16('0+'),
    lastContainedLogTimestamp: int64('0+'),
  },
)

/** The last record of a snapshot. */
export const snapshotFooterRecord = message(
  'SnapshotFooterRecord',
  '0',
  { flexible: '0+' },
  {
    version: int16('0+'),
  },
)

/** The finalized level of the feature kraft.version. */
export const kRaftVersionRecord = message(
  'KRaftVersionRecord',
  '0',
  { flexible: '0+' },
  {
    version: int16('0+'),
    kRaftVersion: int16('0+'),
  },
)

/** The voters of a KRaft quorum. */
export const votersRecord = message(
  'VotersRecord',
  '0',
  { flexible: '0+' },
  {
    version: int16('0+'),
    voters: array('0+', {
      voterId: int32('0+'),
      voterDirectoryId: uuid('0+'),
      endpoints: array('0+', {
        name: string('0+'),
        host: string('0+'),
        port: uint16('0+'),
      }),
      kRaftVersionFeature: struct('0+', {
        minSupportedVersion: int16('0+'),
        maxSupportedVersion: int16('0+'),
      }),
    }),
  },
)
