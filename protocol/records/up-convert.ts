/**
 * Message sets of magic 0 and 1, as old producers send them, turned into one batch of magic 2: how they are stored. The work
 * is done in small pieces, with one object per set and none per message.
 */
import { Errors, KafkaError } from '../errors.ts'
import {
  attributeBits,
  batchHeaderBytes,
  magic,
  noPartitionLeaderEpoch,
  noProducerEpoch,
  noProducerId,
  noSequence,
  noTimestamp,
  wholeBatchBytes,
} from './batch.ts'
import { writeHeader } from './builder.ts'
import { maxOutputBytes } from './compression.ts'
import { checkInner, checkInnerEnd, MessageCursor, packedSet } from './legacy.ts'
import { Pace, type Pacing, pack, unpack } from './pace.ts'
import { varintBytes, varlongBytes, writeVarint, writeVarlong } from './varint.ts'

export interface UpConversion extends Pacing {
  /** Most bytes that the messages, or the records made of them, may come to; `maxOutputBytes` of compression.ts unless given. */
  readonly maxOutput?: number
  /** Most bytes of a message as it was sent, wrappers included. */
  readonly maxMessageBytes?: number
}

/** Whether these bytes are messages of magic 0 or 1, as far as they can be read. */
export function isMessageSet(records: Buffer): boolean {
  return records.length > 16 && magic(records) < 2
}

/**
 * One batch with the messages of the set, offsets from 0, compressed with the codec of the set; null when the set holds no
 * whole message. As in Apache Kafka an incomplete tail is left out, and a wrapper is alone in its set. Throws KafkaError:
 * MESSAGE_TOO_LARGE, CORRUPT_MESSAGE for sizes and checksums, INVALID_TIMESTAMP, INVALID_RECORD for all else.
 */
export async function messageSetToBatch(set: Buffer, options: UpConversion): Promise<Buffer | null> {
  if (wholeBatchBytes(set) === 0) return null
  const limits = new Limits(options)
  const pace = new Pace(options)
  limits.checkMessage(wholeBatchBytes(set))
  const first = new MessageCursor(set)
  first.next()
  if (first.codecId === 0) return batchOf(set, first, 0, limits, pace)
  if (wholeBatchBytes(set, first.bytes) > 0) throw invalid('messages beside a compressed one')
  checkTimestamp(first)
  const inner = await unpack(first.codecId, packedSet(first), limits.maxOutput)
  return batchOf(inner, first, first.codecId, limits, pace)
}

class Limits {
  readonly maxOutput: number
  readonly #maxMessageBytes: number

  constructor({ maxOutput = maxOutputBytes, maxMessageBytes = Number.POSITIVE_INFINITY }: UpConversion) {
    this.maxOutput = maxOutput
    this.#maxMessageBytes = maxMessageBytes
  }

  checkMessage(bytes: number): void {
    if (bytes > this.#maxMessageBytes) throw tooLarge(`message of ${bytes} bytes, at most ${this.#maxMessageBytes}`)
  }

  checkRecords(bytes: number): void {
    if (bytes > this.maxOutput) throw tooLarge(`records of more than ${this.maxOutput} bytes`)
  }
}

interface Plan {
  readonly count: number
  /** Of all records together. */
  readonly bytes: number
  readonly baseTimestamp: number
  readonly maxTimestamp: number
}

async function batchOf(
  set: Buffer,
  first: MessageCursor,
  codecId: number,
  limits: Limits,
  pace: Pace,
): Promise<Buffer> {
  const plan = await planRecords(set, first, codecId !== 0, limits, pace)
  let batch: Buffer
  if (codecId === 0) {
    batch = Buffer.allocUnsafe(batchHeaderBytes + plan.bytes)
    await writeRecords(set, batch, batchHeaderBytes, plan, pace)
  } else {
    const plain = Buffer.allocUnsafe(plan.bytes)
    await writeRecords(set, plain, 0, plan, pace)
    const packed = await pack(codecId, plain)
    batch = Buffer.allocUnsafe(batchHeaderBytes + packed.length)
    packed.copy(batch, batchHeaderBytes)
  }
  writeHeader(batch, {
    attributes: attributeBits({ codecId }),
    baseOffset: 0,
    partitionLeaderEpoch: noPartitionLeaderEpoch,
    lastOffsetDelta: plan.count - 1,
    baseTimestamp: plan.baseTimestamp,
    maxTimestamp: plan.maxTimestamp,
    producerId: noProducerId,
    producerEpoch: noProducerEpoch,
    baseSequence: noSequence,
    recordsCount: plan.count,
  })
  return batch
}

/** Checks every message, and finds out what the records will take. */
async function planRecords(
  set: Buffer,
  first: MessageCursor,
  inside: boolean,
  limits: Limits,
  pace: Pace,
): Promise<Plan> {
  const cursor = new MessageCursor(set)
  let count = 0
  let bytes = 0
  let baseTimestamp = noTimestamp
  let maxTimestamp = noTimestamp
  for (;;) {
    const next = cursor.nextMagic
    if (next >= 0 && next !== first.magic) throw invalid(`a message of magic ${next} in a set of magic ${first.magic}`)
    if (!inside) limits.checkMessage(cursor.nextBytes)
    if (!cursor.next()) break
    if (inside) checkInner(cursor, first.magic)
    else {
      if (cursor.codecId !== 0) throw invalid('messages beside a compressed one')
      checkTimestamp(cursor)
    }
    const { timestampMs } = cursor
    if (timestampMs < noTimestamp || timestampMs > Number.MAX_SAFE_INTEGER) throw invalidTimestamp(`${timestampMs}`)
    if (count === 0) baseTimestamp = timestampMs
    if (timestampMs > maxTimestamp) maxTimestamp = timestampMs
    const length = lengthOf(cursor, count, baseTimestamp)
    bytes += varintBytes(length) + length
    limits.checkRecords(bytes)
    count += 1
    if (pace.isDue(cursor.bytes)) await pace.pause()
  }
  if (inside) checkInnerEnd(cursor, count)
  return { count, bytes, baseTimestamp, maxTimestamp }
}

async function writeRecords(set: Buffer, out: Buffer, at: number, plan: Plan, pace: Pace): Promise<void> {
  const cursor = new MessageCursor(set)
  for (let index = 0; index < plan.count && cursor.next(); index++) {
    at = writeVarint(out, at, lengthOf(cursor, index, plan.baseTimestamp))
    out[at++] = 0
    at = writeVarlong(out, at, cursor.timestampMs - plan.baseTimestamp)
    at = writeVarint(out, at, index)
    at = writeField(out, at, cursor.buffer, cursor.keyAt, cursor.keyBytes)
    at = writeField(out, at, cursor.buffer, cursor.valueAt, cursor.valueBytes)
    at = writeVarint(out, at, 0)
    if (pace.isDue(cursor.bytes)) await pace.pause()
  }
}

function writeField(out: Buffer, at: number, from: Buffer, fieldAt: number, bytes: number): number {
  at = writeVarint(out, at, bytes)
  return bytes > 0 ? at + from.copy(out, at, fieldAt, fieldAt + bytes) : at
}

/** Bytes of a record without its own length. */
function lengthOf(message: MessageCursor, index: number, baseTimestamp: number): number {
  const { keyBytes, valueBytes } = message
  const fields = varintBytes(keyBytes) + Math.max(keyBytes, 0) + varintBytes(valueBytes) + Math.max(valueBytes, 0)
  return 2 + varlongBytes(message.timestampMs - baseTimestamp) + varintBytes(index) + fields
}

function checkTimestamp(message: MessageCursor): void {
  if (message.logAppendTime) throw invalidTimestamp('producers may not set the timestamp type to LogAppendTime')
}

function invalid(detail: string): KafkaError {
  return new KafkaError(Errors.INVALID_RECORD, detail)
}

function tooLarge(detail: string): KafkaError {
  return new KafkaError(Errors.MESSAGE_TOO_LARGE, detail)
}

function invalidTimestamp(detail: string): KafkaError {
  return new KafkaError(Errors.INVALID_TIMESTAMP, detail)
}
