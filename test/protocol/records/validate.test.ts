import fc from 'fast-check'
import t, { type Test } from 'tap'
import { type ErrorName, Errors, errorName, KafkaError } from '../../../protocol/errors.ts'
import {
  baseSequence,
  checkBatch,
  codecId,
  isLogAppendTime,
  maxTimestamp,
  producerId,
  setAttributes,
  storeCrc,
  writeInt32,
  writeInt64,
} from '../../../protocol/records/batch.ts'
import { buildBatch, type NewBatch, type NewRecord } from '../../../protocol/records/builder.ts'
import { codecs, compressionReady } from '../../../protocol/records/compression.ts'
import { buildTransactionMarker } from '../../../protocol/records/control.ts'
import { buildMessageSet } from '../../../protocol/records/legacy.ts'
import { readRecords } from '../../../protocol/records/record.ts'
import {
  type AppendConfig,
  type AppendRules,
  needsDecompression,
  RecordErrors,
  validateForAppend,
  validateForAppendAsync,
} from '../../../protocol/records/validate.ts'
import { vector, vectors } from './vectors.ts'

t.before(() => compressionReady)

const nowMs = 1_700_000_000_000
const hourMs = 3_600_000

const config: AppendConfig = {
  maxMessageBytes: 1_048_588,
  segmentBytes: 1 << 30,
  cleanupPolicy: { compact: false },
  compressionType: 'producer',
  compressionGzipLevel: -1,
  compressionLz4Level: 9,
  compressionZstdLevel: 3,
  messageTimestampType: 'CreateTime',
  messageTimestampBeforeMaxMs: Number.MAX_SAFE_INTEGER,
  messageTimestampAfterMaxMs: hourMs,
}

type Change = Partial<AppendConfig> & Partial<Omit<AppendRules, 'config'>>

function rules(change: Change = {}): AppendRules {
  const { origin = 'client', requestVersion = 13, maxUncompressedBytes, ...topic } = change
  return { origin, requestVersion, nowMs, maxUncompressedBytes, config: { ...config, ...topic } }
}

function record(key: string | null, timestampMs = nowMs, value = 'value '.repeat(20)): NewRecord {
  return { key: key === null ? null : Buffer.from(key), value: Buffer.from(value), timestampMs }
}

const three = [record('a', nowMs - 5), record('b', nowMs + 7), record('c')]

function batchOf(records: readonly NewRecord[], more: Partial<NewBatch> = {}): Buffer {
  return buildBatch({ records, ...more })
}

/** The error that both versions end in, or null; a refused buffer must be left as it was. */
async function refusal(t: Test, buffer: Buffer, change: Change = {}): Promise<KafkaError | null> {
  const before = Buffer.from(buffer)
  const caught: unknown[] = []
  try {
    validateForAppend(buffer, rules(change))
  } catch (error) {
    caught.push(error)
    t.same(buffer, before, 'a refused batch is left as it was')
  }
  await validateForAppendAsync(Buffer.from(before), rules(change)).catch(error => caught.push(error))
  if (caught.length === 0) return null
  const [first, second] = caught
  if (!(first instanceof KafkaError) || !(second instanceof KafkaError)) throw first
  t.equal(first.message, second.message, 'sync and async refuse for the same reason')
  return first
}

async function refuses(t: Test, name: ErrorName, what: string, buffer: Buffer, change: Change = {}): Promise<void> {
  const error = await refusal(t, buffer, change)
  t.equal(error === null ? 'NONE' : errorName(error.code), name, `${what}: ${error?.message}`)
}

/** Writes one int32 of the header and the checksum. */
function patched(buffer: Buffer, at: number, value: number): Buffer {
  const copy = Buffer.from(buffer)
  writeInt32(copy, at, value)
  storeCrc(copy)
  return copy
}

t.test('the common path keeps the bytes, whatever the codec', async t => {
  for (const { id, name } of codecs) {
    const batch = batchOf(three, { codecId: id, producerId: 7, producerEpoch: 1, baseSequence: 3 })
    const before = Buffer.from(batch)
    t.notOk(needsDecompression(batch, rules()), name)
    const checked = validateForAppend(batch, rules())
    t.equal(checked.buffer, batch, `${name}: the same buffer`)
    t.same(batch, before, `${name}: the same bytes`)
    t.equal(checked.maxTimestamp, nowMs + 7)
    t.equal(checked.logAppendTimeMs, -1)
    t.equal(checked.offsetDeltaOfMaxTimestamp, id === 0 ? 1 : -1)
  }
})

t.test('frames of real producers pass', async t => {
  for (const { variant, hex, json } of vectors) {
    const [batch] = json.batches
    const clean = batch.magic === 2 && json.batches.length === 1 && json.trailingBytes === 0 && batch.valid
    const fromClient = clean && batch.baseOffset === '0' && !batch.isControl && batch.timestampType === 'CreateTime'
    if (!fromClient || batch.recordCount !== batch.lastOffsetDelta + 1) continue
    if (!Number.isSafeInteger(Number(batch.producerId))) continue
    const checked = validateForAppend(
      Buffer.from(hex, 'hex'),
      rules({ messageTimestampAfterMaxMs: Number.MAX_SAFE_INTEGER }),
    )
    t.same(checked.buffer.toString('hex'), hex, variant)
  }
})

t.test('sizes, magic, checksum (R1, R2, R5)', async t => {
  const batch = batchOf(three)
  await refuses(t, 'INVALID_RECORD', 'nothing', Buffer.alloc(0))
  for (const end of [1, 11, 16, 17, 60, 61, batch.length - 1]) {
    await refuses(t, 'CORRUPT_MESSAGE', `cut at ${end}`, Buffer.from(batch.subarray(0, end)))
  }
  for (const length of [-2147483648, -1, 0, 48, 2147483647]) {
    await refuses(t, 'CORRUPT_MESSAGE', `length ${length}`, patchedLength(batch, length))
  }
  for (const magic of [3, 127, 255]) await refuses(t, 'CORRUPT_MESSAGE', `magic ${magic}`, withByte(batch, 16, magic))
  for (const magic of [0, 1]) await refuses(t, 'INVALID_RECORD', `magic ${magic}`, withByte(batch, 16, magic))
  await refuses(t, 'INVALID_RECORD', 'two batches', Buffer.concat([batch, batch]))
  await refuses(t, 'INVALID_RECORD', 'a batch and a byte', Buffer.concat([batch, Buffer.alloc(1)]))
  await refuses(t, 'CORRUPT_MESSAGE', 'checksum', Buffer.from(vector('v2-bad-crc').buffer))
  await refuses(t, 'NONE', 'just as large as allowed', Buffer.from(batch), { maxMessageBytes: batch.length })
  await refuses(t, 'MESSAGE_TOO_LARGE', 'too large', batch, { maxMessageBytes: batch.length - 1 })
  await refuses(t, 'RECORD_LIST_TOO_LARGE', 'larger than a segment', batch, { segmentBytes: batch.length - 1 })
})

function withByte(buffer: Buffer, at: number, value: number): Buffer {
  const copy = Buffer.from(buffer)
  copy[at] = value
  return copy
}

function patchedLength(buffer: Buffer, length: number): Buffer {
  const copy = Buffer.from(buffer)
  writeInt32(copy, 8, length)
  return copy
}

t.test('counts and offsets (R3)', async t => {
  const batch = batchOf(three)
  await refuses(t, 'INVALID_RECORD', 'base offset 1', batchOf(three, { baseOffset: 1 }))
  for (const count of [-1, 0, 2, 4, 2147483647]) {
    await refuses(t, 'INVALID_RECORD', `${count} records`, patched(batch, 57, count))
    await refuses(t, 'INVALID_RECORD', `last offset delta ${count - 1}`, patched(batch, 23, count - 1))
    await refuses(t, 'INVALID_RECORD', `${count} both`, patched(patched(batch, 57, count), 23, count - 1))
  }
  const gap = [three[0], { ...three[1], offsetDelta: 2 }]
  await refuses(t, 'INVALID_RECORD', 'a gap', patched(batchOf(gap), 23, 1))
  await refuses(t, 'INVALID_RECORD', 'an empty batch', batchOf([]))
  for (const { id, name } of codecs.slice(1)) {
    const packed = patched(patched(batchOf(three, { codecId: id }), 57, 5), 23, 4)
    await refuses(t, 'INVALID_RECORD', `${name}, where it is looked at`, packed, { cleanupPolicy: { compact: true } })
  }
})

t.test('control batches, sequences, producer ids (R4)', async t => {
  const marker = buildTransactionMarker({
    commit: true,
    producerId: 5,
    producerEpoch: 0,
    coordinatorEpoch: 1,
    timestampMs: nowMs,
  })
  await refuses(t, 'INVALID_RECORD', 'a marker from a client', marker)
  await refuses(
    t,
    'INVALID_RECORD',
    'no sequence',
    batchOf(three, { producerId: 5, producerEpoch: 0, baseSequence: -1 }),
  )
  await refuses(t, 'INVALID_RECORD', 'transactional, no producer', batchOf(three, { transactional: true }))
  await refuses(
    t,
    'INVALID_RECORD',
    'a producer id that is no number',
    batchOf(three, { producerId: 2 ** 60, producerEpoch: 0, baseSequence: 0 }),
  )
})

t.test('codecs (R6, R7)', async t => {
  const batch = batchOf(three)
  for (const codec of [5, 6, 7]) {
    const copy = Buffer.from(batch)
    setAttributes(copy, 0, codec)
    await refuses(t, 'INVALID_RECORD', `codec ${codec}`, copy)
  }
  const zstd = batchOf(three, { codecId: 4 })
  await refuses(t, 'UNSUPPORTED_COMPRESSION_TYPE', 'zstd before Produce 7', zstd, { requestVersion: 6 })
  await refuses(t, 'NONE', 'zstd in Produce 7', zstd, { requestVersion: 7 })
  for (const { id, name } of codecs.slice(1)) {
    const bomb = batchOf([record('k', nowMs, '\0'.repeat(4 << 20))], { codecId: id })
    const limit = { cleanupPolicy: { compact: true }, maxUncompressedBytes: 1 << 20 }
    await refuses(t, 'INVALID_RECORD', `${name} bomb`, bomb, limit)
    const garbage = Buffer.from(batch)
    setAttributes(garbage, 0, id)
    await refuses(t, 'INVALID_RECORD', `${name} garbage`, garbage, { cleanupPolicy: { compact: true } })
  }
})

t.test('null keys on a compacted topic (R8)', async t => {
  for (const { id, name } of codecs) {
    const batch = batchOf([record('a'), record(null), record('c'), record(null)], { codecId: id })
    await refuses(t, 'NONE', `${name}, not compacted`, Buffer.from(batch))
    t.equal(needsDecompression(batch, rules({ cleanupPolicy: { compact: true } })), id !== 0)
    const error = await refusal(t, batch, { cleanupPolicy: { compact: true } })
    t.equal(error?.code, Errors.INVALID_RECORD)
    t.ok(error instanceof RecordErrors)
    if (error instanceof RecordErrors)
      t.same(
        [1, 3],
        error.records.map(({ batchIndex }) => batchIndex),
        name,
      )
  }
  const many = batchOf(Array.from({ length: 5000 }, () => record(null, nowMs, '')))
  const error = await refusal(t, many, { cleanupPolicy: { compact: true } })
  t.ok(error instanceof RecordErrors && error.records.length === 100, 'the list of faults is bounded')
})

t.test('timestamps (R8)', async t => {
  for (const { id, name } of codecs) {
    const future = [record('a'), record('b', nowMs + hourMs + 1), record('c', nowMs + hourMs)]
    const batch = batchOf(future, { codecId: id })
    const error = await refusal(t, batch)
    t.equal(error?.code, Errors.INVALID_TIMESTAMP, name)
    if (error instanceof RecordErrors)
      t.same(
        [1],
        error.records.map(({ batchIndex }) => batchIndex),
        name,
      )
    await refuses(t, 'NONE', 'append time does not care', batch, { messageTimestampType: 'LogAppendTime' })

    const past = batchOf([record('a'), record('b', nowMs - 101), record('c', nowMs - 100)], { codecId: id })
    await refuses(t, 'INVALID_TIMESTAMP', `${name}: too old`, past, { messageTimestampBeforeMaxMs: 100 })
    await refuses(t, 'NONE', `${name}: old, no limit`, past)
    await refuses(t, 'NONE', `${name}: without timestamps`, batchOf([record('a', -1)], { codecId: id }), {
      messageTimestampBeforeMaxMs: 100,
    })
    const claimed = batchOf(three, { codecId: id, logAppendTime: true })
    await refuses(t, 'INVALID_TIMESTAMP', `${name}: append time set by the client`, claimed)
  }
  const mixed = await refusal(t, batchOf([record(null), record('b', nowMs * 2)]), { cleanupPolicy: { compact: true } })
  t.equal(mixed?.code, Errors.INVALID_TIMESTAMP, 'a bad timestamp outranks a missing key')
  await refuses(t, 'INVALID_TIMESTAMP', 'beyond 2^53', batchOf([record('a', 2 ** 60)]), {
    messageTimestampAfterMaxMs: Number.MAX_SAFE_INTEGER,
  })
})

t.test('the header says the largest timestamp of the records', async t => {
  for (const id of [0, 1]) {
    const batch = batchOf(three, { codecId: id, maxTimestamp: nowMs * 2 })
    const checked = validateForAppend(batch, rules())
    t.equal(checked.maxTimestamp, nowMs + 7, 'a header out of range makes the records be looked at')
    t.equal(maxTimestamp(checked.buffer), nowMs + 7)
    t.equal(checked.offsetDeltaOfMaxTimestamp, 1)
    t.equal(checkBatch(checked.buffer), 'ok')
  }
  const low = validateForAppend(batchOf(three, { maxTimestamp: 5 }), rules())
  t.equal(maxTimestamp(low.buffer), nowMs + 7)
})

t.test('append time', async t => {
  for (const { id } of codecs) {
    const batch = batchOf(three, { codecId: id })
    const checked = validateForAppend(batch, rules({ messageTimestampType: 'LogAppendTime' }))
    t.equal(checked.buffer, batch, 'in place')
    t.ok(isLogAppendTime(batch))
    t.equal(checkBatch(batch), 'ok')
    t.equal(checked.maxTimestamp, nowMs)
    t.equal(checked.logAppendTimeMs, nowMs)
    t.equal(checked.offsetDeltaOfMaxTimestamp, 0)
    t.same(
      [...readRecords(batch)].map(one => one.timestampMs),
      [nowMs, nowMs, nowMs],
    )
  }
})

t.test('the topic asks for another codec', async t => {
  const targets = ['uncompressed', 'gzip', 'snappy', 'lz4', 'zstd'] as const
  for (const source of codecs) {
    for (const [target, compressionType] of targets.entries()) {
      const batch = batchOf(three, { codecId: source.id, producerId: 7, producerEpoch: 1, baseSequence: 3 })
      const before = Buffer.from(batch)
      const records = [...readRecords(batch)]
      const checked = validateForAppend(batch, rules({ compressionType }))
      t.same(batch, before)
      t.equal(codecId(checked.buffer), target, `${source.name} to ${compressionType}`)
      t.equal(checkBatch(checked.buffer), 'ok')
      t.same([...readRecords(checked.buffer)], records)
      t.equal(producerId(checked.buffer), 7)
      t.equal(baseSequence(checked.buffer), 3)
      t.equal(checked.buffer === batch, source.id === target, 'kept when it has the codec already')
      const async = await validateForAppendAsync(Buffer.from(before), rules({ compressionType }))
      t.same([...readRecords(async.buffer)], records)
    }
  }
  const small = batchOf([record('k', nowMs, 'a'.repeat(10_000))], { codecId: 1 })
  await refuses(t, 'MESSAGE_TOO_LARGE', 'too large once it is rewritten', small, {
    compressionType: 'uncompressed',
    maxMessageBytes: 5000,
  })
  const rewritten = validateForAppend(
    batchOf(three, { codecId: 1 }),
    rules({ compressionType: 'zstd', messageTimestampType: 'LogAppendTime' }),
  )
  t.ok(isLogAppendTime(rewritten.buffer) && checkBatch(rewritten.buffer) === 'ok', 'and append time with it')
})

t.test('batches of the broker itself', async t => {
  const own = { origin: 'coordinator' } as const
  const marker = buildTransactionMarker({
    commit: false,
    producerId: 5,
    producerEpoch: 0,
    coordinatorEpoch: 1,
    timestampMs: nowMs,
  })
  t.equal(validateForAppend(marker, rules(own)).buffer, marker)
  const keyless = batchOf([record(null)])
  t.equal(validateForAppend(keyless, rules({ ...own, cleanupPolicy: { compact: true } })).buffer, keyless)
  await refuses(t, 'MESSAGE_TOO_LARGE', 'too large', keyless, { ...own, maxMessageBytes: 70 })
  await refuses(t, 'CORRUPT_MESSAGE', 'cut', keyless.subarray(0, 70), own)
  const stamped = validateForAppend(keyless, rules({ ...own, messageTimestampType: 'LogAppendTime' }))
  t.equal(stamped.logAppendTimeMs, nowMs)
})

t.test('message sets must be converted before', async t => {
  const messages = [{ offset: 0, timestampMs: nowMs, key: null, value: Buffer.from('v') }]
  for (const codecId of [0, 1]) {
    await refuses(t, 'INVALID_RECORD', 'a message set', buildMessageSet({ magic: 1, messages, codecId }))
  }
})

t.test('whatever is changed: a KafkaError or a sound batch', async t => {
  for (const id of [0, 1, 4]) {
    const batch = batchOf(three, { codecId: id })
    fc.assert(
      fc.property(fc.integer({ min: 8, max: batch.length - 1 }), fc.nat(255), fc.boolean(), (at, value, sealed) => {
        const changed = Buffer.from(batch)
        changed[at] = value
        if (sealed && at > 20) storeCrc(changed)
        try {
          const checked = validateForAppend(changed, rules({ cleanupPolicy: { compact: true } }))
          t.equal(checkBatch(checked.buffer), 'ok')
          t.equal([...readRecords(checked.buffer)].length, 3)
        } catch (error) {
          if (!(error instanceof KafkaError)) throw error
        }
      }),
      { numRuns: 1000 },
    )
  }
  const base = batchOf(three)
  writeInt64(base, 0, -1)
  await refuses(t, 'INVALID_RECORD', 'base offset -1', base)
})
