import t, { type Test } from 'tap'
import * as b from '../../../protocol/records/batch.ts'
import { buildBatch } from '../../../protocol/records/builder.ts'
import { type VectorBatch, vector, vectors } from './vectors.ts'

// 2^53 and more: numbers can't hold them.
function exact(text: string): boolean {
  return Number.isSafeInteger(Number(text))
}

t.test('reads every header of the golden vectors', async t => {
  for (const { variant, hex, json } of vectors.filter(one => one.magic === 2)) {
    const buffer = Buffer.from(hex, 'hex')
    const positions = [...b.iterateBatches(buffer)]
    t.equal(positions.length, json.batches.length, variant)
    t.equal(b.wholeBatchesBytes(buffer), buffer.length - json.trailingBytes, `${variant}: tail`)
    for (const [i, at] of positions.entries()) sameHeader(t, `${variant} ${i}`, buffer, at, json.batches[i])
  }
})

function sameHeader(t: Test, name: string, buffer: Buffer, at: number, json: VectorBatch): void {
  const read = {
    valid: b.checkBatch(buffer, at) === 'ok',
    batchLength: b.batchBytes(buffer, at) - b.logOverheadBytes,
    sizeInBytes: b.batchView(buffer, at).length,
    partitionLeaderEpoch: b.partitionLeaderEpoch(buffer, at),
    magic: b.magic(buffer, at),
    crc: b.crc(buffer, at),
    attributes: b.attributes(buffer, at),
    compression: ['none', 'gzip', 'snappy', 'lz4', 'zstd'][b.codecId(buffer, at)],
    timestampType: b.isLogAppendTime(buffer, at) ? 'LogAppendTime' : 'CreateTime',
    isTransactional: b.isTransactional(buffer, at),
    isControl: b.isControl(buffer, at),
    lastOffsetDelta: b.lastOffsetDelta(buffer, at),
    producerEpoch: b.producerEpoch(buffer, at),
    baseSequence: b.baseSequence(buffer, at),
    lastSequence: b.lastSequence(buffer, at),
    recordCount: b.recordsCount(buffer, at),
    deleteHorizonMs: b.deleteHorizon(buffer, at)?.toString() ?? null,
    baseTimestamp: String(b.baseTimestamp(buffer, at)),
    maxTimestamp: String(b.maxTimestamp(buffer, at)),
  }
  t.match(json, read, name)
  for (const [value, text] of [
    [b.baseOffset(buffer, at), json.baseOffset],
    [b.lastOffset(buffer, at), json.lastOffset],
    [b.producerId(buffer, at), json.producerId],
  ] as const) {
    if (exact(text)) t.equal(String(value), text, name)
    else t.ok(value >= Number.MAX_SAFE_INTEGER, `${name}: beyond 2^53`)
  }
}

t.test('puts in what a broker puts in, as Kafka does', async t => {
  for (const name of ['v2-none-basic', 'v2-gzip-basic', 'v2-none-idempotent']) {
    const { buffer } = vector(name)
    b.setBaseOffset(buffer, 0, 5000)
    b.setPartitionLeaderEpoch(buffer, 0, 21)
    t.same(buffer, vector(`${name}-appended`).buffer, name)
    b.setMaxTimestamp(buffer, 0, true, 1700000777900)
    t.same(buffer, vector(`${name}-appended-log-append-time`).buffer, `${name} with append time`)
  }
})

t.test('sets the base offset from the last', async t => {
  const { buffer } = vector('v2-none-basic')
  b.setLastOffset(buffer, 0, 102)
  t.equal(b.baseOffset(buffer), 100)
  t.equal(b.nextOffset(buffer), 103)
})

t.test('setMaxTimestamp leaves the checksum alone when nothing changes', async t => {
  const { buffer } = vector('v2-bad-crc')
  const before = Buffer.from(buffer)
  b.setMaxTimestamp(buffer, 0, false, b.maxTimestamp(buffer))
  t.same(buffer, before)
})

t.test('setAttributes', async t => {
  const { buffer } = vector('v2-none-basic')
  b.setAttributes(buffer, 0, b.attributeBits({ transactional: true, control: true, logAppendTime: true, codecId: 4 }))
  t.ok(b.isTransactional(buffer) && b.isControl(buffer) && b.isLogAppendTime(buffer))
  t.notOk(b.hasDeleteHorizon(buffer))
  t.equal(b.codecId(buffer), 4)
  t.equal(b.checkBatch(buffer), 'ok')
})

t.test('int64 both ways, also at the ends', async t => {
  const buffer = Buffer.alloc(8)
  for (const value of [0, 1, -1, 2 ** 31, 2 ** 32, -(2 ** 32), 2 ** 53 - 1, -(2 ** 53), 2 ** 63, -(2 ** 63)]) {
    b.writeInt64(buffer, 0, value)
    t.equal(b.readInt64(buffer, 0), value)
    t.equal(Number(buffer.readBigInt64BE()), value)
  }
  for (const value of [0, 1, -1, 32767, -32768]) {
    b.writeInt16(buffer, 0, value)
    t.equal(b.readInt16(buffer, 0), value)
  }
})

t.test('sequences wrap after 2^31-1', async t => {
  t.equal(b.addToSequence(2147483647, 1), 0)
  t.equal(b.addToSequence(2147483646, 1), 2147483647)
  t.equal(b.addToSequence(2147483646, 4), 2)
  t.equal(b.previousSequence(0), 2147483647)
  t.equal(b.previousSequence(7), 6)
})

t.test('tells what is wrong with a batch', async t => {
  const { buffer } = vector('v2-none-basic')
  t.equal(b.checkBatch(buffer), 'ok')
  for (let length = 0; length < buffer.length; length++) {
    t.equal(b.checkBatch(buffer, 0, length), 'incomplete')
    t.equal(b.wholeBatchBytes(buffer, 0, length), 0)
  }
  const changed = (at: number, value: number) => {
    const copy = Buffer.from(buffer)
    copy.writeInt32BE(value, at)
    return b.checkBatch(copy)
  }
  t.equal(changed(8, 0x7fffffff), 'incomplete')
  for (const length of [0, -1, -2147483648, 48]) t.equal(changed(8, length), 'bad-size', `length ${length}`)
  t.equal(changed(8, 49), 'bad-crc', 'only a header')
  t.equal(changed(12, 99), 'ok', 'the leader epoch is outside the checksum')
  t.equal(changed(17, 0), 'bad-crc')
  for (const [magic, expected] of [
    [0, 'old-magic'],
    [1, 'old-magic'],
    [3, 'bad-magic'],
    [255, 'bad-magic'],
  ] as const) {
    const copy = Buffer.from(buffer)
    copy[16] = magic
    t.equal(b.checkBatch(copy), expected, `magic ${magic}`)
  }
  for (let at = 21; at < buffer.length; at++) {
    const copy = Buffer.from(buffer)
    copy[at] ^= 1
    t.equal(b.checkBatch(copy), 'bad-crc', `bit flipped at ${at}`)
  }
})

t.test('iterates up to a length that cannot be true', async t => {
  const one = buildBatch({ records: [{ key: null, value: Buffer.from('x') }], baseTimestamp: 1 })
  const two = Buffer.concat([one, one])
  t.same([...b.iterateBatches(two)], [0, one.length])
  for (const length of [0, -13, -2147483648, 2147483647]) {
    two.writeInt32BE(length, one.length + 8)
    t.same([...b.iterateBatches(two)], [0], `length ${length}`)
  }
})
