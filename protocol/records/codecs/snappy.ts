/**
 * Snappy, by the `snappy` package (raw blocks), in the two framings that clients use: the stream of snappy-java ("xerial":
 * a 16-byte header, then blocks with an int32 length before each), which Java clients and brokers write, and one bare
 * block, which librdkafka and others write. Both are read; the stream is written.
 */
import { compress, compressSync, uncompress, uncompressSync } from 'snappy'
import { type Codec, corrupt, failure, tooLarge } from './codec.ts'

const name = 'snappy'
const streamMagic = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00])
const streamHeaderBytes = 16
/** Version and oldest compatible version, as snappy-java writes them. */
const streamHeader = Buffer.concat([streamMagic, Buffer.from([0, 0, 0, 1, 0, 0, 0, 1])])
/** snappy-java's block size. */
const blockBytes = 32 * 1024
/** The longest copy makes 64 bytes of 3 (of 2 with a one-byte offset, up to 11): no block grows more than this. */
const expansionMax = 32

export const snappyCodec: Codec = {
  id: 2,
  name,
  compress(bytes) {
    const parts: Buffer[] = [streamHeader]
    for (const block of blocksOf(bytes)) parts.push(...framed(compressSync(block)))
    return Buffer.concat(parts)
  },
  async compressAsync(bytes) {
    const blocks = await Promise.all(blocksOf(bytes).map(block => compress(block)))
    return Buffer.concat([streamHeader, ...blocks.flatMap(framed)])
  },
  decompress(bytes, maxOutput) {
    try {
      return joined(plan(bytes, maxOutput).map(block => toBuffer(uncompressSync(block))))
    } catch (error) {
      throw failure(name, error)
    }
  },
  async decompressAsync(bytes, maxOutput) {
    try {
      return joined(await Promise.all(plan(bytes, maxOutput).map(async block => toBuffer(await uncompress(block)))))
    } catch (error) {
      throw failure(name, error)
    }
  },
}

function blocksOf(bytes: Buffer): Buffer[] {
  const blocks: Buffer[] = []
  for (let at = 0; at < bytes.length; at += blockBytes) blocks.push(bytes.subarray(at, at + blockBytes))
  return blocks
}

function framed(block: Buffer): Buffer[] {
  const length = Buffer.allocUnsafe(4)
  length.writeInt32BE(block.length)
  return [length, block]
}

function joined(blocks: Buffer[]): Buffer {
  return blocks.length === 1 ? blocks[0] : Buffer.concat(blocks)
}

function toBuffer(bytes: string | Buffer): Buffer {
  return typeof bytes === 'string' ? Buffer.from(bytes) : bytes
}

/** The raw blocks, after checking that what they claim to hold is possible and within the limit. */
function plan(bytes: Buffer, maxOutput: number): Buffer[] {
  if (!isStream(bytes, 0)) {
    checkClaim(bytes, maxOutput)
    return [bytes]
  }
  const blocks: Buffer[] = []
  let total = 0
  let at = 0
  while (at < bytes.length) {
    // Streams may follow one another: a header where a length is due.
    if (isStream(bytes, at)) {
      if (bytes.length - at < streamHeaderBytes) throw corrupt(name, 'stream header cut off')
      at += streamHeaderBytes
      continue
    }
    if (bytes.length - at < 4) throw corrupt(name, 'block length cut off')
    const length = bytes.readInt32BE(at)
    at += 4
    if (length <= 0 || length > bytes.length - at) throw corrupt(name, `block of ${length} bytes at ${at}`)
    const block = bytes.subarray(at, at + length)
    total += checkClaim(block, maxOutput - total)
    blocks.push(block)
    at += length
  }
  return blocks
}

function isStream(bytes: Buffer, at: number): boolean {
  return bytes.length - at >= streamMagic.length && bytes.compare(streamMagic, 0, 8, at, at + 8) === 0
}

/** The size that a raw block claims to have, read before the library allocates that much. */
function checkClaim(block: Buffer, maxOutput: number): number {
  let size = 0
  let unit = 1
  for (let i = 0; i < 5; i++) {
    if (i >= block.length) throw corrupt(name, 'block cut off')
    size += (block[i] & 0x7f) * unit
    if (block[i] < 0x80) {
      if (size > maxOutput) throw tooLarge(name, maxOutput)
      if (size > block.length * expansionMax) throw corrupt(name, `${block.length} bytes claim to hold ${size}`)
      return size
    }
    unit *= 128
  }
  throw corrupt(name, 'block size is no varint')
}
