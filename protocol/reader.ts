import { zeroUuid } from './uuid.ts'

/** The bytes are not what the protocol says they are. The only error a decoder throws. */
export class ParseError extends Error {
  /** Where in the frame, in bytes. */
  readonly position: number
  constructor(problem: string, position: number) {
    super(`${problem} at byte ${position}`)
    this.name = 'ParseError'
    this.position = position
  }
}

/** Array elements that one message may hold in all, so that nested arrays cannot amplify a small frame. */
export const requestElementsMax = 1_000_000
export const messageElementsMax = 16_000_000
/** Unknown tagged fields per structure, and the size of each in bytes. */
const unknownTagsMax = 128
const unknownTagBytesMax = 128 * 1024
/** Kafka's limit for a string, in bytes. */
const stringBytesMax = 32767

/** 2^63 stands for 2^63-1, which is no number; -2^63 is one. */
const int64End = 2 ** 63

const empty = Buffer.alloc(0)
const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/**
 * A cursor over one frame. Every length is checked against what is left before anything is read or allocated. Strings are
 * copied out, bytes are views.
 */
export class Reader {
  readonly buffer: Buffer
  readonly view: DataView
  readonly end: number
  pos: number
  #elementsLeft: number

  constructor(buffer: Buffer, offset = 0, elementsMax = messageElementsMax) {
    this.buffer = buffer
    this.view = new DataView(buffer.buffer, buffer.byteOffset, buffer.length)
    this.end = buffer.length
    this.pos = offset
    this.#elementsLeft = elementsMax
    if (offset > this.end) throw new ParseError('message is cut short', this.end)
  }

  fail(problem: string): ParseError {
    return new ParseError(problem, this.pos)
  }

  /** Steps over `length` bytes and returns where they began. */
  take(length: number): number {
    const at = this.pos
    const next = at + length
    if (next > this.end) throw this.fail('message is cut short')
    this.pos = next
    return at
  }

  int8(): number {
    return this.view.getInt8(this.take(1))
  }

  int16(): number {
    return this.view.getInt16(this.take(2))
  }

  int32(): number {
    return this.view.getInt32(this.take(4))
  }

  int64(): number {
    return this.int64At(this.take(8))
  }

  int64At(at: number): number {
    const high = this.view.getInt32(at)
    const low = this.view.getUint32(at + 4)
    if (high >= -0x200000 && high <= 0x1fffff && (high !== -0x200000 || low !== 0)) return high * 0x100000000 + low
    if (high === 0x7fffffff && low === 0xffffffff) return int64End
    if (high === -0x80000000 && low === 0) return -int64End
    throw this.fail('integer beyond 2^53')
  }

  uuidAt(at: number): string {
    const view = this.view
    if (!(view.getInt32(at) | view.getInt32(at + 4) | view.getInt32(at + 8) | view.getInt32(at + 12))) return zeroUuid
    return this.buffer.toString('base64url', at, at + 16)
  }

  /** An unsigned varint of at most 32 bits. Longer forms than needed are accepted, as Kafka does; overflow is not. */
  uvarint(): number {
    const buffer = this.buffer
    let byte = buffer[this.take(1)]
    if (byte < 0x80) return byte
    let value = byte & 0x7f
    for (let shift = 7; shift < 28; shift += 7) {
      byte = buffer[this.take(1)]
      value |= (byte & 0x7f) << shift
      if (byte < 0x80) return value
    }
    byte = buffer[this.take(1)]
    if (byte > 0x0f) throw this.fail('varint overflow')
    return value + byte * 0x10000000
  }

  #text(length: number): string {
    if (length > stringBytesMax) throw this.fail('string is too long')
    const at = this.take(length)
    const text = this.buffer.toString('utf8', at, at + length)
    // The replacement character is legal in itself, so only its presence asks for a second, strict look.
    if (text.includes('\ufffd')) this.#refuseInvalidText(at, length)
    return text
  }

  #refuseInvalidText(at: number, length: number): void {
    try {
      strictUtf8.decode(this.buffer.subarray(at, at + length))
    } catch {
      throw new ParseError('string is not UTF-8', at)
    }
  }

  #view(length: number): Buffer {
    if (length === 0) return empty
    const at = this.take(length)
    return this.buffer.subarray(at, at + length)
  }

  /** A length in front, -1 for null; any other negative length is refused. */
  #checked(length: number): number {
    if (length < -1) throw this.fail('negative length')
    return length
  }

  #notNull(length: number): number {
    if (length < 0) throw this.fail('null where the protocol knows no null')
    return length
  }

  string(): string {
    return this.#text(this.#notNull(this.int16()))
  }

  stringOrNull(): string | null {
    const length = this.#checked(this.int16())
    return length < 0 ? null : this.#text(length)
  }

  compactString(): string {
    return this.#text(this.#notNull(this.uvarint() - 1))
  }

  compactStringOrNull(): string | null {
    const length = this.uvarint() - 1
    return length < 0 ? null : this.#text(length)
  }

  bytes(): Buffer {
    return this.#view(this.#notNull(this.int32()))
  }

  bytesOrNull(): Buffer | null {
    const length = this.#checked(this.int32())
    return length < 0 ? null : this.#view(length)
  }

  compactBytes(): Buffer {
    return this.#view(this.#notNull(this.uvarint() - 1))
  }

  compactBytesOrNull(): Buffer | null {
    const length = this.uvarint() - 1
    return length < 0 ? null : this.#view(length)
  }

  /** What is left up to `end`, which the caller knows to lie within the frame. */
  bytesTo(end: number): Buffer {
    return this.#view(end - this.pos)
  }

  /** A count that can be true: its elements, of at least `elementBytesMin` each, fit into what is left. */
  #count(count: number, elementBytesMin: number): number {
    if (count * elementBytesMin > this.end - this.pos) throw this.fail('array is longer than its message')
    this.#elementsLeft -= count
    if (this.#elementsLeft < 0) throw this.fail('too many array elements')
    return count
  }

  arrayLength(elementBytesMin: number): number {
    return this.#count(this.#notNull(this.int32()), elementBytesMin)
  }

  /** -1 for null. */
  arrayLengthOrNull(elementBytesMin: number): number {
    const count = this.#checked(this.int32())
    return count < 0 ? -1 : this.#count(count, elementBytesMin)
  }

  compactArrayLength(elementBytesMin: number): number {
    return this.#count(this.#notNull(this.uvarint() - 1), elementBytesMin)
  }

  /** -1 for null. */
  compactArrayLengthOrNull(elementBytesMin: number): number {
    const count = this.uvarint() - 1
    return count < 0 ? -1 : this.#count(count, elementBytesMin)
  }

  /** How many tagged fields follow. */
  tagCount(): number {
    const count = this.uvarint()
    if (count * 2 > this.end - this.pos) throw this.fail('more tagged fields than bytes')
    return count
  }

  /** The next tag, which must be above the one before: no duplicates, no disorder. */
  tag(previous: number): number {
    const tag = this.uvarint()
    if (tag <= previous) throw this.fail('tagged fields out of order')
    return tag
  }

  /** Reads a tagged field's size and returns where it ends. */
  tagEnd(): number {
    const size = this.uvarint()
    const end = this.pos + size
    if (end > this.end) throw this.fail('tagged field is cut short')
    return end
  }

  /** Checks the limits of an unknown tagged field, the `number`th of its structure, and steps over it. */
  skipTag(end: number, number: number): void {
    if (number > unknownTagsMax) throw this.fail('too many unknown tagged fields')
    if (end - this.pos > unknownTagBytesMax) throw this.fail('unknown tagged field is too long')
    this.pos = end
  }

  /** Steps over the tagged fields of a structure that knows none. */
  skipTags(): void {
    let count = this.tagCount()
    for (let tag = -1, number = 1; count > 0; count--, number++) {
      tag = this.tag(tag)
      this.skipTag(this.tagEnd(), number)
    }
  }
}
