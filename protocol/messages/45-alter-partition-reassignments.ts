import { api, array, bool, int16, int32, string } from '../schema.ts'

/**
 * Starts, changes or cancels the reassignment of partitions. Version 1 can forbid a change of the replication
 * factor.
 */
export const alterPartitionReassignments = api(
  45,
  'AlterPartitionReassignments',
  '0-1',
  { flexible: '0+', listeners: ['broker', 'controller'], forwarded: true },
  {
    request: {
      timeoutMs: int32('0+', { default: 60000 }),
      allowReplicationFactorChange: bool('1+', { default: true }),
      topics: array('0+', {
        name: string('0+'),
        partitions: array('0+', {
          partitionIndex: int32('0+'),
          replicas: array('0+', 'int32', { nullable: '0+', default: null }),
        }),
      }),
    },
    response: {
      throttleTimeMs: int32('0+', { default: 0 }),
      allowReplicationFactorChange: bool('1+', { default: true }),
      errorCode: int16('0+'),
      errorMessage: string('0+', { nullable: '0+' }),
      responses: array('0+', {
        name: string('0+'),
        partitions: array('0+', {
          partitionIndex: int32('0+'),
          errorCode: int16('0+'),
          errorMessage: string('0+', { nullable: '0+' }),
        }),
      }),
    },
  },
)
