/**
 * Batches of magic 2 turned into messages of magic 0 or 1, for consumers that know nothing newer. Record headers are lost,
 * control batches left out. A compressed batch becomes wrappers with the same codec (more than one where it holds a lot), an
 * uncompressed one plain messages. The work is done in small pieces and stops at the limit: what a batch decompresses to
 * and one wrapper are all that is in memory beside the result.
 */
import { Errors, KafkaError } from '../errors.ts'
import {
  baseOffset,
  baseTimestamp,
  codecId,
  currentMagic,
  isControl,
  isLogAppendTime,
  iterateBatches,
  lastOffset,
  magic,
  maxTimestamp,
  noTimestamp,
  recordsCount,
  recordsView,
  writeInt32,
} from './batch.ts'
import { maxOutputBytes } from './compression.ts'
import { attributesOf, type LegacyMagic, messageBytesMin, sealMessage, wrap, writeMessageStart } from './legacy.ts'
import { Pace, type Pacing, pack, unpack } from './pace.ts'
import { RecordCursor } from './record.ts'

export interface DownConversion extends Pacing {
  readonly magic: LegacyMagic
  /** Records before it are left out. */
  readonly fromOffset: number
  readonly bytesMax: number
  /**
   * What becomes of a message that goes beyond `bytesMax`. `cut`: its beginning is answered, so that the client sees that
   * its limit is too small (Fetch 0-2). `leave`: it is left out, and `leave but the first` as well, except the first of all
   * (KIP-74).
   */
  readonly overLimit: 'cut' | 'leave' | 'leave but the first'
  /** Most bytes that a batch may decompress to; `maxOutputBytes` of compression.ts unless given. */
  readonly maxOutput?: number
}

const zstdId = 4
/** Messages that come to more than this together are wrapped, and the next ones go into another wrapper. */
const wrapperBytes = 512 * 1024
const pieceBytes = 256 * 1024

export class DownConverter {
  /** The offset after the last batch that was looked at. */
  nextOffset: number
  readonly #options: DownConversion
  readonly #pace: Pace
  readonly #out = new Messages()
  #full = false

  constructor(options: DownConversion) {
    this.#options = options
    this.#pace = new Pace(options)
    this.nextOffset = options.fromOffset
  }

  /** The limit is reached, or what comes next cannot be converted while there is something to answer with. */
  get full(): boolean {
    return this.#full
  }

  get bytes(): number {
    return Math.min(this.#out.bytes, this.#limit)
  }

  /** What was converted, as views of memory that belongs to nobody else. */
  chunks(): Buffer[] {
    return this.#out.take(this.#limit)
  }

  /**
   * Converts the whole batches in `buffer` until the limit is reached. Throws KafkaError when the first of all is not to be
   * had: UNSUPPORTED_COMPRESSION_TYPE for zstd, MESSAGE_TOO_LARGE for a batch that decompresses to too much,
   * CORRUPT_MESSAGE for one that cannot be read.
   */
  async add(buffer: Buffer): Promise<void> {
    for (const at of iterateBatches(buffer)) {
      if (this.#full) return
      try {
        await this.#addBatch(buffer, at)
      } catch (error) {
        if (!(error instanceof KafkaError)) throw error
        if (this.#out.bytes === 0) throw told(error)
        this.#full = true
        return
      }
      this.nextOffset = lastOffset(buffer, at) + 1
    }
  }

  get #limit(): number {
    return this.#options.overLimit === 'cut' ? this.#options.bytesMax : Number.POSITIVE_INFINITY
  }

  async #addBatch(buffer: Buffer, at: number): Promise<void> {
    if (magic(buffer, at) !== currentMagic) throw new KafkaError(Errors.CORRUPT_MESSAGE, `magic ${magic(buffer, at)}`)
    if (isControl(buffer, at) || lastOffset(buffer, at) < this.#options.fromOffset) return
    const codec = codecId(buffer, at)
    if (codec === zstdId) throw new KafkaError(Errors.UNSUPPORTED_COMPRESSION_TYPE, 'zstd in an old message format')
    const maxOutput = this.#options.maxOutput ?? maxOutputBytes
    const records = await unpack(codec, recordsView(buffer, at), maxOutput)
    const source = new Source(buffer, at, records, this.#options)
    if (codec === 0) await this.#addPlain(source)
    else await this.#addWrapped(source, codec)
  }

  async #addPlain(source: Source): Promise<void> {
    while (!this.#full && source.next()) {
      if (this.#fits(source.messageBytes)) source.write(this.#out, source.offset)
      if (this.#pace.isDue(source.messageBytes)) await this.#pace.pause()
    }
  }

  async #addWrapped(source: Source, codec: number): Promise<void> {
    let more = source.next()
    while (!this.#full && more) {
      const inner = new Messages()
      // Magic 1: offsets inside are relative, and the wrapper has the offset of the last. Magic 0: they are absolute.
      const base = this.#options.magic === 1 ? source.offset : 0
      const wrapping = { lastOffset: 0, maxTimestampMs: noTimestamp, logAppendTime: source.logAppendTime }
      for (; more && inner.bytes < wrapperBytes; more = source.next()) {
        source.write(inner, source.offset - base)
        wrapping.lastOffset = source.offset
        wrapping.maxTimestampMs = Math.max(wrapping.maxTimestampMs, source.timestampMs)
        if (this.#pace.isDue(source.messageBytes)) await this.#pace.pause()
      }
      const packed = await pack(codec, Buffer.concat(inner.take()))
      const wrapper = wrap(this.#options.magic, codec, packed, wrapping)
      if (this.#fits(wrapper.length)) this.#out.push(wrapper)
      await this.#pace.pause()
    }
  }

  /** Whether a message goes into the result; notes when none can follow it. */
  #fits(messageBytes: number): boolean {
    const { bytesMax, overLimit } = this.#options
    const bytes = this.#out.bytes + messageBytes
    this.#full = bytes >= bytesMax
    return bytes <= bytesMax || overLimit === 'cut' || (overLimit === 'leave but the first' && this.#out.bytes === 0)
  }
}

/** The records of one batch as messages, from the wanted offset on. */
class Source {
  offset = 0
  timestampMs = noTimestamp
  messageBytes = 0
  readonly logAppendTime: boolean
  readonly #records: Buffer
  readonly #cursor: RecordCursor
  readonly #options: DownConversion
  readonly #baseOffset: number
  readonly #baseTimestamp: number
  readonly #appendTime: number
  #left: number

  constructor(buffer: Buffer, at: number, records: Buffer, options: DownConversion) {
    this.#records = records
    this.#cursor = new RecordCursor(records)
    this.#options = options
    this.#baseOffset = baseOffset(buffer, at)
    this.#baseTimestamp = baseTimestamp(buffer, at)
    this.#appendTime = maxTimestamp(buffer, at)
    this.logAppendTime = isLogAppendTime(buffer, at)
    this.#left = recordsCount(buffer, at)
  }

  next(): boolean {
    const { fromOffset, magic } = this.#options
    const cursor = this.#cursor
    while (this.#left > 0) {
      if (!cursor.next()) throw new KafkaError(Errors.INVALID_RECORD, `${this.#left} records less than the header says`)
      this.#left -= 1
      this.offset = this.#baseOffset + cursor.offsetDelta
      if (this.offset < fromOffset) continue
      this.timestampMs = this.logAppendTime ? this.#appendTime : this.#baseTimestamp + cursor.timestampDelta
      this.messageBytes = messageBytesMin(magic) + Math.max(cursor.keyBytes, 0) + Math.max(cursor.valueBytes, 0)
      return true
    }
    return false
  }

  /** Writes the present record with this offset. */
  write(to: Messages, offset: number): void {
    const { magic } = this.#options
    const { keyAt, keyBytes, valueAt, valueBytes } = this.#cursor
    const start = to.room(this.messageBytes, this.#left)
    const { piece } = to
    let at = writeMessageStart(piece, start, magic, attributesOf(magic, this.logAppendTime), offset, this.timestampMs)
    at = writeField(piece, at, this.#records, keyAt, keyBytes)
    at = writeField(piece, at, this.#records, valueAt, valueBytes)
    sealMessage(piece, start, at)
  }
}

function writeField(out: Buffer, at: number, from: Buffer, fieldAt: number, bytes: number): number {
  writeInt32(out, at, bytes)
  return bytes > 0 ? at + 4 + from.copy(out, at + 4, fieldAt, fieldAt + bytes) : at + 4
}

/** Messages one after another, in pieces of memory. */
class Messages {
  bytes = 0
  /** What the next message is written to, from where `room` says. */
  piece: Buffer = Buffer.alloc(0)
  readonly #pieces: Buffer[] = []
  #pieceBytes = 0

  /** Where `bytes` may be written into `piece`. `more`: how many messages like this one may follow. */
  room(bytes: number, more: number): number {
    if (this.piece.length - this.#pieceBytes < bytes) {
      this.#close()
      this.piece = Buffer.allocUnsafe(Math.max(bytes, Math.min(pieceBytes, bytes * (more + 1))))
    }
    const at = this.#pieceBytes
    this.#pieceBytes += bytes
    this.bytes += bytes
    return at
  }

  push(message: Buffer): void {
    this.#close()
    this.#pieces.push(message)
    this.bytes += message.length
  }

  /** All of it, cut off at `limit`. */
  take(limit = Number.POSITIVE_INFINITY): Buffer[] {
    this.#close()
    const taken: Buffer[] = []
    let left = limit
    for (const piece of this.#pieces) {
      if (left <= 0) break
      taken.push(piece.length <= left ? piece : piece.subarray(0, left))
      left -= piece.length
    }
    return taken
  }

  #close(): void {
    if (this.#pieceBytes > 0) this.#pieces.push(this.piece.subarray(0, this.#pieceBytes))
    this.piece = Buffer.alloc(0)
    this.#pieceBytes = 0
  }
}

/** What a consumer is told of a batch that cannot be converted. */
function told(error: KafkaError): KafkaError {
  const { code, detail } = error
  if (code === Errors.UNSUPPORTED_COMPRESSION_TYPE || code === Errors.MESSAGE_TOO_LARGE) return error
  return new KafkaError(Errors.CORRUPT_MESSAGE, detail)
}
