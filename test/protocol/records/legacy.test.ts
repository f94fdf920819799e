import fc from 'fast-check'
import t from 'tap'
import { Errors, KafkaError } from '../../../protocol/errors.ts'
import { CompressionError, codecs } from '../../../protocol/records/compression.ts'
import { crc32 } from '../../../protocol/records/crc.ts'
import {
  buildMessageSet,
  checkMessage,
  type LegacyMagic,
  type LegacyMessage,
  readMessages,
} from '../../../protocol/records/legacy.ts'
import { fromBase64, toBase64, type VectorBatch, vector, vectors } from './vectors.ts'

const sets = vectors.filter(one => one.magic < 2)

function asJson(message: LegacyMessage) {
  return {
    offset: String(message.offset),
    timestamp: String(message.timestampMs),
    key: toBase64(message.key),
    value: toBase64(message.value),
  }
}

function fromJson(batches: readonly VectorBatch[]): LegacyMessage[] {
  return batches.flatMap(batch =>
    batch.records.map(record => ({
      offset: Number(record.offset),
      timestampMs: Number(record.timestamp),
      key: fromBase64(record.key),
      value: fromBase64(record.value),
    })),
  )
}

t.test('reads every message set of the golden vectors', async t => {
  t.equal(sets.length, 31)
  for (const { variant, hex, json } of sets) {
    const read = [...readMessages(Buffer.from(hex, 'hex'))].map(asJson)
    t.same(
      read,
      json.batches.flatMap(batch => batch.records),
      variant,
    )
  }
})

t.test('writes them', async t => {
  for (const { variant, magic, hex, json } of sets) {
    const buffer = Buffer.from(hex, 'hex')
    const codec = codecs.findIndex(({ name }) => name === json.batches[0].compression)
    const logAppendTime = json.batches[0].timestampType === 'LogAppendTime'
    const build = (only: LegacyMagic) => {
      const messages = fromJson(json.batches.filter(batch => batch.magic === only))
      return buildMessageSet({ magic: only, messages, codecId: codec, logAppendTime })
    }
    const built = variant === 'v0-v1-mixed' ? Buffer.concat([build(0), build(1)]) : build(magic === 0 ? 0 : 1)
    if (codec === 0) t.same(built, buffer, variant)
    else {
      t.same([...readMessages(built)], [...readMessages(buffer)], variant)
      t.equal(checkMessage(built), 'ok')
      t.same(built.subarray(0, 12).readBigInt64BE(), buffer.readBigInt64BE(), `${variant}: offset of the wrapper`)
    }
  }
})

t.test('lz4 in magic 0 has the historic header checksum', async t => {
  const messages = [{ offset: 0, timestampMs: -1, key: null, value: Buffer.from('value') }]
  const frameOf = (magic: LegacyMagic) => {
    const set = buildMessageSet({ magic, messages, codecId: 3 })
    return set.subarray(set.indexOf(Buffer.from('04224d18', 'hex')))
  }
  const [old, standard] = [frameOf(0), frameOf(1)]
  t.equal(old.toString('hex', 0, 6), standard.toString('hex', 0, 6))
  t.not(old[6], standard[6])
  const kafka = vector('v0-lz4-basic').buffer
  const at = kafka.indexOf(Buffer.from('04224d18', 'hex'))
  // The same descriptor: the same wrong checksum.
  if (kafka.compare(old, 0, 6, at, at + 6) === 0) t.equal(old[6], kafka[at + 6])
})

t.test('tells what is wrong with a message', async t => {
  for (const name of ['v0-none-basic', 'v1-none-basic']) {
    const { buffer } = vector(name)
    const size = buffer.readInt32BE(8) + 12
    const one = Buffer.from(buffer.subarray(0, size))
    t.equal(checkMessage(one), 'ok')
    for (let end = 0; end < size; end++) t.equal(checkMessage(one, 0, end), 'incomplete')
    for (let at = 16; at < size; at++) {
      const copy = Buffer.from(one)
      copy[at] ^= 0x40
      t.not(checkMessage(copy), 'ok', `${name} changed at ${at}`)
    }
    const changed = (at: number, value: number) => {
      const copy = Buffer.from(one)
      copy.writeInt32BE(value, at)
      return checkMessage(copy)
    }
    t.equal(changed(8, 2147483647), 'incomplete')
    for (const length of [0, -1, 13]) t.equal(changed(8, length), 'bad-size')
    t.equal(changed(12, 0), 'bad-crc')
    const keyAt = name.startsWith('v0') ? 18 : 26
    for (const length of [-2, 1000, 2147483647]) t.equal(changed(keyAt, length), 'bad-size')
  }
})

t.test('broken wrappers end in typed errors', async t => {
  const messages = [{ offset: 0, timestampMs: 5, key: null, value: Buffer.from('value') }]
  const plain = buildMessageSet({ magic: 1, messages })
  const wrap = (value: Buffer | null, attributes: number, magic: LegacyMagic = 1) => {
    const set = buildMessageSet({ magic, messages: [{ offset: 0, timestampMs: 5, key: null, value }], codecId: 0 })
    return { set, attributes }
  }
  // The checksum covers the attributes: it is computed again.
  const sealed = ({ set, attributes }: { set: Buffer; attributes: number }) => {
    set[17] = attributes
    set.writeUInt32BE(crc32(set.subarray(16)), 12)
    return set
  }
  const gzip = (bytes: Buffer) => codecs[1].compress(bytes)
  const cases: Record<string, Buffer> = {
    'no value': sealed(wrap(null, 1)),
    'not gzip': sealed(wrap(Buffer.from('what is this, it is not gzip'), 1)),
    zstd: sealed(wrap(gzip(plain), 4)),
    'unknown codec': sealed(wrap(gzip(plain), 7)),
    'nothing inside': sealed(wrap(gzip(Buffer.alloc(0)), 1)),
    'cut inside': sealed(wrap(gzip(plain.subarray(0, plain.length - 1)), 1)),
    'another magic inside': sealed(wrap(gzip(plain), 1, 0)),
    'a wrapper inside': sealed(wrap(gzip(buildMessageSet({ magic: 1, messages, codecId: 1 })), 1)),
  }
  for (const [name, set] of Object.entries(cases)) {
    t.throws(() => [...readMessages(set)], { code: Errors.INVALID_RECORD }, name)
  }
  const bomb = buildMessageSet({
    magic: 1,
    messages: [{ offset: 0, timestampMs: 5, key: null, value: Buffer.alloc(1 << 22) }],
    codecId: 1,
  })
  t.throws(() => [...readMessages(bomb, 0, bomb.length, 1 << 20)], CompressionError)
})

t.test('fuzzed sets end in typed errors', async () => {
  for (const name of ['v0-none-basic', 'v1-gzip-basic', 'v1-snappy-basic', 'v0-lz4-basic', 'v0-v1-mixed']) {
    const { buffer } = vector(name)
    fc.assert(
      fc.property(fc.nat(buffer.length - 1), fc.nat(255), fc.nat(buffer.length), (at, value, end) => {
        const changed = Buffer.from(buffer.subarray(0, end))
        if (at < end) changed[at] = value
        try {
          for (const _ of readMessages(changed));
        } catch (error) {
          if (!(error instanceof KafkaError)) throw error
        }
      }),
      { numRuns: 1000 },
    )
  }
})
