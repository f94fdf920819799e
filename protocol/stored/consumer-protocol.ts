/**
 * What members of classic consumer groups tell each other through the coordinator, which does not look into it.
 * Stored as an int16 version and the body.
 */
import { array, bytes, int32, message, string } from '../schema.ts'

/**
 * What a member of a classic consumer group tells the assignor. Version 1 brings the owned partitions, 2 their
 * generation, 3 the rack.
 */
export const consumerProtocolSubscription = message(
  'ConsumerProtocolSubscription',
  '0-3',
  { flexible: 'none' },
  {
    topics: array('0+', 'string'),
    userData: bytes('0+', { nullable: '0+', default: null }),
    ownedPartitions: array('1+', {
      topic: string('1+'),
      partitions: array('1+', 'int32'),
    }),
    generationId: int32('2+', { default: -1 }),
    rackId: string('3+', { nullable: '3+', default: null }),
  },
)

/** What the assignor gives a member of a classic consumer group. */
export const consumerProtocolAssignment = message(
  'ConsumerProtocolAssignment',
  '0-3',
  { flexible: 'none' },
  {
    assignedPartitions: array('0+', {
      topic: string('0+'),
      partitions: array('0+', 'int32'),
    }),
    userData: bytes('0+', { nullable: '0+', default: null }),
  },
)
