/**
 * DescribeProducers, version 0.
 *
 * - The idempotent and transactional producers that a partition's leader remembers.
 */
import { Errors, KafkaError } from '../../protocol/errors.ts'
import { describeProducers } from '../../protocol/messages/61-describe-producers.ts'
import type { ResponseOf } from '../../protocol/schema.ts'
import { defineHandler } from './define.ts'
import type { RequestContext } from './request.ts'

type Answer = ResponseOf<typeof describeProducers>['topics'][number]['partitions'][number]

export const handler = defineHandler(
  describeProducers,
  '0',
  (request, context) => ({
    topics: request.topics.map(({ name, partitionIndexes }) => ({
      name,
      partitions: partitionIndexes.map(index => describe(name, index, context)),
    })),
  }),
  {
    failed: ({ topics }, { code, detail }) => ({
      topics: topics.map(({ name, partitionIndexes }) => ({
        name,
        partitions: partitionIndexes.map(partitionIndex => ({
          partitionIndex,
          errorCode: code,
          errorMessage: detail,
          activeProducers: [],
        })),
      })),
    }),
  },
)

function describe(topic: string, partitionIndex: number, context: RequestContext): Answer {
  try {
    const { log } = context.broker.partitions.lead(topic, partitionIndex)
    const activeProducers = log.producers.activeProducers().map(producer => ({
      producerId: producer.producerId,
      producerEpoch: producer.producerEpoch,
      lastSequence: producer.lastSequence,
      lastTimestamp: producer.lastTimestamp,
      coordinatorEpoch: producer.coordinatorEpoch,
      currentTxnStartOffset: producer.currentTxnStartOffset,
    }))
    return { partitionIndex, errorCode: Errors.NONE, activeProducers }
  } catch (error) {
    if (!(error instanceof KafkaError)) throw error
    return { partitionIndex, errorCode: error.code, errorMessage: error.detail, activeProducers: [] }
  }
}
