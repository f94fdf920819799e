/**
 * TxnOffsetCommit, versions 0-5.
 *
 * - The offsets wait for the end of the transaction; until then readers of stable offsets are told UNSTABLE_OFFSET_COMMIT.
 * - The transaction must know of the group's partition of the offsets topic (KIP-890); v5 adds it (transaction version 2).
 * - v3 the consumer's member id and generation are checked (KIP-447); v2 leader epochs.
 * - v0-1 COORDINATOR_LOAD_IN_PROGRESS is told as COORDINATOR_NOT_AVAILABLE, which old clients ask again after.
 * - A topic or partition that does not exist is UNKNOWN_TOPIC_OR_PARTITION.
 */
import { type ErrorCode, Errors, KafkaError } from '../../protocol/errors.ts'
import { txnOffsetCommit } from '../../protocol/messages/28-txn-offset-commit.ts'
import type { RequestOf, ResponseOf } from '../../protocol/schema.ts'
import { offsetsTopic } from '../metadata/internal-topics.ts'
import { defineHandler } from './define.ts'
import type { RequestContext } from './request.ts'

type Request = RequestOf<typeof txnOffsetCommit>

const addsFrom = 5
const abortableFrom = 4
const loadInProgressFrom = 2

export const handler = defineHandler(
  txnOffsetCommit,
  '0-5',
  async (request, context) => {
    if (request.groupId === '') throw new KafkaError(Errors.INVALID_GROUP_ID)
    if (request.transactionalId === '') throw new KafkaError(Errors.INVALID_REQUEST)
    const { metadata, coordinators } = context.broker
    const guard = await verify(request, context)
    const { groupId, producerId, producerEpoch, generationId, memberId, groupInstanceId } = request
    const reply = await coordinators.ask({
      kind: 'txnOffsetCommit',
      groupId,
      generationId,
      memberId,
      groupInstanceId,
      transaction: { producerId, producerEpoch, guard },
      topics: request.topics.flatMap(({ name, partitions }) => {
        const topic = metadata.topics.get(name)
        const valid = partitions.filter(({ partitionIndex }) => metadata.partition(name, partitionIndex))
        return topic ? [{ name, topicId: topic.id, partitions: valid }] : []
      }),
    })
    const codes = new Map<string, ErrorCode>()
    for (const { name, partitions } of reply.topics) {
      for (const { partitionIndex, errorCode } of partitions) codes.set(`${name}-${partitionIndex}`, errorCode)
    }
    return answer(request, context, (name, index) => codes.get(`${name}-${index}`) ?? Errors.UNKNOWN_TOPIC_OR_PARTITION)
  },
  { failed: (request, { code }, context) => answer(request, context, () => code) },
)

/** The guard to append with. Throws what the client is told when the transaction does not know of this write. */
async function verify(request: Request, context: RequestContext): Promise<symbol | null | undefined> {
  const { partitions, coordinators, verifier } = context.broker
  const { transactionalId, groupId, producerId, producerEpoch } = request
  const partition = partitions.get(offsetsTopic, coordinators.partitionOfGroup(groupId))
  if (!partition?.isLeader) throw new KafkaError(Errors.NOT_COORDINATOR)
  const adds = context.version >= addsFrom
  const write = { partition, producerId, producerEpoch, baseSequence: 0 }
  const [{ errorCode, guard }] = await verifier.verify({ transactionalId, producerId, producerEpoch, adds }, [write])
  if (errorCode === Errors.NONE) return guard
  if (errorCode === Errors.NETWORK_EXCEPTION) throw new KafkaError(Errors.COORDINATOR_LOAD_IN_PROGRESS)
  if (errorCode === Errors.TRANSACTION_ABORTABLE && context.version < abortableFrom) {
    throw new KafkaError(Errors.INVALID_TXN_STATE)
  }
  throw new KafkaError(errorCode)
}

function answer(
  request: Request,
  { version }: RequestContext,
  errorOf: (topic: string, index: number) => ErrorCode,
): ResponseOf<typeof txnOffsetCommit> {
  return {
    topics: request.topics.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map(({ partitionIndex }) => {
        const errorCode = errorOf(name, partitionIndex)
        const isLoading = errorCode === Errors.COORDINATOR_LOAD_IN_PROGRESS && version < loadInProgressFrom
        return { partitionIndex, errorCode: isLoading ? Errors.COORDINATOR_NOT_AVAILABLE : errorCode }
      }),
    })),
  }
}
