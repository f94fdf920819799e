/** Proofs that the transactional batches of a Produce request belong to the transaction that it names (KIP-890). */
import { type ErrorCode, Errors, KafkaError } from '../../protocol/errors.ts'
import type { produce } from '../../protocol/messages/00-produce.ts'
import {
  baseSequence,
  batchHeaderBytes,
  currentMagic,
  isTransactional,
  magic,
  producerEpoch,
  producerId,
} from '../../protocol/records/batch.ts'
import type { RequestOf } from '../../protocol/schema.ts'
import type { TransactionalWrite, Verdict } from '../coordinator/transaction/verifier.ts'
import type { Partition } from '../replication/partition.ts'
import type { RequestContext } from './request.ts'

type Request = RequestOf<typeof produce>

/** By the batches of the request. */
export type Proofs = ReadonlyMap<Buffer, Verdict>

/** The first version whose partitions need not be added to the transaction beforehand. */
const addsFrom = 12
/** The first version whose clients know TRANSACTION_ABORTABLE. */
const abortableFrom = 11

/**
 * Null when there is nothing to wait for: no transactional batches, or only such of transactions that are open in their
 * partitions. Throws KafkaError when they cannot belong to a transaction at all.
 */
export function prove(request: Request, context: RequestContext): Promise<Proofs> | null {
  const batches = transactionalBatches(request, context)
  if (batches.length === 0) return null
  const { transactionalId } = request
  if (transactionalId === null) throw new KafkaError(Errors.TRANSACTIONAL_ID_AUTHORIZATION_FAILED)
  const { verifier } = context.broker
  if (!batches.some(({ write }) => verifier.isNeeded(write))) return null
  const [{ write }] = batches
  if (batches.some(batch => batch.write.producerId !== write.producerId)) {
    throw new KafkaError(Errors.INVALID_PRODUCER_ID_MAPPING, 'batches of more than one producer')
  }
  const question = {
    transactionalId,
    producerId: write.producerId,
    producerEpoch: write.producerEpoch,
    adds: context.version >= addsFrom,
  }
  const verdicts = verifier.verify(
    question,
    batches.map(batch => batch.write),
  )
  return verdicts.then(found => new Map(batches.map(({ records }, i) => [records, found[i]])))
}

/** What a transactional batch is appended with. Throws KafkaError when it was not proven. */
export function proofOf(records: Buffer, proofs: Proofs | null, partition: Partition, context: RequestContext) {
  const { verifier } = context.broker
  const needed = verifier.isNeeded(writeOf(records, partition))
  // The partition became ours only while others were asked about.
  if (needed && proofs && !proofs.has(records)) throw new KafkaError(Errors.NOT_LEADER_OR_FOLLOWER)
  const verdict = proofs?.get(records) ?? { errorCode: Errors.NONE, guard: verifier.isEnabled ? null : undefined }
  if (verdict.errorCode !== Errors.NONE) {
    throw new KafkaError(clientCode(verdict.errorCode, context.version), 'the transaction could not be verified')
  }
  return { verificationGuard: verdict.guard }
}

/** Whether a batch says that it is part of a transaction; everything else about it is checked where it is appended. */
export function saysTransactional(records: Buffer): boolean {
  return records.length >= batchHeaderBytes && magic(records, 0) === currentMagic && isTransactional(records, 0)
}

function transactionalBatches(
  request: Request,
  { broker, version }: RequestContext,
): { records: Buffer; write: TransactionalWrite }[] {
  const batches: { records: Buffer; write: TransactionalWrite }[] = []
  for (const { name, topicId, partitionData } of request.topicData) {
    for (const { index, records } of partitionData) {
      if (records === null || !saysTransactional(records)) continue
      const topic = version >= 13 ? broker.partitions.topicName(topicId) : name
      const partition = topic === null ? null : broker.partitions.get(topic, index)
      if (partition?.isLeader) batches.push({ records, write: writeOf(records, partition) })
    }
  }
  return batches
}

function writeOf(records: Buffer, partition: Partition): TransactionalWrite {
  return {
    partition,
    producerId: producerId(records, 0),
    producerEpoch: producerEpoch(records, 0),
    baseSequence: baseSequence(records, 0),
  }
}

/** What producers of a version can make sense of. */
function clientCode(errorCode: ErrorCode, version: number): ErrorCode {
  switch (errorCode) {
    case Errors.NETWORK_EXCEPTION:
    case Errors.COORDINATOR_LOAD_IN_PROGRESS:
    case Errors.COORDINATOR_NOT_AVAILABLE:
    case Errors.NOT_COORDINATOR:
      return Errors.NOT_ENOUGH_REPLICAS
    case Errors.CONCURRENT_TRANSACTIONS:
      return version >= addsFrom ? errorCode : Errors.NOT_ENOUGH_REPLICAS
    case Errors.TRANSACTION_ABORTABLE:
      return version >= abortableFrom ? errorCode : Errors.INVALID_TXN_STATE
    default:
      return errorCode
  }
}
