import { api, array, bool, int16, int32, int64, string, struct, uuid } from '../schema.ts'

/** Accepts, releases, rejects or (version 2) renews acquired records. Version 0 was early access in 4.0. */
export const shareAcknowledge = api(
  79,
  'ShareAcknowledge',
  '0-2',
  { flexible: '0+', legacy: '0', listeners: ['broker'] },
  {
    request: {
      groupId: string('0+', { nullable: '0+', default: null }),
      memberId: string('0+', { nullable: '0+' }),
      shareSessionEpoch: int32('0+'),
      isRenewAck: bool('2+', { default: false }),
      topics: array('0+', {
        topicId: uuid('0+'),
        partitions: array('0+', {
          partitionIndex: int32('0+'),
          acknowledgementBatches: array('0+', {
            firstOffset: int64('0+'),
            lastOffset: int64('0+'),
            acknowledgeTypes: array('0+', 'int8'),
          }),
        }),
      }),
    },
    response: {
      throttleTimeMs: int32('0+', { default: 0 }),
      errorCode: int16('0+'),
      errorMessage: string('0+', { nullable: '0+', default: null }),
      acquisitionLockTimeoutMs: int32('2+'),
      responses: array('0+', {
        topicId: uuid('0+'),
        partitions: array('0+', {
          partitionIndex: int32('0+'),
          errorCode: int16('0+'),
          errorMessage: string('0+', { nullable: '0+', default: null }),
          currentLeader: struct('0+', {
            leaderId: int32('0+'),
            leaderEpoch: int32('0+'),
          }),
        }),
      }),
      nodeEndpoints: array('0+', {
        nodeId: int32('0+'),
        host: string('0+'),
        port: int32('0+'),
        rack: string('0+', { nullable: '0+', default: null }),
      }),
    },
  },
)
