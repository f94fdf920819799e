import { api, array, bool, int16, int32, int64, string } from '../schema.ts'

/**
 * Describes log directories and the replicas in them. Version 3 brings an error for the whole answer, 4 the size
 * of the volume, 5 whether the directory is cordoned.
 */
export const describeLogDirs = api(
  35,
  'DescribeLogDirs',
  '0-5',
  { flexible: '2+', legacy: '0', listeners: ['broker'] },
  {
    request: {
      topics: array(
        '0+',
        {
          topic: string('0+'),
          partitions: array('0+', 'int32'),
        },
        { nullable: '0+' },
      ),
    },
    response: {
      throttleTimeMs: int32('0+', { default: 0 }),
      errorCode: int16('3+'),
      results: array('0+', {
        errorCode: int16('0+'),
        logDir: string('0+'),
        topics: array('0+', {
          name: string('0+'),
          partitions: array('0+', {
            partitionIndex: int32('0+'),
            partitionSize: int64('0+'),
            offsetLag: int64('0+'),
            isFutureKey: bool('0+'),
          }),
        }),
        totalBytes: int64('4+', { default: -1 }),
        usableBytes: int64('4+', { default: -1 }),
        isCordoned: bool('5+', { default: false }),
      }),
    },
  },
)
