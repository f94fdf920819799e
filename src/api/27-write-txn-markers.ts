/**
 * WriteTxnMarkers, versions 0-2.
 *
 * - Sent by the coordinator of a transaction to the leaders of its partitions, and by an administrator to end one that hangs.
 *   Answered when the markers are committed.
 * - In the offsets topic a marker also makes the offsets of the transaction count, or forgets them.
 * - v2 the transaction's version: from 2 on the epoch must be a new one (KIP-1228).
 * - A coordinator that asks again after it heard nothing has a new connection; what then still comes by the old one is not
 *   served, since it could end a later transaction.
 */
import { Errors } from '../../protocol/errors.ts'
import { writeTxnMarkers } from '../../protocol/messages/27-write-txn-markers.ts'
import type { RequestOf, ResponseOf } from '../../protocol/schema.ts'
import type { MarkerResult } from '../coordinator/transaction/marker-writer.ts'
import { partitionSet } from '../coordinator/transaction/transaction.ts'
import { CloseConnection } from '../network/peer.ts'
import { defineHandler } from './define.ts'

type Marker = RequestOf<typeof writeTxnMarkers>['markers'][number]
type Answer = ResponseOf<typeof writeTxnMarkers>['markers'][number]

export const handler = defineHandler(
  writeTxnMarkers,
  '0-2',
  async (request, context) => {
    const { markers } = context.broker
    if (!markers.isNewest(context.clientId, context.peer.connectionId)) {
      throw new CloseConnection('markers of a coordinator that has moved to a newer connection')
    }
    const written = request.markers.map(marker => {
      const { producerId, producerEpoch, transactionResult: commit, coordinatorEpoch, transactionVersion } = marker
      const end = { producerId, producerEpoch, commit, coordinatorEpoch, transactionVersion }
      const topics = marker.topics.map(({ name, partitionIndexes }) => ({ name, partitions: partitionIndexes }))
      return markers.write(end, partitionSet(topics))
    })
    context.release()
    const results = await Promise.all(written)
    return { markers: request.markers.map((marker, i) => answer(marker, results[i])) }
  },
  { failed: ({ markers }, { code }) => ({ markers: markers.map(marker => answer(marker, [], code)) }) },
)

function answer(
  { producerId, topics }: Marker,
  results: readonly MarkerResult[],
  otherwise: number = Errors.UNKNOWN_SERVER_ERROR,
): Answer {
  const codes = new Map(results.map(({ topic, index, errorCode }) => [`${topic}-${index}`, errorCode]))
  return {
    producerId,
    topics: topics.map(({ name, partitionIndexes }) => ({
      name,
      partitions: partitionIndexes.map(partitionIndex => ({
        partitionIndex,
        errorCode: codes.get(`${name}-${partitionIndex}`) ?? otherwise,
      })),
    })),
  }
}
