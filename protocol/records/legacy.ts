/**
 * Message sets of magic 0 and 1, which Kafka wrote before 0.11 and old clients still speak (KIP-32, KIP-31): read and
 * written. `up-convert.ts` and `down-convert.ts` turn them into batches of magic 2 and back. A message is its own little batch; a compressed set is one wrapper
 * message whose value holds the others.
 *
 * Layout of a message: offset int64, size int32, crc uint32, magic int8, attributes int8, timestamp int64 (magic 1 only),
 * key and value as nullable bytes with int32 lengths. The checksum is CRC-32 from the magic on.
 */
import { Errors, KafkaError } from '../errors.ts'
import { readInt32, readInt64, wholeBatchBytes, writeInt32, writeInt64 } from './batch.ts'
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

/**
 * Walks over the messages of a set without opening wrappers, no object per message. After `next()` returned true the fields
 * describe one message; lengths of -1 mean null.
 */
export class MessageCursor {
  readonly buffer: Buffer
  magic: LegacyMagic = 0
  codecId = 0
  logAppendTime = false
  offset = 0
  /** Milliseconds; -1 for magic 0. */
  timestampMs = -1
  keyAt = 0
  keyBytes = -1
  valueAt = 0
  valueBytes = -1
  /** Of the whole message. */
  bytes = 0
  #at: number
  readonly #end: number

  constructor(buffer: Buffer, at = 0, end = buffer.length) {
    this.buffer = buffer
    this.#at = at
    this.#end = end
  }

  /** Bytes not yet read: those of an incomplete tail when `next()` returned false. */
  get remainingBytes(): number {
    return this.#end - this.#at
  }

  /** Magic of the message that `next()` would read; -1 when there is no whole one. */
  get nextMagic(): number {
    const { buffer } = this
    return wholeBatchBytes(buffer, this.#at, this.#end) > magicAt - 12 ? (buffer[this.#at + magicAt] << 24) >> 24 : -1
  }

  /** Bytes of the message that `next()` would read; 0 when there is no whole one. */
  get nextBytes(): number {
    return wholeBatchBytes(this.buffer, this.#at, this.#end)
  }

  /** Goes to the next message; false at the end or an incomplete tail. Throws KafkaError CORRUPT_MESSAGE. */
  next(): boolean {
    const { buffer } = this
    const at = this.#at
    const size = wholeBatchBytes(buffer, at, this.#end)
    if (size === 0) return false
    const check = checkMessage(buffer, at, this.#end)
    if (check !== 'ok') throw corrupt(`message at ${at}: ${check}`)
    const attributes = buffer[at + attributesAt]
    this.magic = buffer[at + magicAt] === 0 ? 0 : 1
    this.codecId = attributes & codecMask
    this.logAppendTime = this.magic === 1 && (attributes & logAppendTimeFlag) !== 0
    this.offset = readInt64(buffer, at)
    this.timestampMs = this.magic === 0 ? -1 : readInt64(buffer, at + timestampAt)
    const keyLengthAt = at + (this.magic === 0 ? 18 : 26)
    this.keyBytes = readInt32(buffer, keyLengthAt)
    this.keyAt = keyLengthAt + 4
    const valueLengthAt = this.keyAt + Math.max(this.keyBytes, 0)
    this.valueBytes = readInt32(buffer, valueLengthAt)
    this.valueAt = valueLengthAt + 4
    this.bytes = size
    this.#at = at + size
    return true
  }

  /** A view. */
  key(): Buffer | null {
    return this.keyBytes < 0 ? null : this.buffer.subarray(this.keyAt, this.keyAt + this.keyBytes)
  }

  /** A view. */
  value(): Buffer | null {
    return this.valueBytes < 0 ? null : this.buffer.subarray(this.valueAt, this.valueAt + this.valueBytes)
  }
}

function messageOf(cursor: MessageCursor): LegacyMessage {
  return { offset: cursor.offset, timestampMs: cursor.timestampMs, key: cursor.key(), value: cursor.value() }
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
  const cursor = new MessageCursor(buffer, at, end)
  while (cursor.next()) {
    if (cursor.codecId === 0) yield messageOf(cursor)
    else yield* unwrap(cursor, maxOutput)
  }
}

function unwrap(wrapper: MessageCursor, maxOutput: number): LegacyMessage[] {
  const set = decompress(wrapper.codecId, packedSet(wrapper), { maxOutput })
  const inner: LegacyMessage[] = []
  const cursor = new MessageCursor(set)
  while (cursor.next()) {
    checkInner(cursor, wrapper.magic)
    inner.push(messageOf(cursor))
  }
  checkInnerEnd(cursor, inner.length)
  // Magic 1: offsets inside are relative, and the wrapper has the offset of the last. Magic 0: they are absolute.
  const shift = wrapper.magic === 1 ? wrapper.offset - inner[inner.length - 1].offset : 0
  return inner.map(message => ({
    ...message,
    offset: message.offset + shift,
    timestampMs: wrapper.logAppendTime ? wrapper.timestampMs : message.timestampMs,
  }))
}

/** What a wrapper message holds, ready to be decompressed with its codec. Throws KafkaError INVALID_RECORD. */
export function packedSet(wrapper: MessageCursor): Buffer {
  const { codecId, magic } = wrapper
  if (codecId > codecIdMax) {
    throw new KafkaError(Errors.INVALID_RECORD, `compression codec ${codecId} in a message of magic ${magic}`)
  }
  const value = wrapper.value()
  if (value === null) throw new KafkaError(Errors.INVALID_RECORD, 'compressed message without value')
  return codecId === lz4Id && magic === 0 ? withStandardChecksum(value) : value
}

/** Throws KafkaError INVALID_RECORD for a message that may not be inside a wrapper of this magic. */
export function checkInner(message: MessageCursor, magic: LegacyMagic): void {
  if (message.codecId !== 0) throw new KafkaError(Errors.INVALID_RECORD, 'compressed message inside another')
  if (message.magic !== magic) throw new KafkaError(Errors.INVALID_RECORD, 'message inside one of another magic')
}

/** Throws KafkaError INVALID_RECORD when a wrapper holds no message, or a part of one. */
export function checkInnerEnd(cursor: MessageCursor, count: number): void {
  if (count > 0 && cursor.remainingBytes === 0) return
  throw new KafkaError(Errors.INVALID_RECORD, `${cursor.remainingBytes} bytes left over in a compressed message`)
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
  const attributes = attributesOf(magic, set.logAppendTime ?? false)
  if (messages.length === 0) return Buffer.alloc(0)
  if (codecId === 0) return Buffer.concat(messages.map(message => buildMessage(magic, attributes, message)))
  const base = magic === 1 ? messages[0].offset : 0
  const inner = Buffer.concat(
    messages.map(message => buildMessage(magic, attributes, { ...message, offset: message.offset - base })),
  )
  return wrap(magic, codecId, compress(codecId, inner, set.compressionLevel), {
    lastOffset: messages[messages.length - 1].offset,
    maxTimestampMs: messages.reduce((max, { timestampMs }) => Math.max(max, timestampMs), -1),
    logAppendTime: attributes !== 0,
  })
}

/** What a wrapper tells of the messages in it. */
export interface Wrapping {
  readonly lastOffset: number
  readonly maxTimestampMs: number
  readonly logAppendTime: boolean
}

/** The wrapper message around a set that was compressed. */
export function wrap(magic: LegacyMagic, codecId: number, packed: Buffer, wrapping: Wrapping): Buffer {
  return buildMessage(magic, attributesOf(magic, wrapping.logAppendTime) | codecId, {
    offset: wrapping.lastOffset,
    timestampMs: wrapping.maxTimestampMs,
    key: null,
    value: codecId === lz4Id && magic === 0 ? withHistoricChecksum(packed) : packed,
  })
}

export function attributesOf(magic: LegacyMagic, logAppendTime: boolean): number {
  return magic === 1 && logAppendTime ? logAppendTimeFlag : 0
}

function buildMessage(magic: LegacyMagic, attributes: number, message: LegacyMessage): Buffer {
  const { offset, timestampMs, key, value } = message
  const buffer = Buffer.allocUnsafe(messageBytesMin(magic) + (key?.length ?? 0) + (value?.length ?? 0))
  let at = writeMessageStart(buffer, 0, magic, attributes, offset, timestampMs)
  for (const bytes of [key, value]) {
    writeInt32(buffer, at, bytes?.length ?? -1)
    at += 4
    if (bytes !== null) at += bytes.copy(buffer, at)
  }
  sealMessage(buffer, 0, at)
  return buffer
}

/** The part before the key; where the key's length goes. `sealMessage` must follow. */
export function writeMessageStart(
  buffer: Buffer,
  at: number,
  magic: LegacyMagic,
  attributes: number,
  offset: number,
  timestampMs: number,
): number {
  writeInt64(buffer, at, offset)
  buffer[at + magicAt] = magic
  buffer[at + attributesAt] = attributes
  if (magic === 0) return at + timestampAt
  writeInt64(buffer, at + timestampAt, timestampMs)
  return at + timestampAt + 8
}

/** Writes size and checksum of the message between `at` and `end`. */
export function sealMessage(buffer: Buffer, at: number, end: number): void {
  writeInt32(buffer, at + 8, end - at - 12)
  writeInt32(buffer, at + crcAt, crc32(buffer.subarray(at + magicAt, end)))
}
