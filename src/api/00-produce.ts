/**
 * Produce, versions 0-13.
 *
 * - v0-2 message sets of magic 0 and 1, stored as one batch of magic 2; one without any whole message changes nothing and
 *   answers offset -1. v1 throttle time, v2 magic 1 and the append time.
 * - v3 one batch of magic 2 per partition; each partition succeeds or fails by itself.
 * - acks=-1 is answered when the records are committed (durable on all in-sync replicas), acks=1 when they reached the
 *   page cache of this broker, acks=0 never: on an error the connection is closed, so the client refreshes its metadata.
 * - Idempotent producers: a repeated batch among the last five is answered with its first offset, nothing is appended.
 * - v7 zstd; v8 record errors and message; v10 current leader on NOT_LEADER_OR_FOLLOWER (KIP-951); v13 topic ids.
 * - Internal topics are refused to every client, whatever its client id.
 * - The first batch of a transaction in a partition is appended when the transaction's coordinator knows of it (KIP-890);
 *   v12 adds the partition to the transaction by itself (transaction version 2), v11 TRANSACTION_ABORTABLE.
 * - A client over its `producer_byte_rate` is told to wait, and its next request waits (KIP-219).
 */
import { Errors, KafkaError } from '../../protocol/errors.ts'
import { produce } from '../../protocol/messages/00-produce.ts'
import { RecordErrors } from '../../protocol/records/validate.ts'
import type { RequestOf, ResponseOf } from '../../protocol/schema.ts'
import type { Cancel } from '../host/host.ts'
import type { AppendInfo } from '../log/log.ts'
import { CloseConnection } from '../network/peer.ts'
import type { Partition } from '../replication/partition.ts'
import { defineHandler } from './define.ts'
import { leaderHint, nodeEndpoints } from './leader-hint.ts'
import { requestLimits } from './limits.ts'
import { batchOf, type Converted, converted, nothing } from './old-produce.ts'
import { type Proofs, proofOf, prove, saysTransactional } from './produce-proofs.ts'
import type { RequestContext } from './request.ts'

type Request = RequestOf<typeof produce>
type Response = ResponseOf<typeof produce>
type Answer = Response['responses'][number]['partitionResponses'][number]

interface Pending {
  readonly answer: Answer
  readonly partition: Partition
  readonly info: AppendInfo
}

export const handler = defineHandler(
  produce,
  '0-13',
  async (request, context) => {
    const pending: Pending[] = []
    const converting = converted(request, context)
    const old = converting && (await converting)
    const proving = prove(request, context)
    const responses = appendAll(request, context, pending, proving && (await proving), old)
    charge(context)
    context.release()
    if (request.acks === 0) {
      // Nobody is told, but the request stays in work until its records are in the file: that bounds what a client that
      // waits for nothing can pile up.
      if (pending.length > 0) await acknowledged(pending, 1, requestLimits.unacknowledgedWaitMsMax, context)
      if (hasError(responses)) throw new CloseConnection('a produce request with acks=0 failed')
      return null
    }
    if (pending.length > 0) await acknowledged(pending, request.acks, request.timeoutMs, context)
    const response: Response = { responses }
    if (context.version >= 10) response.nodeEndpoints = nodeEndpoints(context, leaders(responses))
    return response
  },
  {
    failed: ({ acks, topicData }, { code, detail }) => {
      // Nobody waits for an answer: a closed connection is how the client learns.
      if (acks === 0) return null
      return {
        responses: topicData.map(({ name, topicId, partitionData }) => ({
          name,
          topicId,
          partitionResponses: partitionData.map(({ index }) => ({
            index,
            errorCode: code,
            errorMessage: detail,
            baseOffset: -1,
            recordErrors: [],
          })),
        })),
      }
    },
  },
)

/** A client over its quota is answered in time; its next request is what waits. */
function charge(context: RequestContext): void {
  const { quotas, host } = context.broker
  if (!quotas.produce.isOn) return
  const { user, clientId, requestBytes } = context
  context.throttle(quotas.produce.charge(user, clientId, requestBytes, host.clock.monotonic()))
}

/** Appends every partition's batch, in the order of the request and without waiting in between. */
function appendAll(
  request: Request,
  context: RequestContext,
  pending: Pending[],
  proofs: Proofs | null,
  old: Converted | null,
): Response['responses'] {
  const acksValid = request.acks >= -1 && request.acks <= 1
  return request.topicData.map(topic => {
    const name = context.version >= 13 ? context.broker.partitions.topicName(topic.topicId) : topic.name
    const partitionResponses = topic.partitionData.map((data): Answer => {
      const { index } = data
      const answer: Answer = { index, errorCode: Errors.NONE, baseOffset: -1, recordErrors: [] }
      try {
        if (!acksValid) throw new KafkaError(Errors.INVALID_REQUIRED_ACKS)
        if (name === null) throw new KafkaError(Errors.UNKNOWN_TOPIC_ID)
        if (context.broker.metadata.isInternal(name)) throw new KafkaError(Errors.INVALID_TOPIC_EXCEPTION)
        const partition = context.broker.partitions.lead(name, index)
        const records = old?.has(data) ? batchOf(old, data) : data.records
        if (records === nothing) return answer
        if (records === null) throw new KafkaError(Errors.INVALID_RECORD, 'no record batch')
        const proof = saysTransactional(records) ? proofOf(records, proofs, partition, context) : undefined
        const info = partition.append(records, request.acks, 'client', context.version, proof)
        answer.baseOffset = info.firstOffset
        answer.logAppendTimeMs = info.logAppendTimeMs
        answer.logStartOffset = info.logStartOffset
        pending.push({ answer, partition, info })
      } catch (error) {
        refuse(answer, error, name, context)
      }
      return answer
    })
    return { name: topic.name, topicId: topic.topicId, partitionResponses }
  })
}

/** Resolves when every pending partition is acknowledged, failed or out of time; failures land in the answers. */
function acknowledged(
  pending: readonly Pending[],
  acks: number,
  timeoutMs: number,
  context: RequestContext,
): Promise<void> {
  return new Promise(resolve => {
    let open = pending.length
    let cancel: Cancel | null = null
    const waiting = new Set<Pending>()
    const done = () => {
      open -= 1
      if (open > 0) return
      cancel?.()
      resolve()
    }
    for (const entry of pending) {
      waiting.add(entry)
      const { partition } = entry
      const offset = entry.info.lastOffset + 1
      const settle = (failure: Error | null) => {
        if (!waiting.delete(entry)) return
        if (failure) refuse(entry.answer, failure, partition.topic, context)
        done()
      }
      if (acks === -1) partition.committed(offset, settle)
      else partition.log.written.reached(offset, settle)
    }
    if (open === 0) return
    cancel = context.broker.host.clock.after(Math.max(timeoutMs, 0), () => {
      for (const entry of waiting) {
        waiting.delete(entry)
        entry.answer.errorCode = Errors.REQUEST_TIMED_OUT
        done()
      }
    })
  })
}

function refuse(answer: Answer, error: unknown, topic: string | null, context: RequestContext): void {
  if (!(error instanceof KafkaError)) throw error
  answer.errorCode = error.code
  answer.errorMessage = error.detail
  answer.baseOffset = -1
  answer.logAppendTimeMs = -1
  answer.logStartOffset = -1
  if (error instanceof RecordErrors) {
    answer.recordErrors = error.records.map(({ batchIndex, message }) => ({
      batchIndex,
      batchIndexErrorMessage: message,
    }))
  }
  if (error.code === Errors.NOT_LEADER_OR_FOLLOWER && topic !== null) {
    answer.currentLeader = leaderHint(context, topic, answer.index)
  }
}

function hasError(responses: Response['responses']): boolean {
  return responses.some(topic => topic.partitionResponses.some(answer => answer.errorCode !== Errors.NONE))
}

function leaders(responses: Response['responses']): number[] {
  return responses.flatMap(topic =>
    topic.partitionResponses.flatMap(answer => (answer.currentLeader ? [answer.currentLeader.leaderId ?? -1] : [])),
  )
}
