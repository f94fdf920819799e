/**
 * A compacted log on a simulated disk next to a model of it: every record that was ever appended, and what became of its
 * transaction. What a reader must find is computed from that, knowing nothing of segments.
 */
import {
  baseOffset,
  batchBytes,
  checkBatch,
  hasProducerId,
  isControl,
  isTransactional,
  lastOffset,
  producerId,
} from '../../../protocol/records/batch.ts'
import { buildBatch } from '../../../protocol/records/builder.ts'
import { buildTransactionMarker } from '../../../protocol/records/control.ts'
import { readRecords } from '../../../protocol/records/record.ts'
import type { Round } from '../../../src/log/compaction/cleaner.ts'
import type { LogLimits } from '../../../src/log/limits.ts'
import type { Log } from '../../../src/log/log.ts'
import { defaultLogConfig, type LogConfig } from '../../../src/log/log-config.ts'
import { Logs } from '../../../src/log/logs.ts'
import { ProducerState } from '../../../src/log/producer-state.ts'
import { replayBatch } from '../../../src/log/segment-rebuild.ts'
import { type SimHost, simHost } from '../../sim/host.ts'

export const directory = '/data'
const topicId = 'AAAAAAAAAAAAAAAAAAAAAQ'

export const deleteRetentionMs = 10_000

/** Small enough that a short history rolls often. */
export const compactConfig: LogConfig = {
  ...defaultLogConfig,
  cleanupPolicy: { delete: false, compact: true },
  segmentBytes: 1500,
  indexIntervalBytes: 200,
  retentionMs: -1,
  minCleanableDirtyRatio: 0,
  deleteRetentionMs,
  fileDeleteDelayMs: 10,
  messageTimestampAfterMaxMs: Number.MAX_SAFE_INTEGER,
}

export const smallLimits: Partial<LogLimits> = {
  writeTurnBytes: 900,
  tailCacheBytes: 3000,
  tailCachePerLogBytes: 2000,
  openFiles: 4,
  indexCacheBytes: 300,
  scanBytes: 600,
  reservedFreeBytes: 0,
  cleanerSliceMs: 0,
  cleanerSyncBytes: 700,
}

interface ModelRecord {
  readonly offset: number
  readonly key: string
  readonly value: string | null
  readonly timestampMs: number
  readonly appendedMs: number
  readonly transaction: Transaction | null
}

interface Transaction {
  outcome: 'open' | 'commit' | 'abort'
}

interface Producer {
  epoch: number
  sequence: number
  transaction: Transaction | null
}

export interface AppendedRecord {
  readonly key: string
  readonly value: string | null
}

export interface AppendShape {
  readonly producerId?: number
  readonly transactional?: boolean
  readonly codecId?: number
  readonly timestampMs?: number
}

/** One batch as a reader got it. */
interface ReadRecord {
  readonly offset: number
  readonly key: string | null
  readonly value: string | null
  readonly timestampMs: number
}

export class CompactionWorld {
  readonly host: SimHost
  config: LogConfig
  logs!: Logs
  log!: Log
  /** Everything that has an offset, in order. */
  records: ModelRecord[] = []
  /** Offsets below are durable and acknowledged. */
  acknowledged = 0
  /** Records before are deleted, or may be. */
  deletedTo = 0
  readonly producers = new Map<number, Producer>()
  readonly #limits: Partial<LogLimits>

  constructor(host: SimHost, config: LogConfig = compactConfig, limits: Partial<LogLimits> = smallLimits) {
    this.host = host
    this.config = config
    this.#limits = limits
  }

  async open(): Promise<void> {
    this.logs = await Logs.open(this.host, { directories: [directory], limits: this.#limits })
    await this.logs.loadAll(() => this.config)
    this.log = await this.logs.create('t', topicId, 0, this.config)
  }

  /** The same log as a start after a crash finds it. */
  successor(disk: SimHost['disk'], seed: number): CompactionWorld {
    const world = new CompactionWorld(simHost(seed, { disk, slowDisk: false }), this.config, this.#limits)
    world.records = this.records
    world.acknowledged = this.acknowledged
    world.deletedTo = this.deletedTo
    for (const [id, producer] of this.producers) world.producers.set(id, { ...producer })
    return world
  }

  /** After a start: what was never acknowledged may be gone, and producers begin anew. */
  forgetLost(): void {
    this.records = this.records.filter(({ offset }) => offset < this.log.logEndOffset)
    this.producers.clear()
  }

  /** After the log was cut, or made anew. */
  forgetCut(): void {
    this.records = this.records.filter(({ offset }) => offset < this.log.logEndOffset)
    this.acknowledged = Math.min(this.acknowledged, this.log.logEndOffset)
  }

  append(records: readonly AppendedRecord[], shape: AppendShape = {}): void {
    const nowMs = this.host.clock.now()
    const timestampMs = shape.timestampMs ?? nowMs
    const producer = shape.producerId === undefined ? null : this.#producer(shape.producerId)
    const batch = buildBatch({
      records: records.map(({ key, value }, at) => ({
        key: Buffer.from(key),
        value: value === null ? null : Buffer.from(value),
        timestampMs: timestampMs + at,
        headers: at % 3 === 1 ? [{ key: 'h', value: Buffer.from(key) }] : [],
      })),
      codecId: shape.codecId ?? 0,
      transactional: shape.transactional ?? false,
      ...(producer
        ? { producerId: shape.producerId, producerEpoch: producer.epoch, baseSequence: producer.sequence }
        : {}),
    })
    const { firstOffset } = this.log.append(batch, { leaderEpoch: 0, origin: 'client', requestVersion: 12 })
    let transaction: Transaction | null = null
    if (producer) {
      producer.sequence += records.length
      if (shape.transactional) {
        producer.transaction ??= { outcome: 'open' }
        transaction = producer.transaction
      }
    }
    for (const [at, { key, value }] of records.entries()) {
      const offset = firstOffset + at
      this.records.push({ offset, key, value, timestampMs: timestampMs + at, appendedMs: nowMs, transaction })
    }
  }

  /** Ends the transaction of a producer; with `bump` its epoch grows, as in transactions of version 2. */
  endTransaction(id: number, commit: boolean, bump = false): void {
    const producer = this.#producer(id)
    if (!producer.transaction) return
    if (bump) {
      producer.epoch++
      producer.sequence = 0
    }
    const marker = buildTransactionMarker({
      commit,
      producerId: id,
      producerEpoch: producer.epoch,
      coordinatorEpoch: 0,
      timestampMs: this.host.clock.now(),
    })
    this.log.append(marker, { leaderEpoch: 0, origin: 'coordinator', requestVersion: 12, transactionVersion: 1 })
    producer.transaction.outcome = commit ? 'commit' : 'abort'
    producer.transaction = null
  }

  isInTransaction(id: number): boolean {
    return this.#producer(id).transaction !== null
  }

  async settle(): Promise<void> {
    const end = this.log.logEndOffset
    await this.log.durable.whenReached(end)
    this.acknowledged = end
  }

  /** Makes everything so far compactable: a segment of its own for what comes next. */
  async roll(): Promise<void> {
    const { config } = this.log
    this.log.config = { ...config, segmentBytes: 100 }
    this.append([{ key: 'roll', value: String(this.log.logEndOffset) }])
    await this.settle()
    this.log.config = config
  }

  compact(): Promise<Round | null> {
    return this.logs.cleaner.compact(this.log)
  }

  /** What is wrong with the log; null when nothing is. */
  async wrong(): Promise<string | null> {
    const { log } = this
    if (log.failure) return `the log failed: ${log.failure.message}`
    if (log.corruptRanges.length > 0) return `damage reported: ${JSON.stringify(log.corruptRanges)}`
    if (log.logEndOffset < this.acknowledged)
      return `ends at ${log.logEndOffset}, ${this.acknowledged} was acknowledged`
    const { records, batches, wrong } = await readCommitted(log)
    if (wrong) return wrong
    return (
      this.#wrongRecords(records) ??
      this.#wrongKeys(records) ??
      wrongProducers(log, batches) ??
      (await this.#wrongTimes(records))
    )
  }

  /** Every record must be one that was appended, of a transaction that was not aborted, or still open (not read then). */
  #wrongRecords(found: readonly ReadRecord[]): string | null {
    const known = new Map(this.records.map(record => [record.offset, record]))
    let previous = -1
    for (const { offset, key, value, timestampMs } of found) {
      if (offset <= previous) return `offset ${offset} after ${previous}`
      previous = offset
      const record = known.get(offset)
      if (!record) return `nobody appended anything at ${offset}`
      if (record.key !== key || record.value !== value)
        return `${key}=${value} at ${offset}, not ${JSON.stringify(record)}`
      if (record.timestampMs !== timestampMs) return `timestamp ${timestampMs} at ${offset}, not ${record.timestampMs}`
      if (record.transaction?.outcome === 'abort') return `aborted record at ${offset} is readable`
    }
    return null
  }

  /** The latest value of each key must be there; nothing else of it may be, in what was compacted. */
  #wrongKeys(found: readonly ReadRecord[]): string | null {
    const { log } = this
    const stable = log.lastStableOffset(log.highWatermark)
    const nowMs = this.host.clock.now()
    const latest = new Map<string, ModelRecord>()
    for (const record of this.records) {
      if (record.offset >= stable || record.transaction?.outcome === 'abort') continue
      latest.set(record.key, record)
    }
    const last = new Map<string, ReadRecord>()
    const cleaned = log.compaction.cleanedOffset ?? 0
    for (const record of found) {
      const { key, offset } = record
      const before = key === null ? undefined : last.get(key)
      if (before && offset < cleaned)
        return `two records of ${key} at ${before.offset} and ${offset}, compacted to ${cleaned}`
      if (key !== null) last.set(key, record)
    }
    for (const [key, { offset, value, appendedMs }] of latest) {
      const read = last.get(key)
      if (read?.offset === offset) continue
      if (offset < Math.max(this.deletedTo, log.logStartOffset)) {
        if (read) return `${key} at ${read.offset}, its latest at ${offset} is deleted`
        continue
      }
      if (value !== null) return `${key} is ${read?.value} at ${read?.offset}, not ${value} at ${offset}`
      if (read) return `${key} was deleted at ${offset} and is ${read.value} at ${read.offset}`
      if (nowMs < appendedMs + deleteRetentionMs) return `tombstone of ${key} at ${offset} went too early`
    }
    return null
  }

  async #wrongTimes(found: readonly ReadRecord[]): Promise<string | null> {
    const { log } = this
    for (const record of found.filter((_, at) => at % 7 === 0)) {
      const asked = record.timestampMs
      const answer = await log.offsetForTimestamp(asked)
      const visible = found.find(other => other.timestampMs >= asked)
      // Records of open and aborted transactions count too.
      if (!answer || answer.offset > (visible?.offset ?? 0)) return `offset ${answer?.offset} for time ${asked}`
    }
    const largest = await log.maxTimestamp()
    const expected = found.reduce((max, record) => Math.max(max, record.timestampMs), -1)
    if (expected >= 0 && (!largest || largest.timestamp < expected)) return `largest timestamp ${largest?.timestamp}`
    return null
  }

  #producer(id: number): Producer {
    const producer = this.producers.get(id) ?? { epoch: 0, sequence: 0, transaction: null }
    this.producers.set(id, producer)
    return producer
  }
}

/** What a read-committed consumer gets from the start of the log, and all batches on the way. */
async function readCommitted(log: Log): Promise<{ records: ReadRecord[]; batches: Buffer[]; wrong: string | null }> {
  const records: ReadRecord[] = []
  const batches: Buffer[] = []
  const stable = log.lastStableOffset(log.highWatermark)
  let next = log.logStartOffset
  for (let offset = next; offset < log.logEndOffset; ) {
    const result = await log.read({
      offset,
      bytesMax: 700,
      upperOffset: log.logEndOffset,
      minOneBatch: true,
      abortedTransactions: true,
    })
    if (result.nextOffset <= offset) return { records, batches, wrong: `nothing to read at ${offset}` }
    const aborted = new Set<number>()
    const ahead = [...(result.abortedTransactions ?? [])].sort((a, b) => a.firstOffset - b.firstOffset)
    for (const batch of result.chunks.flatMap(batchesOf)) {
      batches.push(batch)
      if (checkBatch(batch) !== 'ok') return { records, batches, wrong: `batch at ${baseOffset(batch)} is damaged` }
      if (baseOffset(batch) < next && next > log.logStartOffset) {
        return { records, batches, wrong: `batch at ${baseOffset(batch)}, the one before ends at ${next}` }
      }
      next = lastOffset(batch) + 1
      while (ahead.length > 0 && ahead[0].firstOffset <= lastOffset(batch)) aborted.add(ahead.shift()!.producerId)
      if (isControl(batch)) {
        if (hasProducerId(batch)) aborted.delete(producerId(batch))
        continue
      }
      if (isTransactional(batch) && aborted.has(producerId(batch))) continue
      for (const record of readRecords(batch)) {
        if (record.offset < log.logStartOffset || record.offset >= stable) continue
        const [key, value] = [record.key?.toString() ?? null, record.value?.toString() ?? null]
        records.push({ offset: record.offset, key, value, timestampMs: record.timestampMs })
      }
    }
    offset = result.nextOffset
  }
  return {
    records,
    batches,
    wrong: next === log.logEndOffset ? null : `batches end at ${next}, not ${log.logEndOffset}`,
  }
}

function batchesOf(chunk: Buffer): Buffer[] {
  const batches: Buffer[] = []
  for (let at = 0; at < chunk.length; at += batchBytes(chunk, at)) {
    batches.push(Buffer.from(chunk.subarray(at, at + batchBytes(chunk, at))))
  }
  return batches
}

/** What the log knows of its producers must be what a scan of what is left tells. */
function wrongProducers(log: Log, batches: readonly Buffer[]): string | null {
  const scanned = new ProducerState()
  for (const batch of batches) replayBatch(scanned, batch, 0)
  for (const held of log.producers.activeProducers()) {
    const found = scanned.activeProducers().find(other => other.producerId === held.producerId)
    if (!found) {
      if (log.logStartOffset > 0) continue
      return `producer ${held.producerId} is forgotten by a scan`
    }
    const facts = (producer: typeof held) =>
      `epoch ${producer.producerEpoch}, sequence ${producer.lastSequence}, in transaction ${producer.currentTxnStartOffset >= 0}`
    if (facts(found) !== facts(held)) return `producer ${held.producerId}: ${facts(held)}, a scan gives ${facts(found)}`
  }
  return null
}
