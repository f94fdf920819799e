/** Which partition of a coordinator's topic a key belongs to. Every Kafka computes it the same way. */

/** Java's String.hashCode: over UTF-16 units, in 32 bits. */
export function javaHashCode(text: string): number {
  let hash = 0
  for (let i = 0; i < text.length; i++) hash = (Math.imul(31, hash) + text.charCodeAt(i)) | 0
  return hash
}

export function partitionOf(key: string, partitions: number): number {
  const hash = javaHashCode(key)
  // The smallest int has no absolute value in Java; Kafka takes zero for it.
  return hash === -(2 ** 31) ? 0 : Math.abs(hash) % partitions
}
