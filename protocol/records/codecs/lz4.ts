/**
 * LZ4 frames (https://github.com/lz4/lz4/blob/dev/doc/lz4_Frame_format.md), by lz4-napi. The library takes no output
 * limit, so the frame is walked first: its blocks bound what it can come to. Levels make no difference to the library.
 */
import { compressFrame, compressFrameSync, decompressFrame, decompressFrameSync } from 'lz4-napi'
import { type Codec, corrupt, failure, tooLarge } from './codec.ts'
import { xxh32 } from './xxhash.ts'

const name = 'lz4'
const frameMagic = 0x184d2204

export const lz4Codec: Codec = {
  id: 3,
  name,
  compress: bytes => compressFrameSync(bytes),
  compressAsync: bytes => compressFrame(bytes),
  decompress(bytes, maxOutput) {
    try {
      return within(decompressFrameSync(checkFrame(bytes, maxOutput)), maxOutput)
    } catch (error) {
      throw failure(name, error)
    }
  },
  async decompressAsync(bytes, maxOutput) {
    try {
      return within(await decompressFrame(checkFrame(bytes, maxOutput)), maxOutput)
    } catch (error) {
      throw failure(name, error)
    }
  },
}

function within(bytes: Buffer, maxOutput: number): Buffer {
  if (bytes.length > maxOutput) throw tooLarge(name, maxOutput)
  return bytes
}

interface FrameHeader {
  /** Magic to header checksum. */
  readonly bytes: number
  readonly blockBytesMax: number
  readonly blockChecksums: boolean
  readonly contentChecksum: boolean
  /** Null when the frame does not say. */
  readonly contentBytes: number | null
}

function readHeader(frame: Buffer): FrameHeader {
  if (frame.length < 7 || frame.readUInt32LE(0) !== frameMagic) throw corrupt(name, 'no frame')
  const flags = frame[4]
  if (flags >> 6 !== 1) throw corrupt(name, `frame version ${flags >> 6}`)
  const blockSize = (frame[5] >> 4) & 7
  if (blockSize < 4) throw corrupt(name, `block size ${blockSize}`)
  const hasContentBytes = (flags & 0x08) !== 0
  const bytes = 7 + (hasContentBytes ? 8 : 0) + ((flags & 0x01) !== 0 ? 4 : 0)
  if (frame.length < bytes) throw corrupt(name, 'frame header cut off')
  return {
    bytes,
    blockBytesMax: 1 << (8 + 2 * blockSize),
    blockChecksums: (flags & 0x10) !== 0,
    contentChecksum: (flags & 0x04) !== 0,
    contentBytes: hasContentBytes ? frame.readUInt32LE(6) + frame.readUInt32LE(10) * 4294967296 : null,
  }
}

/** The first frame (readers of Kafka's batches look at no other), once it is known to be whole and small enough. */
function checkFrame(bytes: Buffer, maxOutput: number): Buffer {
  const header = readHeader(bytes)
  if (header.contentBytes !== null && header.contentBytes > maxOutput) throw tooLarge(name, maxOutput)
  let at = header.bytes
  let bound = 0
  const compressed: Buffer[] = []
  for (;;) {
    if (bytes.length - at < 4) throw corrupt(name, 'frame cut off')
    const word = bytes.readUInt32LE(at)
    at += 4
    if (word === 0) break
    const size = word & 0x7fffffff
    if (size > header.blockBytesMax) throw corrupt(name, `block of ${size} bytes`)
    const end = at + size + (header.blockChecksums ? 4 : 0)
    if (end > bytes.length) throw corrupt(name, 'block cut off')
    if (word > 0x7fffffff) bound += size
    else {
      bound += header.blockBytesMax
      compressed.push(bytes.subarray(at, at + size))
    }
    at = end
  }
  if (header.contentChecksum) at += 4
  if (at > bytes.length) throw corrupt(name, 'content checksum cut off')
  // Full blocks make a cheap bound; only where that is too much is every block measured.
  if (bound > maxOutput) {
    for (const block of compressed) bound += measureBlock(block) - header.blockBytesMax
    if (bound > maxOutput) throw tooLarge(name, maxOutput)
  }
  return at === bytes.length ? bytes : bytes.subarray(0, at)
}

/** Bytes that a compressed block comes to: the sum of its literal and match lengths. */
function measureBlock(block: Buffer): number {
  let total = 0
  let at = 0
  while (at < block.length) {
    const token = block[at++]
    let literals = token >> 4
    if (literals === 15) {
      let byte: number
      do {
        if (at >= block.length) throw corrupt(name, 'literal length cut off')
        byte = block[at++]
        literals += byte
      } while (byte === 255)
    }
    at += literals
    total += literals
    if (at >= block.length) break
    at += 2
    let match = (token & 15) + 4
    if (match === 19) {
      let byte: number
      do {
        if (at >= block.length) throw corrupt(name, 'match length cut off')
        byte = block[at++]
        match += byte
      } while (byte === 255)
    }
    total += match
  }
  return total
}

/**
 * Messages of magic 0 carry a header checksum that was computed from the wrong place (over the magic number too).
 * Returns the frame with the right one, in a copy when that makes a difference. Throws CompressionError.
 */
export function withStandardChecksum(frame: Buffer): Buffer {
  return withChecksum(frame, 4)
}

/** The frame with the historic wrong header checksum of magic 0. */
export function withHistoricChecksum(frame: Buffer): Buffer {
  return withChecksum(frame, 0)
}

function withChecksum(frame: Buffer, from: number): Buffer {
  const last = readHeader(frame).bytes - 1
  const checksum = (xxh32(frame.subarray(from, last)) >>> 8) & 0xff
  if (frame[last] === checksum) return frame
  const copy = Buffer.from(frame)
  copy[last] = checksum
  return copy
}
