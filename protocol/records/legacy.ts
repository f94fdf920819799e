/**
 * Message sets of magic 0 and 1, which Kafka wrote before 0.11 and old clients still send (KIP-32, KIP-31): read,
 * written, and turned into one batch of magic 2. A message is its own little batch; a compressed set is one wrapper
 * message whose value holds the others.
 *
 * Layout of a message: offset int64, size int32, crc uint32, magic int8, attributes int8, timestamp int64 (magic 1 only),
 * key and value as nullable bytes with int32 lengths. The checksum is CRC-32 from the magic on.
 */
import { Errors, KafkaError } from '../errors.ts'
import { readInt32, readInt64, wholeBatchBytes, writeInt32, writeInt64 } from './batch.ts'
import { buildBatch, type NewRecord } from './builder.ts'
import { withHistoricChecksum, withStandardChecksum } from './codecs/lz4.ts'
import { compress, decompress, maxOutputBytes } from './compression.ts'
import { crc32 } from './crc.ts'

export type LegacyMagic = 0 | 1

export interface LegacyMessage {
  readonly offset: number
  /** Milliseconds; -1 for magic 0. */
  readonly timestampMs: number
  readonly key: Buffer | null
  readonly value: Buffer | null
}

const crcAt = 12
const magicAt = 16
const attributesAt = 17
const timestampAt = 18
const codecMask = 0x07
const logAppendTimeFlag = 0x08
const lz4Id = 3
/** The formats end with lz4: zstd needs magic 2. */
const codecIdMax = 3

/** Bytes of an empty message: 26 for magic 0, 34 for magic 1. */
export function messageBytesMin(magic: LegacyMagic): number {
  return magic === 0 ? 26 : 34
}

function corrupt(detail: string): KafkaError {
  return new KafkaError(Errors.CORRUPT_MESSAGE, detail)
}

/** As `checkBatch` in batch.ts, for one message of magic 0 or 1: size, magic, lengths inside, checksum. */
export type MessageCheck = 'ok' | 'incomplete' | 'bad-size' | 'bad-magic' | 'bad-crc'

export function checkMessage(buffer: Buffer, at = 0, end = buffer.length): MessageCheck {
  if (end - at <= magicAt) return 'incomplete'
  const magic = buffer[at + magicAt]
  if (magic > 1) return 'bad-magic'
  const size = readInt32(buffer, at + 8) + 12
  if (size < messageBytesMin(magic === 0 ? 0 : 1)) return 'bad-size'
  if (size > end - at) return 'incomplete'
  const keyAt = at + (magic === 0 ? 18 : 26)
  const keyEnd = fieldEnd(buffer, keyAt, at + size)
  if (keyEnd < 0 || fieldEnd(buffer, keyEnd, at + size) !== at + size) return 'bad-size'
  return crc32(buffer.subarray(at + magicAt, at + size)) === readInt32(buffer, at + crcAt) >>> 0 ? 'ok' : 'bad-crc'
}

/** Where nullable bytes end; -1 when they do not fit. */
function fieldEnd(buffer: Buffer, at: number, limit: number): number {
  if (at + 4 > limit) return -1
  const length = readInt32(buffer, at)
  const end = at + 4 + Math.max(length, 0)
  return length < -1 || end > limit ? -1 : end
}

interface Shallow extends LegacyMessage {
  readonly magic: LegacyMagic
  readonly codecId: number
  readonly logAppendTime: boolean
}

function readMessage(buffer: Buffer, at: number, end: number): Shallow {
  const check = checkMessage(buffer, at, end)
  if (check !== 'ok') throw corrupt(`message at ${at}: ${check}`)
  const magic = buffer[at + magicAt] === 0 ? 0 : 1
  const attributes = buffer[at + attributesAt]
  const keyAt = at + (magic === 0 ? 18 : 26)
  const keyBytes = readInt32(buffer, keyAt)
  const valueAt = keyAt + 4 + Math.max(keyBytes, 0)
  const valueBytes = readInt32(buffer, valueAt)
  return {
    magic,
    codecId: attributes & codecMask,
    logAppendTime: magic === 1 && (attributes & logAppendTimeFlag) !== 0,
    offset: readInt64(buffer, at),
    timestampMs: magic === 0 ? -1 : readInt64(buffer, at + timestampAt),
    key: keyBytes < 0 ? null : buffer.subarray(keyAt + 4, keyAt + 4 + keyBytes),
    value: valueBytes < 0 ? null : buffer.subarray(valueAt + 4, valueAt + 4 + valueBytes),
  }
}

/**
 * The messages of the whole set, wrappers unpacked; an incomplete tail is left out. Throws KafkaError CORRUPT_MESSAGE
 * for sizes and checksums, INVALID_RECORD (also as CompressionError) for what a wrapper holds.
 */
export function* readMessages(
  buffer: Buffer,
  at = 0,
  end = buffer.length,
  maxOutput = maxOutputBytes,
): Generator<LegacyMessage, void, void> {
  for (let size = wholeBatchBytes(buffer, at, end); size > 0; size = wholeBatchBytes(buffer, at, end)) {
    const message = readMessage(buffer, at, end)
    if (message.codecId === 0) yield message
    else yield* unwrap(message, maxOutput)
    at += size
  }
}

function unwrap(wrapper: Shallow, maxOutput: number): LegacyMessage[] {
  const { codecId, magic } = wrapper
  if (codecId > codecIdMax) {
    throw new KafkaError(Errors.INVALID_RECORD, `compression codec ${codecId} in a message of magic ${magic}`)
  }
  if (wrapper.value === null) throw new KafkaError(Errors.INVALID_RECORD, 'compressed message without value')
  const packed = codecId === lz4Id && magic === 0 ? withStandardChecksum(wrapper.value) : wrapper.value
  const set = decompress(codecId, packed, { maxOutput })
  const inner: Shallow[] = []
  let at = 0
  for (let size = wholeBatchBytes(set, at); size > 0; size = wholeBatchBytes(set, at)) {
    const message = readMessage(set, at, set.length)
    if (message.codecId !== 0) throw new KafkaError(Errors.INVALID_RECORD, 'compressed message inside another')
    if (message.magic !== magic) throw new KafkaError(Errors.INVALID_RECORD, 'message inside one of another magic')
    inner.push(message)
    at += size
  }
  if (inner.length === 0 || at !== set.length) {
    throw new KafkaError(Errors.INVALID_RECORD, `${set.length - at} bytes left over in a compressed message`)
  }
  // Magic 1: offsets inside are relative, and the wrapper has the offset of the last. Magic 0: they are absolute.
  const shift = magic === 1 ? wrapper.offset - inner[inner.length - 1].offset : 0
  return inner.map(message => ({
    offset: message.offset + shift,
    timestampMs: wrapper.logAppendTime ? wrapper.timestampMs : message.timestampMs,
    key: message.key,
    value: message.value,
  }))
}

export interface NewMessageSet {
  readonly magic: LegacyMagic
  readonly messages: readonly LegacyMessage[]
  /** 0 none, 1 gzip, 2 snappy, 3 lz4: one wrapper message around the others. */
  readonly codecId?: number
  readonly compressionLevel?: number
  /** Magic 1: the timestamps are those of the broker's append; of the wrapper alone when compressed. */
  readonly logAppendTime?: boolean
}

/** A message set with the offsets given; with a codec, one wrapper (and nothing for no messages). */
export function buildMessageSet(set: NewMessageSet): Buffer {
  const { magic, messages } = set
  const codecId = set.codecId ?? 0
  const attributes = magic === 1 && set.logAppendTime ? logAppendTimeFlag : 0
  if (messages.length === 0) return Buffer.alloc(0)
  if (codecId === 0) return Buffer.concat(messages.map(message => buildMessage(magic, attributes, message)))
  const base = magic === 1 ? messages[0].offset : 0
  const inner = Buffer.concat(
    messages.map(message => buildMessage(magic, 0, { ...message, offset: message.offset - base })),
  )
  const packed = compress(codecId, inner, set.compressionLevel)
  return buildMessage(magic, attributes | codecId, {
    offset: messages[messages.length - 1].offset,
    timestampMs: messages.reduce((max, { timestampMs }) => Math.max(max, timestampMs), -1),
    key: null,
    value: codecId === lz4Id && magic === 0 ? withHistoricChecksum(packed) : packed,
  })
}

function buildMessage(magic: LegacyMagic, attributes: number, message: LegacyMessage): Buffer {
  const { key, value } = message
  const size = messageBytesMin(magic) + (key?.length ?? 0) + (value?.length ?? 0)
  const buffer = Buffer.allocUnsafe(size)
  writeInt64(buffer, 0, message.offset)
  writeInt32(buffer, 8, size - 12)
  buffer[magicAt] = magic
  buffer[attributesAt] = attributes
  let at = timestampAt
  if (magic === 1) {
    writeInt64(buffer, at, message.timestampMs)
    at += 8
  }
  for (const bytes of [key, value]) {
    writeInt32(buffer, at, bytes?.length ?? -1)
    at += 4
    if (bytes !== null) at += bytes.copy(buffer, at)
  }
  writeInt32(buffer, crcAt, crc32(buffer.subarray(magicAt)))
  return buffer
}

/**
 * One batch of magic 2 with the messages of a whole set, offsets from 0, compressed with the codec of the set: how the
 * records of an old producer are stored. Throws as `readMessages`, and INVALID_RECORD for a set without messages.
 */
export function messageSetToBatch(buffer: Buffer, maxOutput = maxOutputBytes): Buffer {
  const records: NewRecord[] = []
  for (const message of readMessages(buffer, 0, buffer.length, maxOutput)) records.push(message)
  if (records.length === 0) throw new KafkaError(Errors.INVALID_RECORD, 'no message')
  return buildBatch({ records, codecId: buffer[attributesAt] & codecMask })
}
