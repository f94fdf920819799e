/** Gzip, by Node's zlib. */
import { gunzip, gunzipSync, gzip, gzipSync } from 'node:zlib'
import { type Codec, type CompressionError, corrupt, failure, tooLarge } from './codec.ts'

const name = 'gzip'

// A member is 18 bytes of header and trailer at least; zlib itself takes no input at all for a whole empty stream.
const bytesMin = 18

export const gzipCodec: Codec = {
  id: 1,
  name,
  compress: (bytes, level = -1) => gzipSync(bytes, { level }),
  compressAsync: (bytes, level = -1) =>
    new Promise((resolve, reject) => {
      gzip(bytes, { level }, (error, result) => (error ? reject(failure(name, error)) : resolve(result)))
    }),
  decompress(bytes, maxOutput) {
    if (bytes.length < bytesMin) throw corrupt(name, 'cut off')
    try {
      return within(gunzipSync(bytes, options(maxOutput)), maxOutput)
    } catch (error) {
      throw gzipFailure(error, maxOutput)
    }
  },
  decompressAsync: (bytes, maxOutput) =>
    new Promise((resolve, reject) => {
      if (bytes.length < bytesMin) return reject(corrupt(name, 'cut off'))
      gunzip(bytes, options(maxOutput), (error, result) => {
        if (error) return reject(gzipFailure(error, maxOutput))
        if (result.length > maxOutput) return reject(tooLarge(name, maxOutput))
        resolve(result)
      })
    }),
}

// zlib takes no limit below 1.
function options(maxOutput: number): { maxOutputLength: number } {
  return { maxOutputLength: Math.max(maxOutput, 1) }
}

function within(bytes: Buffer, maxOutput: number): Buffer {
  if (bytes.length > maxOutput) throw tooLarge(name, maxOutput)
  return bytes
}

function gzipFailure(error: unknown, maxOutput: number): CompressionError {
  if (error instanceof Error && 'code' in error && error.code === 'ERR_BUFFER_TOO_LARGE') {
    return tooLarge(name, maxOutput)
  }
  return failure(name, error)
}
