import fc from 'fast-check'
import t from 'tap'
import { Errors, KafkaError } from '../../../protocol/errors.ts'
import { codecId, iterateBatches, storeCrc } from '../../../protocol/records/batch.ts'
import { buildBatch, type NewBatch } from '../../../protocol/records/builder.ts'
import { compressionReady } from '../../../protocol/records/compression.ts'
import { crc32c } from '../../../protocol/records/crc.ts'
import { RecordCursor, type RecordData, readRecords, recordsBytes } from '../../../protocol/records/record.ts'
import { varintBytes, varlongBytes, writeVarint, writeVarlong } from '../../../protocol/records/varint.ts'
import { fromBase64, primitives, toBase64, type VectorBatch, vector, vectors } from './vectors.ts'

t.before(() => compressionReady)

function asJson(record: RecordData) {
  return {
    offset: String(record.offset),
    timestamp: String(record.timestampMs),
    key: toBase64(record.key),
    value: toBase64(record.value),
    headers: record.headers.map(({ key, value }) => ({ key, value: toBase64(value) })),
  }
}

t.test('reads every record of the golden vectors', async t => {
  for (const { variant, hex, json } of vectors.filter(one => one.magic === 2)) {
    const buffer = Buffer.from(hex, 'hex')
    for (const [i, at] of [...iterateBatches(buffer)].entries()) {
      const batch = json.batches[i]
      if (!batch.valid) continue
      const plain = recordsBytes(buffer, at)
      if (batch.uncompressedLength !== undefined) {
        t.equal(plain.length, batch.uncompressedLength, variant)
        t.equal(crc32c(plain), batch.uncompressedCrc32c, variant)
      }
      const records = [...readRecords(buffer, at)].map(asJson)
      const expected = batch.records.map(({ offset, timestamp, key, value, headers }) => ({
        offset: variant === 'v2-none-large-offset' ? String(Number(offset)) : offset,
        timestamp,
        key,
        value,
        headers,
      }))
      t.same(records, expected, variant)
    }
  }
})

/** The batch that a vector describes, built anew. */
function rebuilt(json: VectorBatch): NewBatch {
  return {
    records: json.records.map(record => ({
      key: fromBase64(record.key),
      value: fromBase64(record.value),
      headers: record.headers.map(({ key, value }) => ({ key, value: fromBase64(value) })),
      timestampMs: Number(json.baseTimestamp) + Number(record.timestampDelta),
      offsetDelta: record.offsetDelta,
    })),
    baseTimestamp: Number(json.baseTimestamp),
    maxTimestamp: Number(json.maxTimestamp),
    baseOffset: Number(json.baseOffset),
    partitionLeaderEpoch: json.partitionLeaderEpoch,
    codecId: ['none', 'gzip', 'snappy', 'lz4', 'zstd'].indexOf(json.compression),
    logAppendTime: json.timestampType === 'LogAppendTime',
    transactional: json.isTransactional,
    control: json.isControl,
    deleteHorizon: json.deleteHorizonMs === null ? undefined : Number(json.deleteHorizonMs),
    producerId: Number(json.producerId),
    producerEpoch: json.producerEpoch,
    baseSequence: json.baseSequence,
    lastOffsetDelta: json.lastOffsetDelta,
  }
}

t.test('builds every batch of the golden vectors', async t => {
  for (const { variant, hex, json } of vectors.filter(one => one.magic === 2)) {
    const buffer = Buffer.from(hex, 'hex')
    for (const [i, at] of [...iterateBatches(buffer)].entries()) {
      const batch = json.batches[i]
      if (!batch.valid) continue
      const built = buildBatch(rebuilt(batch))
      if (codecId(buffer, at) !== 0) {
        t.equal(crc32c(recordsBytes(built)), crc32c(recordsBytes(buffer, at)), `${variant}: same records`)
        continue
      }
      // Offsets and producer ids beyond 2^53 are no numbers: they are put in as bytes.
      if (!Number.isSafeInteger(Number(batch.baseOffset))) buffer.copy(built, 0, at, at + 8)
      if (!Number.isSafeInteger(Number(batch.producerId))) {
        buffer.copy(built, 43, at + 43, at + 51)
        storeCrc(built)
      }
      t.same(built, buffer.subarray(at, at + built.length), variant)
    }
  }
})

t.test('varints as Kafka writes them', async t => {
  for (const { value, hex } of primitives.varint) {
    const buffer = Buffer.alloc(5)
    const end = writeVarint(buffer, 0, value)
    t.equal(buffer.toString('hex', 0, end), hex)
    t.equal(varintBytes(value), end)
  }
  for (const { value, hex } of primitives.varlong) {
    if (!Number.isSafeInteger(Number(value)) && BigInt(Number(value)) !== BigInt(value)) continue
    const buffer = Buffer.alloc(10)
    const end = writeVarlong(buffer, 0, Number(value))
    t.equal(buffer.toString('hex', 0, end), hex, value)
    t.equal(varlongBytes(Number(value)), end)
  }
})

/** A record with the given bytes as timestamp delta and offset delta. */
function recordOf(timestampDelta: string, offsetDelta: string): Buffer {
  const body = Buffer.from(`00${timestampDelta}${offsetDelta}010100`, 'hex')
  const length = Buffer.alloc(5)
  return Buffer.concat([length.subarray(0, writeVarint(length, 0, body.length)), body])
}

t.test('varints as Kafka reads them', async t => {
  for (const { value, hex } of primitives.varint) {
    const cursor = new RecordCursor(recordOf('00', hex))
    t.ok(cursor.next())
    t.equal(cursor.offsetDelta, value)
    t.equal(cursor.remainingBytes, 0)
  }
  for (const { value, hex } of primitives.varlong) {
    const cursor = new RecordCursor(recordOf(hex, '00'))
    t.ok(cursor.next())
    t.equal(cursor.timestampDelta, Number(value))
  }
  t.equal(new RecordCursor(recordOf('00', '808000')).next(), true, 'the long form of 0')
  for (const { hex, readAs } of primitives.badVarint) {
    const record = readAs === 'varlong' ? recordOf(hex, '00') : recordOf('00', hex)
    t.throws(() => new RecordCursor(record).next(), { code: Errors.INVALID_RECORD }, hex)
  }
  t.throws(() => new RecordCursor(recordOf('00', 'ffffffff7f')).next(), /beyond 32 bits/, 'lost bits are refused')
})

const bytes = fc.oneof(fc.constant(null), fc.uint8Array({ maxLength: 200 }).map(Buffer.from))
const record = fc.record({
  key: bytes,
  value: bytes,
  headers: fc.array(fc.record({ key: fc.string({ unit: 'grapheme', maxLength: 10 }), value: bytes }), { maxLength: 4 }),
  timestampMs: fc.oneof(fc.constant(-1), fc.integer({ min: 0, max: 2 ** 48 }), fc.maxSafeNat()),
})

t.test('what is built is read, with every codec', async t => {
  fc.assert(
    fc.property(fc.array(record, { maxLength: 20 }), fc.nat(4), fc.nat(2 ** 40), (records, codec, baseOffset) => {
      const batch = buildBatch({ records, codecId: codec, baseOffset })
      const read = [...readRecords(batch)]
      const expected = records.map((one, i) => ({ ...one, offset: baseOffset + i }))
      t.strictSame(read.map(asJson), expected.map(asJson))
    }),
    { numRuns: 60 },
  )
})

/** Reads all of it; anything but a KafkaError is a bug. */
function survives(read: () => void): boolean {
  try {
    read()
    return true
  } catch (error) {
    if (!(error instanceof KafkaError)) throw error
    return false
  }
}

t.test('broken records end in INVALID_RECORD, never in a wild read', async t => {
  const { buffer } = vector('v2-none-headers-nulls')
  for (let end = 61; end < buffer.length; end++) {
    const cut = Buffer.from(buffer.subarray(0, end))
    cut.writeInt32BE(end - 12, 8)
    t.notOk(
      survives(() => [...readRecords(cut)]),
      `cut at ${end}`,
    )
  }
  fc.assert(
    fc.property(fc.integer({ min: 57, max: buffer.length - 1 }), fc.nat(255), (at, value) => {
      const changed = Buffer.from(buffer)
      changed[at] = value
      survives(() => [...readRecords(changed)])
    }),
    { numRuns: 2000 },
  )
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), fc.nat(10), (noise, count) => {
      const batch = Buffer.concat([buffer.subarray(0, 61), noise])
      batch.writeInt32BE(batch.length - 12, 8)
      batch.writeInt32BE(count, 57)
      survives(() => [...readRecords(batch)])
    }),
    { numRuns: 2000 },
  )
})

t.test('counts and lengths that lie', async t => {
  const batch = buildBatch({ records: [{ key: Buffer.from('k'), value: Buffer.from('v') }], baseTimestamp: 5 })
  for (const count of [0, 2, -1, 2147483647]) {
    const copy = Buffer.from(batch)
    copy.writeInt32BE(count, 57)
    t.throws(() => [...readRecords(copy)], { code: Errors.INVALID_RECORD }, `${count} records`)
  }
  // attributes, timestamp delta, offset delta, then:
  const lies = {
    'negative key length': '030100',
    'key beyond the record': '7e0100',
    'value beyond the record': '01fe03',
    'headers beyond the record': '0101feffffff0f',
    'negative header count': '010101',
    'header without key': '01010201',
    'header key beyond the record': '01010206610101',
    'header value beyond the record': '0101020261fe03',
    'bytes after the headers': '01010000',
    'cut off': '01',
  }
  for (const [name, hex] of Object.entries(lies)) {
    const body = Buffer.from(`000000${hex}`, 'hex')
    const whole = Buffer.concat([Buffer.from([body.length * 2]), body, Buffer.alloc(300)])
    t.throws(() => new RecordCursor(whole).next(), { code: Errors.INVALID_RECORD }, name)
  }
  for (const length of ['00', '01', '0a', 'fe07']) {
    t.throws(() => new RecordCursor(Buffer.from(`${length}00000001010000`, 'hex')).next(), {
      code: Errors.INVALID_RECORD,
    })
  }
})

t.test('the cursor gives what the record has', async t => {
  const headers = [
    { key: 'a', value: Buffer.from('1') },
    { key: 'ключ', value: null },
  ]
  const batch = buildBatch({
    records: [
      { key: null, value: Buffer.alloc(0), headers, timestampMs: 7 },
      { key: Buffer.from('k'), value: null },
    ],
  })
  const cursor = new RecordCursor(batch, 61)
  t.ok(cursor.next())
  t.equal(cursor.key(), null)
  t.same(cursor.value(), Buffer.alloc(0))
  t.same(cursor.headers(), headers)
  t.same(cursor.headers(), headers, 'again')
  t.equal(cursor.start, 61)
  t.ok(cursor.next())
  t.equal(cursor.offsetDelta, 1)
  t.same(cursor.key(), Buffer.from('k'))
  t.equal(cursor.value(), null)
  t.notOk(cursor.next())
})
