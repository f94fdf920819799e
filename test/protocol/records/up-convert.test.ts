import fc from 'fast-check'
import t from 'tap'
import { Errors, KafkaError } from '../../../protocol/errors.ts'
import {
  attributesAt,
  baseSequence,
  checkBatch,
  codecId,
  maxTimestamp,
  producerId,
} from '../../../protocol/records/batch.ts'
import { codecs } from '../../../protocol/records/compression.ts'
import { crc32 } from '../../../protocol/records/crc.ts'
import { buildMessageSet, type LegacyMagic } from '../../../protocol/records/legacy.ts'
import { readRecords } from '../../../protocol/records/record.ts'
import { messageSetToBatch, type UpConversion } from '../../../protocol/records/up-convert.ts'
import { toBase64, vector, vectors } from './vectors.ts'

const sets = vectors.filter(one => one.magic < 2 && one.variant !== 'v0-v1-mixed')

function pausing(): UpConversion & { pauses: number } {
  return {
    pauses: 0,
    async pause() {
      this.pauses += 1
    },
  }
}

const upConvert = (set: Buffer, maxOutput?: number) => messageSetToBatch(set, { ...pausing(), maxOutput })

/** Attributes and checksum of the first message, set anew. */
function sealed(set: Buffer, attributes: number): Buffer {
  const copy = Buffer.from(set)
  copy[17] = attributes
  copy.writeUInt32BE(crc32(copy.subarray(16)), 12)
  return copy
}

t.test('a set of the golden vectors becomes one batch', async t => {
  for (const { variant, hex, json } of sets) {
    const set = Buffer.from(hex, 'hex')
    if (json.batches[0].timestampType === 'LogAppendTime') {
      await t.rejects(upConvert(set), { code: Errors.INVALID_TIMESTAMP }, variant)
      continue
    }
    if (json.batches.length > 1 && json.batches[0].compression !== 'none') {
      await t.rejects(upConvert(set), { code: Errors.INVALID_RECORD }, variant)
      continue
    }
    const batch = await upConvert(set)
    if (batch === null) throw new Error(variant)
    t.equal(checkBatch(batch), 'ok')
    t.equal(codecs[codecId(batch)].name, json.batches[0].compression)
    t.equal(producerId(batch), -1)
    t.equal(baseSequence(batch), -1)
    const expected = json.batches.flatMap(one => one.records)
    const read = [...readRecords(batch)]
    t.same(
      read.map(({ offset, timestampMs, key, value, headers }) => ({
        offset,
        timestampMs,
        key: toBase64(key),
        value: toBase64(value),
        headers,
      })),
      expected.map(({ timestamp, key, value }, offset) => ({
        offset,
        timestampMs: Number(timestamp),
        key,
        value,
        headers: [],
      })),
      variant,
    )
    t.equal(maxTimestamp(batch), Math.max(-1, ...expected.map(({ timestamp }) => Number(timestamp))))
  }
})

t.test('nothing, and an incomplete tail', async t => {
  t.equal(await upConvert(Buffer.alloc(0)), null)
  for (const name of ['v0-none-basic', 'v1-none-basic']) {
    const { buffer } = vector(name)
    const first = buffer.readInt32BE(8) + 12
    for (let end = 0; end < first; end++) t.equal(await upConvert(buffer.subarray(0, end)), null)
    const one = await upConvert(buffer.subarray(0, first + 5))
    t.equal(one && [...readRecords(one)].length, 1)
  }
})

t.test('what Apache Kafka refuses', async t => {
  const messages = [{ offset: 0, timestampMs: 5, key: null, value: Buffer.from('value') }]
  const plain = buildMessageSet({ magic: 1, messages })
  const gzip = buildMessageSet({ magic: 1, messages, codecId: 1 })
  const old = buildMessageSet({ magic: 0, messages })
  const holding = (value: Buffer | null, attributes: number, magic: LegacyMagic = 1) =>
    sealed(buildMessageSet({ magic, messages: [{ ...messages[0], value }] }), attributes)
  const packed = (set: Buffer) => codecs[1].compress(set)
  const invalid: Record<string, Buffer> = {
    'two wrappers': Buffer.concat([gzip, gzip]),
    'a message before a wrapper': Buffer.concat([plain, gzip]),
    'a message after a wrapper': Buffer.concat([gzip, plain]),
    'magic 1 after magic 0': Buffer.concat([old, plain]),
    'magic 0 after magic 1': Buffer.concat([plain, old]),
    'no value': holding(null, 1),
    'not gzip': holding(Buffer.from('what is this, it is not gzip'), 1),
    zstd: holding(packed(plain), 4),
    'unknown codec': holding(packed(plain), 7),
    'nothing inside': holding(packed(Buffer.alloc(0)), 1),
    'cut inside': holding(packed(plain.subarray(0, plain.length - 1)), 1),
    'more than a message inside': holding(packed(Buffer.concat([plain, Buffer.alloc(3)])), 1),
    'another magic inside': holding(packed(plain), 1, 0),
    'a wrapper inside': holding(packed(gzip), 1),
  }
  for (const [name, set] of Object.entries(invalid))
    await t.rejects(upConvert(set), { code: Errors.INVALID_RECORD }, name)
  await t.rejects(upConvert(sealed(plain, 8)), { code: Errors.INVALID_TIMESTAMP }, 'append time')
  await t.rejects(upConvert(sealed(gzip, 9)), { code: Errors.INVALID_TIMESTAMP }, 'append time of a wrapper')
  for (const timestampMs of [-2, -(2 ** 60), 2 ** 60]) {
    const set = buildMessageSet({ magic: 1, messages: [{ ...messages[0], timestampMs }] })
    await t.rejects(upConvert(set), { code: Errors.INVALID_TIMESTAMP }, `${timestampMs}`)
  }
  const damaged = (set: Buffer, at: number) => {
    const copy = Buffer.from(set)
    copy[at] ^= 1
    return copy
  }
  await t.rejects(upConvert(damaged(plain, 20)), { code: Errors.CORRUPT_MESSAGE }, 'checksum')
  await t.rejects(
    upConvert(holding(packed(damaged(plain, 20)), 1)),
    { code: Errors.CORRUPT_MESSAGE },
    'checksum inside',
  )
})

t.test('a wrapper that holds too much', async t => {
  const value = Buffer.alloc(1 << 22)
  for (const codec of [1, 2, 3]) {
    const bomb = buildMessageSet({
      magic: 1,
      messages: [{ offset: 0, timestampMs: 5, key: null, value }],
      codecId: codec,
    })
    await t.rejects(upConvert(bomb, 1 << 20), { code: Errors.MESSAGE_TOO_LARGE })
    t.ok(await upConvert(bomb, 1 << 23))
  }
})

t.test('messages that are too large are not looked at', async t => {
  const messages = [10, 2000].map((bytes, offset) => ({
    offset,
    timestampMs: 5,
    key: null,
    value: Buffer.alloc(bytes),
  }))
  for (const codecId of [0, 1]) {
    const set = buildMessageSet({ magic: 1, messages, codecId })
    const convert = (maxMessageBytes: number) => messageSetToBatch(set, { ...pausing(), maxMessageBytes })
    const largest = codecId === 0 ? 2034 : set.length
    t.ok(await convert(largest))
    // Its checksum is wrong, too: that would take as long as it is.
    set[set.length - 1] ^= 1
    await t.rejects(convert(largest - 1), { code: Errors.MESSAGE_TOO_LARGE })
    await t.rejects(convert(largest), { code: Errors.CORRUPT_MESSAGE })
  }
  const many = Array.from({ length: 100 }, (_, offset) => ({
    offset,
    timestampMs: 5,
    key: null,
    value: Buffer.alloc(100),
  }))
  await t.rejects(upConvert(buildMessageSet({ magic: 0, messages: many }), 10_000), { code: Errors.MESSAGE_TOO_LARGE })
})

t.test('long work pauses', async t => {
  const messages = Array.from({ length: 50_000 }, (_, offset) => ({ offset, timestampMs: 5, key: null, value: null }))
  for (const codec of [0, 1]) {
    const options = pausing()
    const batch = await messageSetToBatch(buildMessageSet({ magic: 0, messages, codecId: codec }), options)
    t.equal(batch && [...readRecords(batch)].length, 50_000)
    // 26 bytes a message, looked at twice.
    t.ok(options.pauses > 15 && options.pauses < 25, `${options.pauses} pauses`)
  }
})

t.test('fuzzed sets end in typed errors or sound batches', async t => {
  for (const name of ['v0-none-basic', 'v1-gzip-basic', 'v1-snappy-basic', 'v0-lz4-basic', 'v1-none-basic']) {
    const { buffer } = vector(name)
    await fc.assert(
      fc.asyncProperty(
        fc.nat(buffer.length - 1),
        fc.nat(255),
        fc.nat(buffer.length),
        fc.boolean(),
        async (at, value, end, seal) => {
          const changed = Buffer.from(buffer.subarray(0, end))
          if (at < end) changed[at] = value
          try {
            const batch = await upConvert(seal && end > attributesAt ? sealed(changed, changed[17]) : changed)
            if (batch === null) return
            t.equal(checkBatch(batch), 'ok')
            for (const _ of readRecords(batch));
          } catch (error) {
            if (!(error instanceof KafkaError)) throw error
          }
        },
      ),
      { numRuns: 500 },
    )
  }
})
