/**
 * Reads partitions from their leaders, wherever these move. Of each broker at most one answer waits for the reader while the
 * next is on its way, so a slow reader slows the fetching, and memory stays bounded.
 */
import { Errors, isRetriable } from '../../protocol/errors.ts'
import { fetch } from '../../protocol/messages/01-fetch.ts'
import { compressionReady } from '../../protocol/records/compression.ts'
import type { DecodedResponseOf } from '../../protocol/schema.ts'
import { zeroUuid } from '../../protocol/uuid.ts'
import { backoffMs, type Client } from './client.ts'
import { ClientError, refusal } from './client-error.ts'
import { Deadline } from './deadline.ts'
import { type FetchedRecords, offsetAfter } from './fetched-records.ts'
import { clientLimits } from './limits.ts'
import { type Isolation, isolationLevels } from './offsets.ts'
import { byTopic, partitionName, type TopicPartition } from './topic-partition.ts'

export interface ReadRange extends TopicPartition {
  readonly from: number
  /** Not this one any more; null: without end. */
  readonly until: number | null
}

export interface ReaderOptions {
  readonly isolation: Isolation
  /** Ends the reading. */
  readonly signal?: AbortSignal
  /** Retention took the records before they were read: reading goes on at `to`. */
  readonly onSkip?: (partition: TopicPartition, from: number, to: number) => void
}

interface Position extends TopicPartition {
  offset: number
  readonly until: number | null
  /** While the leader gives nothing but errors. */
  failing: Deadline | null
  lastError: Error | null
}

type FetchAnswer = DecodedResponseOf<typeof fetch>

interface Landed {
  readonly broker: number
  readonly asked: readonly Position[]
  readonly answer: FetchAnswer | null
  readonly error: Error | null
}

export class PartitionReader {
  readonly #client: Client
  readonly #options: ReaderOptions
  readonly #positions = new Map<string, Position>()
  readonly #flights = new Map<number, Promise<Landed>>()
  readonly #flying = new Set<Position>()
  #attempt = 0

  constructor(client: Client, ranges: readonly ReadRange[], options: ReaderOptions) {
    this.#client = client
    this.#options = options
    for (const { topic, partition, from, until } of ranges) {
      const position = { topic, partition, offset: from, until, failing: null, lastError: null }
      this.#positions.set(partitionName(position), position)
    }
  }

  /** Until every partition has come to its end, or the signal. Throws ClientError. */
  async *read(): AsyncGenerator<FetchedRecords, void, void> {
    await compressionReady
    const { signal } = this.#options
    const stopped = new Promise<null>(resolve => {
      if (signal?.aborted) resolve(null)
      signal?.addEventListener('abort', () => resolve(null), { once: true })
    })
    while (!signal?.aborted) {
      if (![...this.#positions.values()].some(isOpen)) return
      if (!this.#takeOff()) {
        await this.#findLeaders()
        continue
      }
      const landed = await Promise.race([...this.#flights.values(), stopped])
      if (landed === null) return
      this.#flights.delete(landed.broker)
      for (const position of landed.asked) this.#flying.delete(position)
      const pieces = this.#unload(landed)
      // The next answer comes while the reader is busy with this one.
      if (pieces.length > 0) this.#takeOff()
      for (const piece of pieces) yield piece
      if (pieces.length === 0 && landed.asked.some(({ failing }) => failing !== null)) await this.#findLeaders()
    }
  }

  /** Sends a fetch to every broker that leads something and has none. False when nothing is on its way. */
  #takeOff(): boolean {
    const byLeader = new Map<number, Position[]>()
    for (const position of this.#positions.values()) {
      if (!isOpen(position) || this.#flying.has(position)) continue
      const leader = this.#client.view.leaderOf(position.topic, position.partition)
      if (leader < 0 || this.#flights.has(leader)) continue
      byLeader.set(leader, [...(byLeader.get(leader) ?? []), position])
    }
    for (const [broker, asked] of byLeader) {
      for (const position of asked) this.#flying.add(position)
      this.#flights.set(
        broker,
        this.#fetch(broker, asked).then(
          answer => ({ broker, asked, answer, error: null }),
          (error: Error) => ({ broker, asked, answer: null, error }),
        ),
      )
    }
    return this.#flights.size > 0
  }

  #fetch(broker: number, positions: readonly Position[]): Promise<FetchAnswer> {
    const { isolation } = this.#options
    return this.#client.askOnce(
      { broker },
      fetch,
      {
        maxWaitMs: clientLimits.fetchWaitMs,
        minBytes: 1,
        maxBytes: clientLimits.fetchBytesMax,
        isolationLevel: isolationLevels[isolation],
        topics: byTopic(positions).map(({ topic, items }) => ({
          topic,
          topicId: zeroUuid,
          partitions: items.map(({ partition, offset }) => ({
            partition,
            fetchOffset: offset,
            partitionMaxBytes: clientLimits.partitionFetchBytesMax,
          })),
        })),
        forgottenTopicsData: [],
      },
      { lane: 'fetch', maxVersion: 12 },
    )
  }

  #unload({ asked, answer, error }: Landed): FetchedRecords[] {
    if (answer === null || answer.errorCode !== Errors.NONE) {
      const cause = error ?? refusal('fetch', answer?.errorCode ?? Errors.UNKNOWN_SERVER_ERROR)
      if (!(cause instanceof ClientError) || ['unsupported', 'invalid'].includes(cause.failure)) throw cause
      for (const position of asked) this.#failed(position, cause)
      return []
    }
    const pieces: FetchedRecords[] = []
    for (const { topic, partitions } of answer.responses) {
      for (const data of partitions) {
        const position = this.#positions.get(partitionName({ topic, partition: data.partitionIndex }))
        if (!position) continue
        const piece = this.#take(position, data)
        if (piece) pieces.push(piece)
      }
    }
    return pieces
  }

  #take(position: Position, data: FetchAnswer['responses'][number]['partitions'][number]): FetchedRecords | null {
    const { topic, partition, offset, until } = position
    const { errorCode, records, abortedTransactions, logStartOffset } = data
    if (errorCode === Errors.OFFSET_OUT_OF_RANGE && logStartOffset > offset) {
      this.#options.onSkip?.({ topic, partition }, offset, logStartOffset)
      position.offset = logStartOffset
      return null
    }
    if (errorCode !== Errors.NONE) {
      const error = refusal(`partition ${partition} of ${topic} at offset ${offset}`, errorCode)
      if (!isRetriable(errorCode)) throw error
      this.#failed(position, error)
      return null
    }
    position.failing = null
    this.#attempt = 0
    if (records === null || records.length === 0) return null
    const aborted = this.#options.isolation === 'read_committed' ? (abortedTransactions ?? []) : null
    const after = offsetAfter(records, position)
    if (after === null)
      throw new ClientError('refused', `partition ${partition} of ${topic}: no whole batch at offset ${offset}`)
    position.offset = Math.max(offset, after)
    return { topic, partition, from: offset, until, next: position.offset, bytes: records, aborted }
  }

  #failed(position: Position, error: Error): void {
    position.failing ??= new Deadline(this.#client.host.clock, this.#client.timeoutMs)
    position.lastError = error
    if (position.failing.passed) throw error
  }

  async #findLeaders(): Promise<void> {
    const open = [...this.#positions.values()].filter(isOpen)
    const deadline = this.#client.deadline()
    await deadline.pause(backoffMs(this.#attempt++))
    await this.#client.refresh([...new Set(open.map(({ topic }) => topic))], deadline)
    for (const position of open) {
      if (this.#client.view.leaderOf(position.topic, position.partition) >= 0) continue
      this.#failed(
        position,
        position.lastError ??
          refusal(`partition ${position.partition} of ${position.topic}`, Errors.LEADER_NOT_AVAILABLE),
      )
    }
  }
}

function isOpen({ offset, until }: Position): boolean {
  return until === null || offset < until
}
