import { api, array, bool, int16, int32, int64, string } from '../schema.ts'

const addPartitionsToTxnTopic = {
  name: string('0+'),
  partitions: array('0+', 'int32'),
}

const addPartitionsToTxnPartitionResult = {
  partitionIndex: int32('0+'),
  partitionErrorCode: int16('0+'),
}

const addPartitionsToTxnTopicResult = {
  name: string('0+'),
  resultsByPartition: array('0+', addPartitionsToTxnPartitionResult),
}

/**
 * Adds partitions to transactions: one transaction of a client up to version 3, a broker's batch of them, or
 * their verification, from version 4.
 */
export const addPartitionsToTxn = api(
  24,
  'AddPartitionsToTxn',
  '0-5',
  { flexible: '3+', listeners: ['broker'] },
  {
    request: {
      transactions: array('4+', {
        transactionalId: string('4+'),
        producerId: int64('4+'),
        producerEpoch: int16('4+'),
        verifyOnly: bool('4+', { default: false }),
        topics: array('4+', addPartitionsToTxnTopic),
      }),
      v3AndBelowTransactionalId: string('0-3'),
      v3AndBelowProducerId: int64('0-3'),
      v3AndBelowProducerEpoch: int16('0-3'),
      v3AndBelowTopics: array('0-3', addPartitionsToTxnTopic),
    },
    response: {
      throttleTimeMs: int32('0+', { default: 0 }),
      errorCode: int16('4+'),
      resultsByTransaction: array('4+', {
        transactionalId: string('4+'),
        topicResults: array('4+', addPartitionsToTxnTopicResult),
      }),
      resultsByTopicV3AndBelow: array('0-3', addPartitionsToTxnTopicResult),
    },
  },
)
