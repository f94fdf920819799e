/**
 * Zstandard (RFC 8878): by node:zlib where this Node has it (22.15, 23.8 and later), otherwise by @bokuweb/zstd-wasm, the
 * reference library compiled to WebAssembly, which is loaded once, at import, and works on the calling thread only.
 *
 * Every frame is walked before it is decompressed: its blocks bound what it can come to, whatever its header claims.
 */
import * as zlib from 'node:zlib'
import * as wasm from '@bokuweb/zstd-wasm'
import { type Codec, CompressionError, corrupt, failure, tooLarge } from './codec.ts'

const name = 'zstd'
const frameMagic = 0xfd2fb528
const skippableMagic = 0x184d2a50
const blockBytesMax = 128 * 1024
/** The module's memory never shrinks and ends at 2 GiB: no single frame may take it near that. */
const wasmOutputMax = 512 * 1024 * 1024
const defaultLevel = 3

interface ZstdOptions {
  readonly maxOutputLength?: number
  readonly params?: Readonly<Record<number, number>>
}

type ZstdCallback = (error: Error | null, result: Buffer) => void

/** What newer versions of Node add to zlib. */
interface NativeZstd {
  zstdCompressSync?(bytes: Buffer, options?: ZstdOptions): Buffer
  zstdDecompressSync?(bytes: Buffer, options?: ZstdOptions): Buffer
  zstdCompress?(bytes: Buffer, options: ZstdOptions, done: ZstdCallback): void
  zstdDecompress?(bytes: Buffer, options: ZstdOptions, done: ZstdCallback): void
}

/** ZSTD_c_compressionLevel in the library's numbering. */
const levelParameter = 100

const { zstdCompressSync, zstdDecompressSync, zstdCompress, zstdDecompress } = zlib as NativeZstd
const isNative = zstdCompressSync && zstdDecompressSync && zstdCompress && zstdDecompress

let wasmLoaded = false
/** Resolves once zstd can be used; rejects when it never can. */
export const zstdReady: Promise<void> = isNative
  ? Promise.resolve()
  : wasm.init().then(() => {
      wasmLoaded = true
    })
// Whoever uses zstd is told again; nobody needs to be listening now.
zstdReady.catch(() => {})

export const zstdCodec: Codec = {
  id: 4,
  name,
  compress(bytes, level = defaultLevel) {
    if (zstdCompressSync) return zstdCompressSync(bytes, { params: { [levelParameter]: level } })
    requireWasm()
    return toBuffer(wasm.compress(bytes, level))
  },
  async compressAsync(bytes, level = defaultLevel) {
    if (!zstdCompress) {
      await zstdReady
      return zstdCodec.compress(bytes, level)
    }
    return new Promise((resolve, reject) => {
      zstdCompress(bytes, { params: { [levelParameter]: level } }, (error, result) =>
        error ? reject(failure(name, error)) : resolve(result),
      )
    })
  },
  decompress(bytes, maxOutput) {
    try {
      const parts: Buffer[] = []
      let left = maxOutput
      for (const frame of planFrames(bytes, maxOutput)) {
        const part = decompressFrame(frame, left)
        if (part.length > left) throw tooLarge(name, maxOutput)
        left -= part.length
        parts.push(part)
      }
      return parts.length === 1 ? parts[0] : Buffer.concat(parts)
    } catch (error) {
      throw failure(name, error)
    }
  },
  async decompressAsync(bytes, maxOutput) {
    if (!zstdDecompress) {
      await zstdReady
      return zstdCodec.decompress(bytes, maxOutput)
    }
    const parts: Buffer[] = []
    let left = maxOutput
    for (const frame of planFrames(bytes, maxOutput)) {
      const part = await new Promise<Buffer>((resolve, reject) => {
        zstdDecompress(frame.bytes, { maxOutputLength: Math.max(left, 1) }, (error, result) =>
          error ? reject(zstdFailure(error, maxOutput)) : resolve(result),
        )
      })
      if (part.length > left) throw tooLarge(name, maxOutput)
      left -= part.length
      parts.push(part)
    }
    return parts.length === 1 ? parts[0] : Buffer.concat(parts)
  },
}

function decompressFrame(frame: Frame, maxOutput: number): Buffer {
  if (zstdDecompressSync) {
    try {
      return zstdDecompressSync(frame.bytes, { maxOutputLength: Math.max(maxOutput, 1) })
    } catch (error) {
      throw zstdFailure(error, maxOutput)
    }
  }
  requireWasm()
  const capacity = Math.min(frame.bound, maxOutput, wasmOutputMax)
  try {
    return toBuffer(wasm.decompress(frame.bytes, { defaultHeapSize: capacity }))
  } catch (error) {
    // -70: the destination is too small, which can only be the limit, as the bound is one that no frame exceeds.
    if (error instanceof Error && error.message.endsWith(' -70')) throw tooLarge(name, maxOutput)
    throw error
  }
}

function requireWasm(): void {
  if (!wasmLoaded) throw new CompressionError('unavailable', 'zstd: not loaded yet')
}

function toBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

function zstdFailure(error: unknown, maxOutput: number): CompressionError {
  if (error instanceof Error && 'code' in error && error.code === 'ERR_BUFFER_TOO_LARGE') {
    return tooLarge(name, maxOutput)
  }
  return failure(name, error)
}

interface Frame {
  readonly bytes: Buffer
  /** No more than this many bytes can come out. */
  readonly bound: number
}

/** Splits the input into frames, checks that each is whole, and refuses claims beyond the limit. */
function planFrames(bytes: Buffer, maxOutput: number): Frame[] {
  const frames: Frame[] = []
  let at = 0
  let claimed = 0
  while (at < bytes.length) {
    if (bytes.length - at < 8) throw corrupt(name, 'frame cut off')
    const magic = bytes.readUInt32LE(at)
    if ((magic & 0xfffffff0) >>> 0 === skippableMagic) {
      at += 8 + bytes.readUInt32LE(at + 4)
      if (at > bytes.length) throw corrupt(name, 'skippable frame cut off')
      continue
    }
    if (magic !== frameMagic) throw corrupt(name, 'no frame')
    const from = at
    const header = readHeader(bytes, from)
    const walked = walkBlocks(bytes, from + header.bytes, header.checksum)
    at = walked.end
    if (header.contentBytes !== null) {
      claimed += header.contentBytes
      if (claimed > maxOutput) throw tooLarge(name, maxOutput)
      if (header.contentBytes > walked.bound) throw corrupt(name, `claims to hold ${header.contentBytes} bytes`)
    }
    frames.push({ bytes: bytes.subarray(from, at), bound: header.contentBytes ?? walked.bound })
  }
  if (frames.length === 0) throw corrupt(name, 'no frame')
  return frames
}

interface FrameHeader {
  readonly bytes: number
  readonly checksum: boolean
  /** Null when the frame does not say. */
  readonly contentBytes: number | null
}

function readHeader(bytes: Buffer, from: number): FrameHeader {
  const descriptor = bytes[from + 4]
  if ((descriptor & 0x08) !== 0) throw corrupt(name, 'reserved bit set')
  const single = (descriptor & 0x20) !== 0
  const dictionaryBytes = [0, 1, 2, 4][descriptor & 3]
  const sizeFlag = descriptor >> 6
  const sizeBytes = sizeFlag === 0 ? (single ? 1 : 0) : 1 << sizeFlag
  const sizeAt = from + 5 + (single ? 0 : 1) + dictionaryBytes
  const end = sizeAt + sizeBytes
  if (end > bytes.length) throw corrupt(name, 'frame header cut off')
  let contentBytes: number | null = null
  if (sizeBytes === 8) contentBytes = bytes.readUInt32LE(sizeAt) + bytes.readUInt32LE(sizeAt + 4) * 4294967296
  else if (sizeBytes > 0) contentBytes = bytes.readUIntLE(sizeAt, sizeBytes) + (sizeBytes === 2 ? 256 : 0)
  return { bytes: end - from, checksum: (descriptor & 0x04) !== 0, contentBytes }
}

function walkBlocks(bytes: Buffer, at: number, checksum: boolean): { end: number; bound: number } {
  let bound = 0
  for (;;) {
    if (bytes.length - at < 3) throw corrupt(name, 'block header cut off')
    const header = bytes.readUIntLE(at, 3)
    const type = (header >> 1) & 3
    const size = header >> 3
    if (type === 3 || size > blockBytesMax) throw corrupt(name, `block of type ${type}, ${size} bytes`)
    // Raw bytes; one byte repeated; compressed.
    at += 3 + (type === 1 ? 1 : size)
    if (at > bytes.length) throw corrupt(name, 'block cut off')
    bound += type === 2 ? blockBytesMax : size
    if ((header & 1) !== 0) break
  }
  if (checksum) at += 4
  if (at > bytes.length) throw corrupt(name, 'checksum cut off')
  return { end: at, bound }
}
