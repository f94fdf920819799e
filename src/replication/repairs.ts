/**
 * Mends damaged records of this broker's replicas with what other replicas have of them, leader or follower alike: the
 * batches are asked for as a consumer would, so only what is committed comes back, and they are written over the damaged
 * bytes if they are the very ones that were there. Nothing is cut off, nobody leaves the in-sync set.
 *
 * A follower out of sync is not mended here: its fetcher cuts it where the damage begins.
 */
import { Errors, KafkaError } from '../../protocol/errors.ts'
import { fetch } from '../../protocol/messages/01-fetch.ts'
import { baseOffset, batchBytes, checkBatch, lastOffset } from '../../protocol/records/batch.ts'
import type { Cancel, Clock, Endpoint, Logger } from '../host/host.ts'
import type { CorruptRange } from '../log/logs.ts'
import type { PeerRequests } from './fetcher.ts'
import type { Partition } from './partition.ts'

export interface RepairsOptions {
  readonly clock: Clock
  readonly log: Logger
  readonly brokerId: number
  readonly peers: PeerRequests
  /** Where to reach a broker; null while that is not known. */
  readonly endpointOf: (brokerId: number) => Endpoint | null
  readonly socketTimeoutMs: number
}

/** `later`: nobody could give the records now. `differs`: somebody has other ones there. */
type Attempt = 'mended' | 'later' | 'differs'

/** Topic ids came with version 13; 18 only serves the metadata quorum. */
const minVersion = 13
const maxVersion = 17
const lane = 'repair'
const firstPauseMs = 100
const pauseMaxMs = 30_000
/** A larger range is not held in memory, and stays as it is. */
const rangeBytesMax = 256 << 20
const fetchBytesMax = 8 << 20

export class Repairs {
  readonly #options: RepairsOptions
  /** Partitions with damage, and the timer of the next attempt. */
  readonly #pending = new Map<Partition, Cancel>()
  #closed = false

  constructor(options: RepairsOptions) {
    this.#options = options
  }

  /** Mends what is damaged in the log of this partition, sooner or later. */
  mend(partition: Partition): void {
    if (partition.log.corruptRanges.length === 0) return
    this.#pending.get(partition)?.()
    this.#pending.set(partition, () => {})
    void this.#attempt(partition, firstPauseMs)
  }

  forget(partition: Partition): void {
    this.#pending.get(partition)?.()
    this.#pending.delete(partition)
  }

  close(): void {
    this.#closed = true
    for (const cancel of this.#pending.values()) cancel()
    this.#pending.clear()
  }

  async #attempt(partition: Partition, pauseMs: number): Promise<void> {
    const { log } = partition
    for (const range of log.corruptRanges) {
      const outcome = await this.#mendRange(partition, range)
      if (!this.#isPending(partition)) return
      // Others are as likely to have other records everywhere: readers should not be told to wait for them.
      if (outcome === 'differs') log.scrub.isMendable = false
    }
    if (log.corruptRanges.length === 0) {
      log.scrub.isMendable = partition.state.replicas.length > 1
      return this.forget(partition)
    }
    const cancel = this.#options.clock.after(pauseMs, () => {
      void this.#attempt(partition, Math.min(2 * pauseMs, pauseMaxMs))
    })
    this.#pending.set(partition, cancel)
  }

  #isPending(partition: Partition): boolean {
    return !this.#closed && this.#pending.has(partition) && partition.log.failure === null
  }

  async #mendRange(partition: Partition, range: CorruptRange): Promise<Attempt> {
    const { log, brokerId } = this.#options
    const names = { topic: partition.topic, partition: partition.index, ...range }
    if (partition.damagedFrom !== null) return 'later'
    const { leaderId, isr } = partition.state
    const holders = [leaderId, ...isr.filter(id => id !== leaderId)].filter(id => id >= 0 && id !== brokerId)
    let outcome: Attempt = 'later'
    for (const holder of holders) {
      const batches = await this.#refetch(partition, range, holder)
      if (!this.#isPending(partition)) return 'later'
      const mending = Buffer.isBuffer(batches) ? await this.#write(partition, range, batches) : batches
      if (mending === 'mended') return 'mended'
      if (mending === 'differs') outcome = 'differs'
    }
    if (outcome === 'differs') log.error(names, 'damaged records cannot be mended: other replicas have different ones')
    return outcome
  }

  async #write(partition: Partition, range: CorruptRange, batches: Buffer): Promise<Attempt> {
    try {
      const mending = await partition.log.scrub.mend(range, batches)
      return mending === 'gone' ? 'later' : mending
    } catch (error) {
      if (!(error instanceof KafkaError)) throw error
      return 'later'
    }
  }

  /** The batches of `range` as another replica has them. */
  async #refetch(partition: Partition, range: CorruptRange, holder: number): Promise<Buffer | Attempt> {
    const bytesMax = range.endPosition - range.position
    if (bytesMax > rangeBytesMax) return 'differs'
    const chunks: Buffer[] = []
    let bytes = 0
    for (let offset = range.startOffset; offset < range.endOffset; ) {
      const records = await this.#fetch(partition, holder, offset, bytesMax - bytes)
      if (records === null) return 'later'
      let next = offset
      for (let at = 0; checkBatch(records, at) === 'ok'; at += batchBytes(records, at)) {
        if (baseOffset(records, at) >= range.endOffset) return Buffer.concat(chunks)
        if (baseOffset(records, at) < next || lastOffset(records, at) >= range.endOffset) return 'differs'
        next = lastOffset(records, at) + 1
        bytes += batchBytes(records, at)
        if (bytes > bytesMax) return 'differs'
        chunks.push(records.subarray(at, at + batchBytes(records, at)))
      }
      // Nothing that is whole and valid: not committed yet, or damaged there too.
      if (next === offset) return 'later'
      offset = next
    }
    return Buffer.concat(chunks)
  }

  async #fetch(partition: Partition, holder: number, offset: number, bytesMax: number): Promise<Buffer | null> {
    const { peers, endpointOf, socketTimeoutMs } = this.#options
    const endpoint = endpointOf(holder)
    if (!endpoint) return null
    const wanted = {
      partition: partition.index,
      currentLeaderEpoch: -1,
      fetchOffset: offset,
      lastFetchedEpoch: -1,
      logStartOffset: -1,
      partitionMaxBytes: Math.max(1, Math.min(bytesMax, fetchBytesMax)),
      replicaDirectoryId: 'AAAAAAAAAAAAAAAAAAAAAA',
    }
    const body = {
      replicaId: -1,
      replicaState: { replicaId: -1, replicaEpoch: -1 },
      maxWaitMs: 0,
      minBytes: 0,
      maxBytes: fetchBytesMax,
      isolationLevel: 0,
      sessionId: 0,
      sessionEpoch: -1,
      topics: [{ topicId: partition.topicId, partitions: [wanted] }],
      forgottenTopicsData: [],
    }
    try {
      const timeoutMs = socketTimeoutMs
      const response = await peers.request(endpoint, fetch, body, { lane, timeoutMs, minVersion, maxVersion })
      const answer = response.responses[0]?.partitions[0]
      return answer?.errorCode === Errors.NONE ? (answer.records ?? null) : null
    } catch (error) {
      if (!(error instanceof Error)) throw error
      return null
    }
  }
}
