/** The hash by which Kafka's clients choose the partition of a key. */

const seed = 0x9747b28c
const m = 0x5bd1e995

/** The partition that Kafka's own producer would choose for this key. */
export function partitionOfKey(key: Buffer, partitions: number): number {
  return (murmur2(key) & 0x7fffffff) % partitions
}

/** 32 bits, signed. */
export function murmur2(bytes: Buffer): number {
  const whole = bytes.length & ~3
  let h = seed ^ bytes.length
  for (let at = 0; at < whole; at += 4) {
    let k = bytes.readInt32LE(at)
    k = Math.imul(k, m)
    k ^= k >>> 24
    h = Math.imul(h, m) ^ Math.imul(k, m)
  }
  const rest = bytes.length - whole
  if (rest >= 3) h ^= bytes[whole + 2] << 16
  if (rest >= 2) h ^= bytes[whole + 1] << 8
  if (rest >= 1) {
    h ^= bytes[whole]
    h = Math.imul(h, m)
  }
  h ^= h >>> 13
  h = Math.imul(h, m)
  h ^= h >>> 15
  return h | 0
}
