/** Files <offset>.snapshot: the state of producers at an offset. */
import { array, int16, int32, int64, message, uint32 } from '../schema.ts'

/** The body of a .snapshot file: the producers known at an offset. */
export const producerSnapshot = message(
  'ProducerSnapshot',
  '1',
  { flexible: 'none' },
  {
    crc: uint32('1'),
    producerEntries: array('1', {
      producerId: int64('1'),
      epoch: int16('1'),
      lastSequence: int32('1'),
      lastOffset: int64('1'),
      offsetDelta: int32('1'),
      timestamp: int64('1'),
      coordinatorEpoch: int32('1'),
      currentTxnFirstOffset: int64('1'),
    }),
  },
)
