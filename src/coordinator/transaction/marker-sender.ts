/**
 * Has markers written by the leaders of partitions, this broker among them: one attempt. Which partitions are to be asked
 * again, and when, the machine decides.
 */
import { Errors, errorCodeOf } from '../../../protocol/errors.ts'
import { writeTxnMarkers } from '../../../protocol/messages/27-write-txn-markers.ts'
import type { Endpoint } from '../../host/host.ts'
import { getOrCreate } from '../../lib/get-or-create.ts'
import type { TransactionEnd } from '../../machine/machine.ts'
import type { MetadataState } from '../../metadata/state.ts'
import { PeerError, type Peers } from '../../network/peers.ts'
import type { MarkersAnsweredEvent, WriteMarkers } from './events.ts'
import type { MarkerResult, MarkerWriter } from './marker-writer.ts'
import { type PartitionSet, partitionSet } from './transaction.ts'

export interface MarkerSenderOptions {
  readonly brokerId: number
  readonly metadata: MetadataState
  readonly writer: Pick<MarkerWriter, 'write'>
  readonly peers: Pick<Peers, 'request'>
  /** Where to reach a broker; null while that is not known. */
  readonly endpointOf: (brokerId: number) => Endpoint | null
  readonly timeoutMs: number
}

/** The connection to each broker that transactions use. */
export const transactionLane = 'txn'

export class MarkerSender {
  readonly #options: MarkerSenderOptions

  constructor(options: MarkerSenderOptions) {
    this.#options = options
  }

  /** Never rejects. */
  async send(request: WriteMarkers, coordinatorEpoch: number): Promise<MarkersAnsweredEvent> {
    const { transactionalId, producerId, producerEpoch, commit, transactionVersion } = request
    const end: TransactionEnd = { producerId, producerEpoch, commit, coordinatorEpoch, transactionVersion }
    const { gone, byLeader } = this.#byLeader(request.partitions)
    const answers = await Promise.all(
      [...byLeader].map(([leaderId, partitions]) => this.#ask(leaderId, end, partitions)),
    )
    const settled = [...gone, ...answers.flat().filter(isSettled)]
    return {
      kind: 'markersAnswered',
      transactionalId,
      producerId,
      producerEpoch,
      settled: partitionSet(settled.map(({ topic, index }) => ({ name: topic, partitions: [index] }))),
    }
  }

  /** Partitions without a leader are in neither: they have to wait. */
  #byLeader(partitions: PartitionSet) {
    const { metadata } = this.#options
    const gone: { topic: string; index: number }[] = []
    const byLeader = new Map<number, Map<string, Set<number>>>()
    for (const [topic, indexes] of partitions) {
      for (const index of indexes) {
        const partition = metadata.partition(topic, index)
        if (!partition) gone.push({ topic, index })
        else if (partition.leader >= 0) {
          const topics = getOrCreate(byLeader, partition.leader, () => new Map<string, Set<number>>())
          getOrCreate(topics, topic, () => new Set<number>()).add(index)
        }
      }
    }
    return { gone, byLeader }
  }

  async #ask(leaderId: number, end: TransactionEnd, partitions: PartitionSet): Promise<readonly MarkerResult[]> {
    const { brokerId, writer, peers, endpointOf, timeoutMs } = this.#options
    if (leaderId === brokerId) return writer.write(end, partitions)
    const endpoint = endpointOf(leaderId)
    if (!endpoint) return []
    const { producerId, producerEpoch, commit, coordinatorEpoch, transactionVersion } = end
    const topics = [...partitions].map(([name, indexes]) => ({ name, partitionIndexes: [...indexes] }))
    const marker = {
      producerId,
      producerEpoch,
      transactionResult: commit,
      topics,
      coordinatorEpoch,
      transactionVersion,
    }
    try {
      const options = { lane: transactionLane, timeoutMs }
      const { markers } = await peers.request(endpoint, writeTxnMarkers, { markers: [marker] }, options)
      return markers.flatMap(({ topics }) =>
        topics.flatMap(({ name: topic, partitions }) =>
          partitions.map(({ partitionIndex: index, errorCode }) => ({
            topic,
            index,
            errorCode: errorCodeOf(errorCode),
          })),
        ),
      )
    } catch (error) {
      if (!(error instanceof PeerError)) throw error
      return []
    }
  }
}

/** The marker is there; or somebody newer has seen to the producer or to the coordinator, and nothing is left to do. */
function isSettled({ errorCode }: MarkerResult): boolean {
  return (
    errorCode === Errors.NONE ||
    errorCode === Errors.INVALID_PRODUCER_EPOCH ||
    errorCode === Errors.TRANSACTION_COORDINATOR_FENCED
  )
}
