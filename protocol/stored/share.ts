/** Records of __share_group_state, the share coordinator's log. */
import { array, int8, int16, int32, int64, message, string, uuid } from '../schema.ts'

export const shareSnapshotKey = message(
  'ShareSnapshotKey',
  '0',
  { flexible: 'none', type: 0 },
  {
    groupId: string('0'),
    topicId: uuid('0'),
    partition: int32('0'),
  },
)

export const shareSnapshotValue = message(
  'ShareSnapshotValue',
  '0',
  { flexible: '0+', type: 0 },
  {
    snapshotEpoch: int32('0+'),
    stateEpoch: int32('0+'),
    leaderEpoch: int32('0+'),
    startOffset: int64('0+'),
    deliveryCompleteCount: int32('0+', { default: -1, tag: 0 }),
    createTimestamp: int64('0+'),
    writeTimestamp: int64('0+'),
    stateBatches: array('0+', {
      firstOffset: int64('0+'),
      lastOffset: int64('0+'),
      deliveryState: int8('0+'),
      deliveryCount: int16('0+'),
    }),
  },
)

export const shareUpdateKey = message(
  'ShareUpdateKey',
  '0',
  { flexible: 'none', type: 1 },
  {
    groupId: string('0'),
    topicId: uuid('0'),
    partition: int32('0'),
  },
)

export const shareUpdateValue = message(
  'ShareUpdateValue',
  '0',
  { flexible: '0+', type: 1 },
  {
    snapshotEpoch: int32('0+'),
    leaderEpoch: int32('0+'),
    startOffset: int64('0+'),
    deliveryCompleteCount: int32('0+', { default: -1, tag: 0 }),
    stateBatches: array('0+', {
      firstOffset: int64('0+'),
      lastOffset: int64('0+'),
      deliveryState: int8('0+'),
      deliveryCount: int16('0+'),
    }),
  },
)
