/** Records of __consumer_offsets: committed offsets and classic groups. */
import { array, bytes, int32, int64, message, string, uuid } from '../schema.ts'

/** Key of a committed offset as written before version 0.9. */
export const legacyOffsetCommitKey = message(
  'LegacyOffsetCommitKey',
  '0',
  { flexible: 'none', type: 0 },
  {
    group: string('0'),
    topic: string('0'),
    partition: int32('0'),
  },
)

/** A committed offset under a legacy key; its versions are those of OffsetCommitValue. */
export const legacyOffsetCommitValue = message(
  'LegacyOffsetCommitValue',
  '0',
  { flexible: 'none', type: 0 },
  {
    offset: int64('0'),
    metadata: string('0'),
    commitTimestamp: int64('0'),
  },
)

export const offsetCommitKey = message(
  'OffsetCommitKey',
  '0',
  { flexible: 'none', type: 1 },
  {
    group: string('0'),
    topic: string('0'),
    partition: int32('0'),
  },
)

export const offsetCommitValue = message(
  'OffsetCommitValue',
  '0-4',
  { flexible: '4+', type: 1 },
  {
    offset: int64('0+'),
    leaderEpoch: int32('3+', { default: -1 }),
    metadata: string('0+'),
    commitTimestamp: int64('0+'),
    expireTimestamp: int64('1', { default: -1 }),
    topicId: uuid('4+', { tag: 0 }),
  },
)

export const groupMetadataKey = message(
  'GroupMetadataKey',
  '0',
  { flexible: 'none', type: 2 },
  {
    group: string('0'),
  },
)

const memberMetadata = {
  memberId: string('0+'),
  groupInstanceId: string('3+', { nullable: '3+', default: null }),
  clientId: string('0+'),
  clientHost: string('0+'),
  rebalanceTimeout: int32('1+', { default: -1 }),
  sessionTimeout: int32('0+'),
  subscription: bytes('0+'),
  assignment: bytes('0+'),
}

export const groupMetadataValue = message(
  'GroupMetadataValue',
  '0-4',
  { flexible: '4+', type: 2 },
  {
    protocolType: string('0+'),
    generation: int32('0+'),
    protocol: string('0+', { nullable: '0+' }),
    leader: string('0+', { nullable: '0+' }),
    currentStateTimestamp: int64('2+', { default: -1 }),
    members: array('0+', memberMetadata),
  },
)
