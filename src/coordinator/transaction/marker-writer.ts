/** Writes the markers that end transactions into partitions that this broker leads, and waits until they are committed. */
import { type ErrorCode, Errors, KafkaError } from '../../../protocol/errors.ts'
import type { Clock } from '../../host/host.ts'
import type { TransactionEnd } from '../../machine/machine.ts'
import { offsetsTopic } from '../../metadata/internal-topics.ts'
import type { Partitions } from '../../replication/partitions.ts'
import type { PartitionSet } from './transaction.ts'

export interface MarkerWriterOptions {
  readonly clock: Clock
  readonly partitions: Pick<Partitions, 'lead'>
  /** Partitions of the offsets topic: there a marker also makes offsets count. Never rejects. */
  readonly endOffsets: (index: number, end: TransactionEnd) => Promise<ErrorCode>
  /** How long a marker may wait to be committed. */
  readonly commitTimeoutMs: number
}

export interface MarkerResult {
  readonly topic: string
  readonly index: number
  readonly errorCode: ErrorCode
}

/** How brokers name themselves when they send markers: ours, and Apache Kafka's. */
const brokerName = /^(ottla-\d+|broker-\d+-txn-marker-sender)$/
const brokersMax = 10_000

export class MarkerWriter {
  readonly #options: MarkerWriterOptions
  /** The newest connection that each broker sent markers by. */
  readonly #connections = new Map<string, number>()

  constructor(options: MarkerWriterOptions) {
    this.#options = options
  }

  /**
   * Whether a broker that sends markers by this connection has not sent any by a newer one. It opens a new one when it heard
   * nothing by the old one, and asks again: what the old one still brings is late, and may be about a transaction that was
   * followed by another of the same epoch.
   */
  isNewest(clientId: string, connectionId: number): boolean {
    if (!brokerName.test(clientId)) return true
    const newest = this.#connections.get(clientId) ?? -1
    if (connectionId < newest) return false
    if (connectionId > newest && this.#connections.size < brokersMax) this.#connections.set(clientId, connectionId)
    return true
  }

  /** Everything is appended in this call, so that markers stand in the order in which they were asked for. */
  write(end: TransactionEnd, partitions: PartitionSet): Promise<MarkerResult[]> {
    const results: Promise<MarkerResult>[] = []
    for (const [topic, indexes] of partitions) {
      for (const index of indexes) {
        const written =
          topic === offsetsTopic ? this.#options.endOffsets(index, end) : this.#writeOne(topic, index, end)
        results.push(written.then(errorCode => ({ topic, index, errorCode })))
      }
    }
    return Promise.all(results)
  }

  #writeOne(topic: string, index: number, end: TransactionEnd): Promise<ErrorCode> {
    const { clock, partitions, commitTimeoutMs } = this.#options
    try {
      const partition = partitions.lead(topic, index)
      const offset = partition.appendMarker(end, clock.now())
      return new Promise(resolve => {
        const cancel = clock.after(commitTimeoutMs, () => {
          waiter.cancel()
          resolve(Errors.REQUEST_TIMED_OUT)
        })
        const waiter = partition.committed(offset + 1, failure => {
          cancel()
          resolve(failure ? codeOf(failure) : Errors.NONE)
        })
      })
    } catch (error) {
      return Promise.resolve(codeOf(error))
    }
  }
}

function codeOf(error: unknown): ErrorCode {
  if (error instanceof KafkaError) return error.code
  throw error
}
