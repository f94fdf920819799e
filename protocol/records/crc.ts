/** The two checksums of Kafka's record formats: CRC-32C over a batch (magic 2), CRC-32 over a message (magic 0 and 1). */
import { crc32c as nativeCrc32c } from '@node-rs/crc32'
import * as bufferCrc32 from 'buffer-crc32'

// Its ES module has a default export, its type declarations have none.
const { unsigned } = (bufferCrc32 as { default?: typeof bufferCrc32 }).default ?? bufferCrc32

/** CRC-32C (Castagnoli), unsigned. `previous` is the result over the bytes before these, to go on from. */
export function crc32c(bytes: Uint8Array, previous = 0): number {
  return nativeCrc32c(bytes, previous)
}

/** CRC-32 (as in zip and gzip), unsigned. `previous` is the result over the bytes before these, to go on from. */
export function crc32(bytes: Buffer, previous = 0): number {
  return unsigned(bytes, previous)
}
