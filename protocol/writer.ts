import { isUuid, zeroUuid } from './uuid.ts'

/** New room is taken in pieces of this size. */
const slabBytes = 32 * 1024
/** A slab with less room than this left is not used again. */
const slabRestBytesMin = 512
/** What a part of a message starts with; less than a slab's rest, so that it never becomes the spare slab. */
const partBytes = 256
/** Bytes from this length on go to the output as views, shorter ones are copied. */
const spliceBytesMin = 1024
const stringBytesMax = 32767
/** Strings of up to this many UTF-16 units take at most 126 bytes, so that their compact length is one byte. */
const shortStringLength = 42

interface Slab {
  readonly buffer: Buffer
  readonly view: DataView
  readonly used: number
}

/** The unused rest of the last slab. A writer takes it for itself and gives back what it leaves. */
let spare: Slab | null = null

function takeSlab(bytesMin: number): Slab {
  const slab = spare
  if (slab !== null && slab.buffer.length - slab.used >= bytesMin) {
    spare = null
    return slab
  }
  const buffer = Buffer.allocUnsafeSlow(Math.max(slabBytes, bytesMin))
  return { buffer, view: new DataView(buffer.buffer, buffer.byteOffset, buffer.length), used: 0 }
}

/** 2^63 stands for 2^63-1, which is no number; -2^63 is one. */
const int64End = 2 ** 63

/**
 * Builds a list of chunks: small values in scratch memory, long `bytes` and `records` as views in between. What is
 * spliced must not change until the chunks are sent.
 */
export class Writer {
  buffer: Buffer
  view: DataView
  #start: number
  pos: number
  readonly #chunks: Buffer[] = []
  /** Bytes in `#chunks`. */
  #bytes = 0

  constructor(slab: Slab = takeSlab(slabRestBytesMin)) {
    this.buffer = slab.buffer
    this.view = slab.view
    this.#start = slab.used
    this.pos = slab.used
  }

  /** A writer for a small part of a message, see `sized`. */
  part(): Writer {
    const buffer = Buffer.allocUnsafe(partBytes)
    return new Writer({ buffer, view: new DataView(buffer.buffer, buffer.byteOffset, partBytes), used: 0 })
  }

  /** Bytes written so far. */
  get length(): number {
    return this.#bytes + this.pos - this.#start
  }

  /** All that was written. The writer must not be used any more. */
  finish(): Buffer[] {
    this.#cut()
    if (this.buffer.length - this.pos >= slabRestBytesMin) {
      spare = { buffer: this.buffer, view: this.view, used: this.pos }
    }
    return this.#chunks
  }

  /** Moves what is in scratch memory to the list of chunks. */
  #cut(): void {
    if (this.pos === this.#start) return
    this.#chunks.push(this.buffer.subarray(this.#start, this.pos))
    this.#bytes += this.pos - this.#start
    this.#start = this.pos
  }

  ensure(length: number): void {
    if (this.pos + length <= this.buffer.length) return
    this.#cut()
    const slab = takeSlab(length)
    this.buffer = slab.buffer
    this.view = slab.view
    this.#start = slab.used
    this.pos = slab.used
  }

  /** Makes room for `length` bytes in one piece and returns where they begin. Read `view` and `buffer` after the call. */
  take(length: number): number {
    this.ensure(length)
    const at = this.pos
    this.pos = at + length
    return at
  }

  int8(value: number): void {
    this.int8At(this.take(1), value)
  }

  int16(value: number): void {
    this.int16At(this.take(2), value)
  }

  int32(value: number): void {
    this.int32At(this.take(4), value)
  }

  int64(value: number): void {
    this.int64At(this.take(8), value)
  }

  int8At(at: number, value: number): void {
    if ((value << 24) >> 24 !== value) throw outOfRange('int8', value)
    this.view.setInt8(at, value)
  }

  int16At(at: number, value: number): void {
    if ((value << 16) >> 16 !== value) throw outOfRange('int16', value)
    this.view.setInt16(at, value)
  }

  int32At(at: number, value: number): void {
    if ((value | 0) !== value) throw outOfRange('int32', value)
    this.view.setInt32(at, value)
  }

  uint16At(at: number, value: number): void {
    if ((value & 0xffff) !== value) throw outOfRange('uint16', value)
    this.view.setUint16(at, value)
  }

  uint32At(at: number, value: number): void {
    if (value >>> 0 !== value) throw outOfRange('uint32', value)
    this.view.setUint32(at, value)
  }

  int64At(at: number, value: number): void {
    if (Number.isSafeInteger(value)) {
      const high = Math.floor(value / 0x100000000)
      this.view.setInt32(at, high)
      this.view.setUint32(at + 4, value - high * 0x100000000)
    } else if (value === int64End) {
      this.view.setInt32(at, 0x7fffffff)
      this.view.setUint32(at + 4, 0xffffffff)
    } else if (value === -int64End) {
      this.view.setInt32(at, -0x80000000)
      this.view.setUint32(at + 4, 0)
    } else {
      throw outOfRange('int64', value)
    }
  }

  uuidAt(at: number, value: string): void {
    if (value === zeroUuid) {
      this.buffer.fill(0, at, at + 16)
    } else {
      if (!isUuid(value)) throw new RangeError(`not a uuid: ${JSON.stringify(value)}`)
      this.buffer.write(value, at, 16, 'base64url')
    }
  }

  uvarint(value: number): void {
    this.ensure(5)
    let rest = value
    while (rest > 0x7f) {
      this.buffer[this.pos++] = (rest & 0x7f) | 0x80
      rest = rest > 0x7fffffff ? Math.floor(rest / 128) : rest >> 7
    }
    this.buffer[this.pos++] = rest
  }

  /** Writes a short string at a place and returns its length in bytes. */
  #shortText(value: string, at: number): number {
    const buffer = this.buffer
    for (let i = 0; i < value.length; i++) {
      const unit = value.charCodeAt(i)
      if (unit > 0x7f) return buffer.write(value, at, 'utf8')
      buffer[at + i] = unit
    }
    return value.length
  }

  #longText(value: string, length: number): void {
    const at = this.take(length)
    this.buffer.write(value, at, length, 'utf8')
  }

  string(value: string): void {
    if (value.length <= shortStringLength) {
      this.ensure(2 + 3 * shortStringLength)
      const length = this.#shortText(value, this.pos + 2)
      this.view.setInt16(this.pos, length)
      this.pos += 2 + length
      return
    }
    const length = textLength(value)
    this.int16(length)
    this.#longText(value, length)
  }

  stringOrNull(value: string | null): void {
    if (value === null) this.int16(-1)
    else this.string(value)
  }

  compactString(value: string): void {
    if (value.length <= shortStringLength) {
      this.ensure(1 + 3 * shortStringLength)
      const length = this.#shortText(value, this.pos + 1)
      this.buffer[this.pos] = length + 1
      this.pos += 1 + length
      return
    }
    const length = textLength(value)
    this.uvarint(length + 1)
    this.#longText(value, length)
  }

  compactStringOrNull(value: string | null): void {
    if (value === null) this.uvarint(0)
    else this.compactString(value)
  }

  /** Bytes without their length. */
  raw(value: Buffer): void {
    if (value.length < spliceBytesMin) {
      const at = this.take(value.length)
      value.copy(this.buffer, at)
      return
    }
    this.#cut()
    this.#chunks.push(value)
    this.#bytes += value.length
  }

  #rawList(value: Buffer | readonly Buffer[]): void {
    if (Buffer.isBuffer(value)) this.raw(value)
    else for (const chunk of value) this.raw(chunk)
  }

  bytes(value: Buffer | readonly Buffer[]): void {
    this.int32(bytesLength(value))
    this.#rawList(value)
  }

  bytesOrNull(value: Buffer | readonly Buffer[] | null): void {
    if (value === null) this.int32(-1)
    else this.bytes(value)
  }

  compactBytes(value: Buffer | readonly Buffer[]): void {
    this.uvarint(bytesLength(value) + 1)
    this.#rawList(value)
  }

  compactBytesOrNull(value: Buffer | readonly Buffer[] | null): void {
    if (value === null) this.uvarint(0)
    else this.compactBytes(value)
  }

  /** A part whose size goes in front of it: the size as an unsigned varint, then what `part` holds. `part` is finished. */
  sized(part: Writer): void {
    this.uvarint(part.length)
    for (const chunk of part.finish()) this.raw(chunk)
  }
}

function textLength(value: string): number {
  const length = Buffer.byteLength(value, 'utf8')
  if (length > stringBytesMax) throw new RangeError(`string of ${length} bytes`)
  return length
}

function bytesLength(value: Buffer | readonly Buffer[]): number {
  if (Buffer.isBuffer(value)) return value.length
  let length = 0
  for (const chunk of value) length += chunk.length
  return length
}

function outOfRange(kind: string, value: number): RangeError {
  return new RangeError(`${value} is no ${kind}`)
}
