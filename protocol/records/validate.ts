/**
 * What a leader checks and rewrites in one batch before it gives it offsets (Kafka's LogValidator and the first part of
 * UnifiedLog.append). Pure: bytes and rules in, bytes out.
 *
 * How a log calls it, before it looks at the producer's sequences:
 *
 *     const checked = validateForAppend(records, { origin, requestVersion, nowMs: clock.now(), config })
 *     // checked.buffer is one whole batch (`records` patched in place, or a new buffer after recompression), then:
 *     setBaseOffset(checked.buffer, 0, logEndOffset)
 *     setPartitionLeaderEpoch(checked.buffer, 0, leaderEpoch)
 *
 * `config` is the log's own settings object; offsets and leader epoch are outside the checksum, so nothing needs to be
 * computed again. Followers do not call this: what a leader has accepted is copied as it is, after `checkBatch`.
 *
 * What is looked at: the header and the checksum of every client batch; every record of an uncompressed one, which costs
 * some 50 ns each. A compressed batch is only decompressed when the answer needs it: a compacted topic (null keys), a
 * topic with another `compression.type`, a finite `message.timestamp.before.max.ms`, or header timestamps that look out
 * of range. Apache Kafka decompresses every batch to check what is inside; here a producer that compresses garbage, or
 * states a wrong largest timestamp, harms the readers of its own records only, and a broker's event loop is worth more.
 */
import { Errors, KafkaError } from '../errors.ts'
import {
  attributesAt,
  baseOffset,
  baseSequence,
  baseTimestamp,
  batchHeaderBytes,
  checkBatch,
  checkBatchShape,
  codecId,
  isControl,
  isLogAppendTime,
  isTransactional,
  lastOffsetDelta,
  lengthAt,
  logOverheadBytes,
  maxTimestamp,
  noTimestamp,
  producerId,
  recordsAt,
  recordsCount,
  recordsView,
  setMaxTimestamp,
  storeCrc,
  writeInt32,
} from './batch.ts'
import {
  codecByName,
  codecs,
  compress,
  compressAsync,
  decompress,
  decompressAsync,
  maxOutputBytes,
} from './compression.ts'
import { RecordCursor } from './record.ts'

/** The topic settings that matter here: a subset of a log's own settings object. */
export interface AppendConfig {
  readonly maxMessageBytes: number
  readonly segmentBytes: number
  readonly cleanupPolicy: { readonly compact: boolean }
  readonly compressionType: 'producer' | 'uncompressed' | 'gzip' | 'snappy' | 'lz4' | 'zstd'
  readonly compressionGzipLevel: number
  readonly compressionLz4Level: number
  readonly compressionZstdLevel: number
  readonly messageTimestampType: 'CreateTime' | 'LogAppendTime'
  readonly messageTimestampBeforeMaxMs: number
  readonly messageTimestampAfterMaxMs: number
}

export interface AppendRules {
  /** `coordinator`: batches that this broker built itself; only their shape, size and timestamp type are looked at. */
  readonly origin: 'client' | 'coordinator'
  /** Version of the Produce request; any for the broker's own. */
  readonly requestVersion: number
  /** Wall clock, milliseconds. */
  readonly nowMs: number
  readonly config: AppendConfig
  /** Most bytes that a batch may decompress to, where it must be; `maxOutputBytes` of compression.ts unless given. */
  readonly maxUncompressedBytes?: number
}

export interface ValidatedBatch {
  /** One whole batch, and nothing after it. */
  readonly buffer: Buffer
  /** Milliseconds; -1 without timestamps. What the header now says. */
  readonly maxTimestamp: number
  /** Distance from the base offset to the first record that has `maxTimestamp`; -1 when that was not looked for. */
  readonly offsetDeltaOfMaxTimestamp: number
  /** What a Produce response reports: the append time, -1 when the timestamps are the producer's. */
  readonly logAppendTimeMs: number
}

/** Which record of a batch is at fault, and why. */
export interface RecordFault {
  readonly batchIndex: number
  readonly message: string
}

/** A batch refused for some of its records, which Produce responses name from version 8 on (KIP-467). */
export class RecordErrors extends KafkaError {
  readonly records: readonly RecordFault[]
  constructor(code: typeof Errors.INVALID_RECORD | typeof Errors.INVALID_TIMESTAMP, records: readonly RecordFault[]) {
    const why = code === Errors.INVALID_TIMESTAMP ? 'invalid timestamps' : `${records.length} record errors`
    super(code, `one or more records have been rejected due to ${why}: ${records[0].message}`)
    this.name = 'RecordErrors'
    this.records = records
  }
}

/** Faults beyond this many are not listed: the answer must not be larger than the question. */
const faultsMax = 100

const zstdId = 4

/** First Produce version whose clients know zstd (KIP-110). */
const zstdSinceVersion = 7

/**
 * Checks one produced batch, and rewrites what the topic asks for: largest timestamp, timestamp type, compression. May
 * change `buffer` in place. Throws KafkaError (RecordErrors where single records are at fault); then `buffer` is as
 * it was. Errors: INVALID_RECORD, CORRUPT_MESSAGE, MESSAGE_TOO_LARGE, RECORD_LIST_TOO_LARGE, INVALID_TIMESTAMP,
 * UNSUPPORTED_COMPRESSION_TYPE.
 */
export function validateForAppend(buffer: Buffer, rules: AppendRules): ValidatedBatch {
  const work = begin(buffer, rules)
  if (!work.needsRecords) return finish(work, rules, null)
  const bytes = decompress(work.sourceCodec, recordsView(work.buffer), { maxOutput: outputLimit(rules) })
  checkRecords(work, rules, bytes, 0)
  if (work.sourceCodec === work.targetCodec) return finish(work, rules, null)
  return finish(work, rules, compress(work.targetCodec, bytes, levelOf(work.targetCodec, rules.config)))
}

/** As `validateForAppend`, with large batches (de)compressed off the event loop where the codec can. */
export async function validateForAppendAsync(buffer: Buffer, rules: AppendRules): Promise<ValidatedBatch> {
  const work = begin(buffer, rules)
  if (!work.needsRecords) return finish(work, rules, null)
  const bytes = await decompressAsync(work.sourceCodec, recordsView(work.buffer), { maxOutput: outputLimit(rules) })
  checkRecords(work, rules, bytes, 0)
  if (work.sourceCodec === work.targetCodec) return finish(work, rules, null)
  return finish(work, rules, await compressAsync(work.targetCodec, bytes, levelOf(work.targetCodec, rules.config)))
}

/** Whether `validateForAppend` would decompress this batch, and so whether the async version is worth a turn. */
export function needsDecompression(buffer: Buffer, rules: AppendRules): boolean {
  if (checkBatchShape(buffer) !== 'ok' || rules.origin !== 'client') return false
  const source = codecId(buffer)
  return source !== 0 && mustReadRecords(buffer, rules, source, targetCodecOf(source, rules.config))
}

/** A batch on its way through: the result in the making. */
interface Work {
  readonly buffer: Buffer
  readonly sourceCodec: number
  readonly targetCodec: number
  /** The records are still to be decompressed and checked. */
  readonly needsRecords: boolean
  /** Largest timestamp among the records; null when they were not looked at. */
  maxTimestamp: number | null
  offsetDeltaOfMaxTimestamp: number
}

function begin(buffer: Buffer, rules: AppendRules): Work {
  if (buffer.length === 0 && rules.origin === 'client') throw invalid('no record batch')
  const shape = checkBatchShape(buffer)
  // Those of old requests were converted before they came here.
  if (shape === 'old-magic' && rules.origin === 'client') throw invalid('not a record batch of magic 2')
  if (shape !== 'ok') throw new KafkaError(Errors.CORRUPT_MESSAGE, `record batch: ${shape}`)
  const size = wholeSize(buffer)
  if (buffer.length > size) throw invalid(`${buffer.length - size} bytes after the record batch`)
  const sourceCodec = codecId(buffer)
  if (rules.origin !== 'client') {
    checkSize(size, rules.config)
    return newWork(buffer, sourceCodec, sourceCodec, false)
  }
  checkCodec(sourceCodec, rules)
  if (baseOffset(buffer) !== 0) throw invalid(`base offset ${baseOffset(buffer)} instead of 0`)
  checkSize(size, rules.config)
  if (checkBatch(buffer) !== 'ok') throw new KafkaError(Errors.CORRUPT_MESSAGE, 'record batch: checksum does not match')
  checkHeader(buffer)
  const targetCodec = targetCodecOf(sourceCodec, rules.config)
  const mustRead = mustReadRecords(buffer, rules, sourceCodec, targetCodec)
  const work = newWork(buffer, sourceCodec, targetCodec, mustRead && (sourceCodec !== 0 || targetCodec !== 0))
  // In place when there is nothing to decompress: no view, no copy.
  if (sourceCodec === 0 && !work.needsRecords) checkRecords(work, rules, buffer, recordsAt)
  return work
}

function newWork(buffer: Buffer, sourceCodec: number, targetCodec: number, needsRecords: boolean): Work {
  return { buffer, sourceCodec, targetCodec, needsRecords, maxTimestamp: null, offsetDeltaOfMaxTimestamp: -1 }
}

function invalid(detail: string): KafkaError {
  return new KafkaError(Errors.INVALID_RECORD, detail)
}

function wholeSize(buffer: Buffer): number {
  return buffer.readInt32BE(lengthAt) + logOverheadBytes
}

function outputLimit(rules: AppendRules): number {
  return rules.maxUncompressedBytes ?? maxOutputBytes
}

function checkCodec(source: number, rules: AppendRules): void {
  if (source >= codecs.length) throw invalid(`compression codec ${source}`)
  if (source === zstdId && rules.requestVersion < zstdSinceVersion) {
    throw new KafkaError(Errors.UNSUPPORTED_COMPRESSION_TYPE, `Produce ${rules.requestVersion} does not know zstd`)
  }
}

function checkSize(size: number, config: AppendConfig): void {
  if (size > config.maxMessageBytes) {
    throw new KafkaError(Errors.MESSAGE_TOO_LARGE, `record batch of ${size} bytes, at most ${config.maxMessageBytes}`)
  }
  if (size > config.segmentBytes) {
    throw new KafkaError(
      Errors.RECORD_LIST_TOO_LARGE,
      `record batch of ${size} bytes, segments of ${config.segmentBytes}`,
    )
  }
}

function checkHeader(buffer: Buffer): void {
  const count = recordsCount(buffer)
  if (count <= 0) throw invalid(`${count} records`)
  if (lastOffsetDelta(buffer) !== count - 1) {
    throw invalid(`${count} records up to offset ${lastOffsetDelta(buffer)}`)
  }
  if (isControl(buffer)) throw invalid('clients may not write control records')
  const producer = producerId(buffer)
  if (producer >= 0 && baseSequence(buffer) < 0) throw invalid(`sequence ${baseSequence(buffer)} of a producer id`)
  if (producer > Number.MAX_SAFE_INTEGER) throw invalid('producer id beyond 2^53')
  if (producer < 0 && isTransactional(buffer)) throw invalid('transactional without producer id')
  if (isLogAppendTime(buffer)) {
    throw new KafkaError(Errors.INVALID_TIMESTAMP, 'producers may not set the timestamp type to LogAppendTime')
  }
}

function targetCodecOf(source: number, config: AppendConfig): number {
  if (config.compressionType === 'producer') return source
  return config.compressionType === 'uncompressed' ? 0 : codecByName(config.compressionType).id
}

function levelOf(codec: number, config: AppendConfig): number | undefined {
  const levels = [undefined, config.compressionGzipLevel, undefined, config.compressionLz4Level]
  return codec === zstdId ? config.compressionZstdLevel : levels[codec]
}

function mustReadRecords(buffer: Buffer, rules: AppendRules, source: number, target: number): boolean {
  const { config, nowMs } = rules
  if (source !== target || source === 0 || config.cleanupPolicy.compact) return true
  if (config.messageTimestampType === 'LogAppendTime') return false
  if (config.messageTimestampBeforeMaxMs < nowMs) return true
  return !inRange(maxTimestamp(buffer), rules) || !inRange(baseTimestamp(buffer), rules)
}

function inRange(timestampMs: number, rules: AppendRules): boolean {
  if (timestampMs === noTimestamp) return true
  const { messageTimestampBeforeMaxMs, messageTimestampAfterMaxMs } = rules.config
  const age = rules.nowMs - timestampMs
  return age <= messageTimestampBeforeMaxMs && -age <= messageTimestampAfterMaxMs
}

/** Every record: well formed, offsets one after another, keys where the topic needs them, timestamps in range. */
function checkRecords(work: Work, rules: AppendRules, bytes: Buffer, from: number): void {
  const count = recordsCount(work.buffer)
  const base = baseTimestamp(work.buffer)
  const keysNeeded = rules.config.cleanupPolicy.compact
  const createTime = rules.config.messageTimestampType === 'CreateTime'
  const earliest = createTime ? rules.nowMs - rules.config.messageTimestampBeforeMaxMs : -Infinity
  const latest = createTime ? rules.nowMs + rules.config.messageTimestampAfterMaxMs : Infinity
  const cursor = new RecordCursor(bytes, from)
  const faults: RecordFault[] = []
  let badTimestamp = false
  let largest = noTimestamp
  let largestAt = 0
  for (let index = 0; index < count; index++) {
    if (!cursor.next()) throw invalid(`${index} records instead of ${count}`)
    if (cursor.offsetDelta !== index) throw invalid(`record ${index} has offset ${cursor.offsetDelta}`)
    const timestamp = base + cursor.timestampDelta
    if (timestamp > largest) {
      largest = timestamp
      largestAt = index
    }
    if (keysNeeded && cursor.keyBytes < 0) {
      if (faults.length < faultsMax) faults.push({ batchIndex: index, message: 'a compacted topic needs a key' })
    } else if ((timestamp < earliest || timestamp > latest) && timestamp !== noTimestamp) {
      badTimestamp = true
      if (faults.length < faultsMax)
        faults.push({ batchIndex: index, message: outOfRange(timestamp, earliest, latest) })
    }
  }
  if (cursor.remainingBytes > 0) throw invalid(`${cursor.remainingBytes} bytes after the last record`)
  if (faults.length > 0) throw new RecordErrors(badTimestamp ? Errors.INVALID_TIMESTAMP : Errors.INVALID_RECORD, faults)
  work.maxTimestamp = largest
  work.offsetDeltaOfMaxTimestamp = largestAt
}

function outOfRange(timestamp: number, earliest: number, latest: number): string {
  return `timestamp ${timestamp} is not within [${earliest}, ${latest}]`
}

function finish(work: Work, rules: AppendRules, recompressed: Buffer | null): ValidatedBatch {
  const buffer = recompressed === null ? work.buffer : withRecords(work.buffer, work.targetCodec, recompressed)
  if (recompressed !== null) checkSize(buffer.length, rules.config)
  const logAppendTime = rules.config.messageTimestampType === 'LogAppendTime'
  const largest = logAppendTime ? rules.nowMs : (work.maxTimestamp ?? maxTimestamp(buffer))
  setMaxTimestamp(buffer, 0, logAppendTime, largest)
  return {
    buffer,
    maxTimestamp: largest,
    offsetDeltaOfMaxTimestamp: logAppendTime ? 0 : work.offsetDeltaOfMaxTimestamp,
    logAppendTimeMs: logAppendTime ? rules.nowMs : -1,
  }
}

/** The same batch around other record bytes. */
function withRecords(buffer: Buffer, codec: number, records: Buffer): Buffer {
  const rewritten = Buffer.allocUnsafe(batchHeaderBytes + records.length)
  buffer.copy(rewritten, 0, 0, batchHeaderBytes)
  records.copy(rewritten, batchHeaderBytes)
  writeInt32(rewritten, lengthAt, rewritten.length - logOverheadBytes)
  rewritten[attributesAt + 1] = (rewritten[attributesAt + 1] & ~7) | codec
  storeCrc(rewritten)
  return rewritten
}
