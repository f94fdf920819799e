import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { compressSync } from 'snappy'
import t from 'tap'
import { Errors, KafkaError } from '../../../protocol/errors.ts'
import {
  asyncFromBytes,
  CompressionError,
  type CompressionFailure,
  codecById,
  codecByName,
  codecs,
  compress,
  compressAsync,
  compressionReady,
  decompress,
  decompressAsync,
} from '../../../protocol/records/compression.ts'

t.before(() => compressionReady)

const directory = new URL('../../../../test/data/compression/', import.meta.url)

interface Fixture {
  plain: Record<string, { bytes: number; sha256: string }>
  frames: { name: string; codec: 'gzip' | 'lz4' | 'zstd'; plain: string; base64: string }[]
}

/** Made with the command line tools lz4 1.9.4, zstd 1.5.4 and gzip. */
const fixture: Fixture = JSON.parse(readFileSync(new URL('frames.json', directory), 'utf8'))

const zero = Buffer.alloc(0)
const text = Buffer.from(Array.from({ length: 9000 }, (_, i) => `line ${i % 700} of the same text again\n`).join(''))

function reasonOf(run: () => unknown): CompressionFailure | 'ok' {
  try {
    run()
    return 'ok'
  } catch (error) {
    if (!(error instanceof CompressionError)) throw error
    return error.reason
  }
}

async function reasonOfAsync(run: () => Promise<unknown>): Promise<CompressionFailure | 'ok'> {
  try {
    await run()
    return 'ok'
  } catch (error) {
    if (!(error instanceof CompressionError)) throw error
    return error.reason
  }
}

t.test('reads what other tools write', async t => {
  for (const { name, codec, plain, base64 } of fixture.frames) {
    const { id } = codecByName(codec)
    const frame = Buffer.from(base64, 'base64')
    const expected = fixture.plain[plain]
    const bytes = decompress(id, frame)
    t.equal(bytes.length, expected.bytes, name)
    t.equal(createHash('sha256').update(bytes).digest('hex'), expected.sha256, name)
    t.same(await codecById(id).decompressAsync(frame, bytes.length), bytes, `${name}, async, limit just enough`)
    if (bytes.length > 0)
      t.equal(
        reasonOf(() => decompress(id, frame, { maxOutput: bytes.length - 1 })),
        'too-large',
      )
  }
})

t.test('round trips of every codec', async t => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 5000 }), fc.nat(4), (input, id) => {
      const bytes = Buffer.from(input)
      return decompress(id, compress(id, bytes), { maxOutput: bytes.length }).equals(bytes)
    }),
    { numRuns: 200 },
  )
  for (const { id, name } of codecs) {
    const large = Buffer.concat(Array.from({ length: 8 }, () => text))
    t.ok(large.length > asyncFromBytes)
    for (const bytes of [zero, Buffer.from('x'), text, large]) {
      const packed = compress(id, bytes)
      t.ok(decompress(id, packed).equals(bytes), `${name} ${bytes.length}`)
      t.ok(decompress(id, await codecById(id).compressAsync(bytes)).equals(bytes), `${name} compressed async`)
      t.ok(decompress(id, await compressAsync(id, bytes)).equals(bytes))
      t.ok((await decompressAsync(id, packed)).equals(bytes))
      t.ok((await codecById(id).decompressAsync(packed, bytes.length)).equals(bytes), `${name} async`)
    }
  }
})

t.test('levels', async t => {
  for (const [name, levels] of [
    ['gzip', [-1, 1, 6, 9]],
    ['lz4', [1, 9, 17]],
    ['zstd', [-131072, -5, 1, 3, 19, 22]],
  ] as const) {
    const { id } = codecByName(name)
    const sizes = levels.map(level => {
      const packed = compress(id, text, level)
      t.ok(decompress(id, packed).equals(text), `${name} ${level}`)
      return packed.length
    })
    if (name !== 'lz4') t.ok(sizes[sizes.length - 1] < sizes[1], `${name}: a high level compresses better`)
  }
})

t.test('snappy: the stream of snappy-java, and a bare block', async t => {
  const stream = compress(2, text)
  t.equal(stream.toString('hex', 0, 16), '82534e41505059000000000100000001')
  t.ok(decompress(2, compressSync(text)).equals(text), 'one bare block')
  t.ok(decompress(2, Buffer.concat([stream, stream])).equals(Buffer.concat([text, text])), 'two streams in a row')
  t.same(compress(2, zero), stream.subarray(0, 16), 'nothing is a header')
  t.equal(
    reasonOf(() => decompress(2, stream.subarray(0, 12))),
    'corrupt',
  )
  // CVE-2023-34455: chunk lengths that lie.
  for (const length of [-1, 0, 0x7fffffff, -2147483648]) {
    const lie = Buffer.from(stream)
    lie.writeInt32BE(length, 16)
    t.equal(
      reasonOf(() => decompress(2, lie)),
      'corrupt',
      `chunk of ${length} bytes`,
    )
  }
  // A block that claims 4 GiB.
  t.equal(
    reasonOf(() => decompress(2, Buffer.from('ffffffff0f00', 'hex'))),
    'too-large',
  )
  t.equal(
    reasonOf(() => decompress(2, Buffer.from('80808040', 'hex'))),
    'corrupt',
    '128 MiB in four bytes',
  )
})

t.test('zstd: several frames, skippable frames, claims that lie', async t => {
  const frame = compress(4, text)
  const skippable = Buffer.from('502a4d1803000000aabbcc', 'hex')
  const both = Buffer.concat([skippable, frame, frame, skippable])
  t.ok(decompress(4, both).equals(Buffer.concat([text, text])))
  t.ok((await codecById(4).decompressAsync(both, 2 * text.length)).equals(Buffer.concat([text, text])))
  t.equal(
    reasonOf(() => decompress(4, both, { maxOutput: 2 * text.length - 1 })),
    'too-large',
    'limit over all frames',
  )
  t.equal(
    reasonOf(() => decompress(4, skippable)),
    'corrupt',
  )
  t.equal(
    reasonOf(() => decompress(4, Buffer.concat([frame, skippable.subarray(0, 9)]))),
    'corrupt',
  )
  // A frame of one empty raw block that claims 100 MB, and one that claims more than a number can hold.
  t.equal(
    reasonOf(() => decompress(4, Buffer.from('28b52ffda000e1f505010000', 'hex'))),
    'corrupt',
  )
  t.equal(
    reasonOf(() => decompress(4, Buffer.from('28b52ffde0ffffffffffffffff010000', 'hex'))),
    'too-large',
  )
})

t.test('a bomb is refused before it goes off', async t => {
  const limit = 1024 * 1024
  const bomb = Buffer.alloc(96 * 1024 * 1024)
  const bombs = [gzipSync(bomb), compress(2, bomb), compress(3, bomb), compress(4, bomb)]
  const streamed = fixture.frames.find(one => one.name === 'zstd streamed, without content size')
  t.ok(streamed)
  for (const [i, packed] of bombs.entries()) {
    const { id, name } = codecs[i + 1]
    const before = process.memoryUsage()
    t.equal(
      reasonOf(() => decompress(id, packed, { maxOutput: limit })),
      'too-large',
      name,
    )
    t.equal(await reasonOfAsync(() => codecById(id).decompressAsync(packed, limit)), 'too-large', `${name} async`)
    const after = process.memoryUsage()
    const grown = after.arrayBuffers + after.external - before.arrayBuffers - before.external
    t.ok(grown < 32 * limit, `${name} took ${grown} bytes`)
  }
})

t.test('a zstd bomb without content size', async t => {
  // A window descriptor instead of a size, then blocks that repeat one byte 128 KiB times.
  const block = Buffer.from([0x02, 0x00, 0x10, 0x61])
  const last = Buffer.from([0x03, 0x00, 0x10, 0x61])
  const header = Buffer.from('28b52ffd0058', 'hex')
  const packed = Buffer.concat([header, ...Array.from({ length: 999 }, () => block), last])
  t.equal(
    reasonOf(() => decompress(4, packed, { maxOutput: 1_000_000 })),
    'too-large',
  )
  const whole = decompress(4, packed)
  t.equal(whole.length, 1000 * 128 * 1024)
  t.equal(await reasonOfAsync(() => codecById(4).decompressAsync(packed, 1_000_000)), 'too-large')
})

t.test('an lz4 frame whose blocks bound it too loosely is measured', async t => {
  const large = fixture.frames.find(one => one.name === 'lz4 4 MiB blocks, no content checksum')
  const bytes = Buffer.from(large?.base64 ?? '', 'base64')
  t.equal(decompress(3, bytes, { maxOutput: text.length }).length, text.length)
  t.equal(
    reasonOf(() => decompress(3, bytes, { maxOutput: text.length - 1 })),
    'too-large',
  )
})

t.test('garbage and cut frames fail as CompressionError', async t => {
  for (const { id, name } of codecs.slice(1)) {
    const packed = compress(id, text.subarray(0, 3000))
    for (let end = 0; end < packed.length; end++) {
      const reason = reasonOf(() => decompress(id, packed.subarray(0, end), { maxOutput: 10_000 }))
      // A snappy-java stream may end after its header or after any block.
      if (!(name === 'snappy' && end === 16)) t.not(reason, 'ok', `${name} cut at ${end}`)
    }
    t.equal(await reasonOfAsync(() => codecById(id).decompressAsync(packed.subarray(0, 20), 10_000)), 'corrupt', name)
    fc.assert(
      fc.property(fc.nat(packed.length - 1), fc.nat(7), (at, bit) => {
        const changed = Buffer.from(packed)
        changed[at] ^= 1 << bit
        reasonOf(() => decompress(id, changed, { maxOutput: 10_000 }))
      }),
      { numRuns: 300 },
    )
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), noise => {
        reasonOf(() => decompress(id, Buffer.from(noise), { maxOutput: 10_000 }))
        reasonOf(() => decompress(id, Buffer.concat([packed.subarray(0, 16), noise]), { maxOutput: 10_000 }))
      }),
      { numRuns: 300 },
    )
    t.equal(
      reasonOf(() => decompress(id, Buffer.from('not at all compressed, just text'))),
      'corrupt',
      name,
    )
  }
  // After all that, the codecs still work.
  for (const { id, name } of codecs) t.ok(decompress(id, compress(id, text)).equals(text), name)
})

t.test('ids and names', async t => {
  t.same(
    codecs.map(codec => [codec.id, codec.name]),
    [
      [0, 'none'],
      [1, 'gzip'],
      [2, 'snappy'],
      [3, 'lz4'],
      [4, 'zstd'],
    ],
  )
  for (const id of [-1, 5, 6, 7])
    t.equal(
      reasonOf(() => decompress(id, zero)),
      'unknown-codec',
    )
  t.equal(decompress(0, text), text, 'no copy without compression')
  t.equal(
    reasonOf(() => decompress(0, text, { maxOutput: 10 })),
    'too-large',
  )
  const error = new CompressionError('corrupt', 'x')
  t.ok(error instanceof KafkaError)
  t.equal(error.code, Errors.INVALID_RECORD)
})
