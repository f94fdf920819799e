import { api, array, int8, int16, int32, string } from '../schema.ts'

/** Elects leaders: preferred ones, or from version 1 unclean ones. */
export const electLeaders = api(
  43,
  'ElectLeaders',
  '0-2',
  { flexible: '2+', listeners: ['broker', 'controller'], forwarded: true },
  {
    request: {
      electionType: int8('1+'),
      topicPartitions: array(
        '0+',
        {
          topic: string('0+'),
          partitions: array('0+', 'int32'),
        },
        { nullable: '0+' },
      ),
      timeoutMs: int32('0+', { default: 60000 }),
    },
    response: {
      throttleTimeMs: int32('0+', { default: 0 }),
      errorCode: int16('1+'),
      replicaElectionResults: array('0+', {
        topic: string('0+'),
        partitionResult: array('0+', {
          partitionId: int32('0+'),
          errorCode: int16('0+'),
          errorMessage: string('0+', { nullable: '0+' }),
        }),
      }),
    },
  },
)
