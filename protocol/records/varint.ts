/** Zig-zag varints of the record format (magic 2): 32 bits in at most 5 bytes, 64 bits in at most 10. */

/** Bytes of `value` (an int32) as zig-zag varint. */
export function varintBytes(value: number): number {
  const zigzag = ((value << 1) ^ (value >> 31)) >>> 0
  if (zigzag < 0x80) return 1
  if (zigzag < 0x4000) return 2
  if (zigzag < 0x200000) return 3
  return zigzag < 0x10000000 ? 4 : 5
}

/** Writes an int32 as zig-zag varint and returns the position after it. */
export function writeVarint(buffer: Buffer, at: number, value: number): number {
  let zigzag = ((value << 1) ^ (value >> 31)) >>> 0
  while (zigzag > 0x7f) {
    buffer[at++] = (zigzag & 0x7f) | 0x80
    zigzag >>>= 7
  }
  buffer[at++] = zigzag
  return at
}

// Above this, doubling leaves the exact range of a number.
const exactMax = 2 ** 52

const int64Max = 2n ** 63n - 1n
const int64Min = -(2n ** 63n)

function zigzag64(value: number): bigint {
  const exact = BigInt(value)
  const int64 = exact > int64Max ? int64Max : exact < int64Min ? int64Min : exact
  return int64 >= 0n ? int64 << 1n : (-int64 << 1n) - 1n
}

/** Bytes of `value` (an integer; clamped to 64 bits) as zig-zag varlong. */
export function varlongBytes(value: number): number {
  let bytes = 1
  if (value > -exactMax && value < exactMax) {
    for (let rest = value < 0 ? -2 * value - 1 : 2 * value; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes++
  } else {
    for (let rest = zigzag64(value); rest >= 0x80n; rest >>= 7n) bytes++
  }
  return bytes
}

/** Writes an integer (clamped to 64 bits) as zig-zag varlong and returns the position after it. */
export function writeVarlong(buffer: Buffer, at: number, value: number): number {
  if (value > -exactMax && value < exactMax) {
    let rest = value < 0 ? -2 * value - 1 : 2 * value
    while (rest >= 0x80) {
      buffer[at++] = (rest % 0x80) | 0x80
      rest = Math.floor(rest / 0x80)
    }
    buffer[at++] = rest
    return at
  }
  let rest = zigzag64(value)
  while (rest >= 0x80n) {
    buffer[at++] = Number(rest & 0x7fn) | 0x80
    rest >>= 7n
  }
  buffer[at++] = Number(rest)
  return at
}
