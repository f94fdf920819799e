/** Reads the protocol buffers of OpenTelemetry: fields one by one, as views. Bytes that are none throw ProtobufError. */
export class ProtobufError extends Error {
  constructor(reason: string) {
    super(reason)
    this.name = 'ProtobufError'
  }
}

const wireTypes = { varint: 0, fixed64: 1, bytes: 2, fixed32: 5 } as const

export interface ProtobufField {
  readonly number: number
  /** Of length-delimited fields; empty for others. */
  readonly bytes: Buffer
  /** Of the others: as an unsigned number, as it stands on the wire. */
  readonly bits: bigint
}

const noBytes = Buffer.alloc(0)

/** The fields of one message, in their order. */
export function* fieldsOf(message: Buffer): Generator<ProtobufField> {
  const cursor = { at: 0 }
  while (cursor.at < message.length) {
    const key = Number(varint(message, cursor))
    const number = Math.floor(key / 8)
    if (number < 1 || number > 2 ** 29 - 1) throw new ProtobufError(`no field has the number ${number}`)
    switch (key & 7) {
      case wireTypes.varint:
        yield { number, bytes: noBytes, bits: varint(message, cursor) }
        break
      case wireTypes.fixed64:
        yield { number, bytes: noBytes, bits: take(message, cursor, 8).readBigUInt64LE(0) }
        break
      case wireTypes.fixed32:
        yield { number, bytes: noBytes, bits: BigInt(take(message, cursor, 4).readUInt32LE(0)) }
        break
      case wireTypes.bytes:
        yield { number, bytes: take(message, cursor, Number(varint(message, cursor))), bits: 0n }
        break
      default:
        throw new ProtobufError(`wire type ${key & 7} is not used`)
    }
  }
}

/** The same bits as a floating point number. */
export function doubleOf(bits: bigint): number {
  const scratch = Buffer.alloc(8)
  scratch.writeBigUInt64LE(bits)
  return scratch.readDoubleLE(0)
}

/** Text; what is no UTF-8 is replaced. */
export function textOf(bytes: Buffer): string {
  return bytes.toString('utf8')
}

function take(message: Buffer, cursor: { at: number }, length: number): Buffer {
  if (length > message.length - cursor.at) throw new ProtobufError('a field goes beyond its message')
  const bytes = message.subarray(cursor.at, cursor.at + length)
  cursor.at += length
  return bytes
}

const varintBytesMax = 10

function varint(message: Buffer, cursor: { at: number }): bigint {
  let value = 0n
  for (let i = 0; i < varintBytesMax; i++) {
    if (cursor.at >= message.length) throw new ProtobufError('a number goes beyond its message')
    const byte = message[cursor.at]
    cursor.at += 1
    value |= BigInt(byte & 0x7f) << BigInt(7 * i)
    if (byte < 0x80) return BigInt.asUintN(64, value)
  }
  throw new ProtobufError('a number of more than 64 bits')
}
