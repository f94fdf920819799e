/**
 * Drives logs on a simulated disk next to a model of what must be there, for tests that stop the power at any operation.
 */
import { baseOffset, batchBytes, lastOffset, partitionLeaderEpoch } from '../../protocol/records/batch.ts'
import { buildBatch } from '../../protocol/records/builder.ts'
import type { LogLimits } from '../../src/log/limits.ts'
import type { Log } from '../../src/log/log.ts'
import { defaultLogConfig, type LogConfig } from '../../src/log/log-config.ts'
import { Logs } from '../../src/log/logs.ts'
import { ProducerState } from '../../src/log/producer-state.ts'
import { replayBatch } from '../../src/log/segment-rebuild.ts'
import type { SimHost } from '../sim/host.ts'

export const directory = '/data'
export const topicId = 'AAAAAAAAAAAAAAAAAAAAAQ'

/** Small enough that a short history rolls, indexes and fills a turn. */
export const smallConfig: LogConfig = {
  ...defaultLogConfig,
  segmentBytes: 1200,
  indexIntervalBytes: 150,
  segmentIndexBytes: 4096,
  retentionMs: -1,
  fileDeleteDelayMs: 10,
}

export const smallLimits: Partial<LogLimits> = {
  writeTurnBytes: 700,
  tailCacheBytes: 1500,
  tailCachePerLogBytes: 1000,
  openFiles: 3,
  indexCacheBytes: 200,
  scanBytes: 512,
  reservedFreeBytes: 0,
}

/** What one log must hold. Offsets of batches that were cut off may hold either history until the cut is done. */
export class LogModel {
  /** Batches as they were appended, by base offset, with every content that the offset ever had. */
  readonly ever = new Map<number, Buffer[]>()
  /** The history that counts now. */
  batches: Buffer[] = []
  /** A truncation that has begun and may or may not have happened. */
  cuttingTo: number | null = null
  /** The log may begin anywhere between: promised, and asked for. */
  logStartDone = 0
  logStartAsked = 0
  deleting = false
  nextSequence = 0

  appended(batch: Buffer): void {
    const at = baseOffset(batch)
    this.ever.set(at, [...(this.ever.get(at) ?? []), batch])
    this.batches.push(batch)
  }

  cut(offset: number): void {
    this.batches = this.batches.filter(batch => lastOffset(batch) < offset)
  }

  /** Below this offset everything must be there: reported durable, and not being cut. */
  floor(log: Log): number {
    const durable = log.durable.value
    return this.cuttingTo === null ? durable : Math.min(durable, this.cuttingTo)
  }
}

export interface AppendShape {
  readonly bytes: number
  readonly records?: number
  readonly epoch?: number
  readonly producerId?: number
  readonly timestampMs?: number
  readonly origin?: 'client' | 'coordinator'
}

let fill = 0

/** Appends one batch to the log and to its model. */
export function append(log: Log, model: LogModel, shape: AppendShape): void {
  const count = shape.records ?? 1
  fill++
  const value = Buffer.alloc(shape.bytes, `${fill}-payload-`)
  const records = Array.from({ length: count }, () => ({ key: Buffer.from(`k${fill}`), value }))
  const producer = shape.producerId ?? -1
  const batch = buildBatch({
    records,
    baseTimestamp: shape.timestampMs ?? 1_700_000_000_000 + fill,
    ...(producer >= 0 ? { producerId: producer, producerEpoch: 0, baseSequence: model.nextSequence } : {}),
  })
  const leaderEpoch = shape.epoch ?? log.latestEpoch?.epoch ?? 0
  log.append(batch, { leaderEpoch, origin: shape.origin ?? 'coordinator', requestVersion: 12 })
  if (producer >= 0) model.nextSequence += count
  model.appended(Buffer.from(batch))
}

export function isDurable(log: Log, offset = log.logEndOffset): Promise<void> {
  return new Promise((resolve, reject) => {
    log.durable.reached(offset, failure => (failure ? reject(failure) : resolve()))
  })
}

export async function openLogs(
  host: SimHost,
  limits: Partial<LogLimits> = smallLimits,
  config = smallConfig,
): Promise<Logs> {
  const logs = await Logs.open(host, { directories: [directory], limits })
  await logs.loadAll(() => config)
  return logs
}

/** Every batch from the log start to its end, read as a consumer would. */
export async function readAll(log: Log, bytesMax = 400): Promise<Buffer[]> {
  const batches: Buffer[] = []
  for (let offset = log.logStartOffset; offset < log.logEndOffset; ) {
    const result = await log.read({
      offset,
      bytesMax,
      upperOffset: log.logEndOffset,
      minOneBatch: true,
      abortedTransactions: false,
    })
    if (result.bytes === 0) throw new Error(`nothing to read at ${offset}, the log ends at ${log.logEndOffset}`)
    for (const chunk of result.chunks) {
      for (let at = 0; at < chunk.length; at += batchBytes(chunk, at)) {
        batches.push(Buffer.from(chunk.subarray(at, at + batchBytes(chunk, at))))
      }
    }
    offset = result.nextOffset
  }
  return batches
}

/** What is wrong with a log after a crash, measured against its model; null when nothing is. */
export async function wrongWith(log: Log, model: LogModel, floor: number): Promise<string | null> {
  if (log.logStartOffset < model.logStartDone) return `log start ${log.logStartOffset}, promised ${model.logStartDone}`
  if (log.logStartOffset > model.logStartAsked)
    return `log start ${log.logStartOffset}, asked for ${model.logStartAsked}`
  if (log.logEndOffset < floor) return `ends at ${log.logEndOffset}, durable was ${floor}`
  if (log.corruptRanges.length > 0) return `damage reported: ${JSON.stringify(log.corruptRanges)}`
  const found = await readAll(log)
  let next = log.logStartOffset
  for (const batch of found) {
    const at = baseOffset(batch)
    if (at > next) return `gap from ${next} to ${at}`
    if (!model.ever.get(at)?.some(known => known.equals(batch))) return `batch at ${at} was never appended`
    next = lastOffset(batch) + 1
  }
  if (next !== log.logEndOffset) return `batches end at ${next}, the log at ${log.logEndOffset}`
  for (const batch of model.batches) {
    const at = baseOffset(batch)
    if (lastOffset(batch) >= floor || lastOffset(batch) < log.logStartOffset) continue
    if (!found.some(other => other.equals(batch))) return `durable batch at ${at} is lost or changed`
  }
  return wrongDerived(log, found)
}

/** Producer state and leader epochs must be what a scan of the batches gives. */
function wrongDerived(log: Log, found: readonly Buffer[]): string | null {
  const scanned = new ProducerState()
  let epochs: { epoch: number; startOffset: number }[] = []
  for (const batch of found) {
    replayBatch(scanned, batch, 0)
    const epoch = partitionLeaderEpoch(batch)
    if (epochs.at(-1)?.epoch !== epoch) epochs.push({ epoch, startOffset: baseOffset(batch) })
  }
  const key = (producer: { producerId: number }) => producer.producerId
  for (const producer of scanned.activeProducers()) {
    const held = log.producers.activeProducers().find(other => key(other) === key(producer))
    if (JSON.stringify(held) !== JSON.stringify(producer)) {
      return `producer state ${JSON.stringify(held)}, a scan gives ${JSON.stringify(producer)}`
    }
  }
  if (log.logStartOffset === 0 && log.producers.activeProducers().length !== scanned.size)
    return 'producers nobody wrote'
  if (epochs.length > 0)
    epochs = [{ ...epochs[0], startOffset: Math.max(epochs[0].startOffset, log.logStartOffset) }, ...epochs.slice(1)]
  const held = log.epochs.entries.filter(entry => entry.startOffset < log.logEndOffset)
  if (JSON.stringify(held) !== JSON.stringify(epochs)) {
    return `epochs ${JSON.stringify(held)}, a scan gives ${JSON.stringify(epochs)}`
  }
  return null
}
