import fc from 'fast-check'
import t from 'tap'
import { Errors, KafkaError } from '../../../protocol/errors.ts'
import { baseOffset, isControl, iterateBatches, lastOffset, setBaseOffset } from '../../../protocol/records/batch.ts'
import { buildBatch, type NewRecord } from '../../../protocol/records/builder.ts'
import { compressionReady } from '../../../protocol/records/compression.ts'
import { buildTransactionMarker } from '../../../protocol/records/control.ts'
import { type DownConversion, DownConverter } from '../../../protocol/records/down-convert.ts'
import { checkMessage, type LegacyMagic, MessageCursor, readMessages } from '../../../protocol/records/legacy.ts'
import { readRecords } from '../../../protocol/records/record.ts'
import { messageSetToBatch } from '../../../protocol/records/up-convert.ts'
import { vectors } from './vectors.ts'

const pause = async () => {}
const magics: LegacyMagic[] = [0, 1]

async function downConvert(batches: Buffer[], options: Partial<DownConversion> = {}) {
  const converter = new DownConverter({
    magic: 1,
    fromOffset: 0,
    bytesMax: Number.POSITIVE_INFINITY,
    overLimit: 'leave but the first',
    pause,
    ...options,
  })
  for (const batch of batches) await converter.add(batch)
  const set = Buffer.concat(converter.chunks())
  t.equal(converter.bytes, set.length)
  return { converter, set }
}

function batchAt(offset: number, records: NewRecord[], options = {}) {
  const batch = buildBatch({ records, ...options })
  setBaseOffset(batch, 0, offset)
  return batch
}

const three: NewRecord[] = [
  { key: Buffer.from('k'), value: Buffer.from('one'), timestampMs: 1000, headers: [{ key: 'h', value: null }] },
  { key: null, value: null, timestampMs: 3000 },
  { key: Buffer.alloc(0), value: Buffer.from('three'), timestampMs: 2000 },
]

t.test('the batches of the golden vectors', async t => {
  let compared = 0
  for (const { variant, magic, hex } of vectors) {
    if (magic !== 2) continue
    const buffer = Buffer.from(hex, 'hex')
    for (const old of magics) {
      if (variant.includes('zstd')) {
        await t.rejects(downConvert([buffer], { magic: old }), { code: Errors.UNSUPPORTED_COMPRESSION_TYPE }, variant)
        continue
      }
      const { set } = await downConvert([buffer], { magic: old })
      t.same([...readMessages(set)].map(plain), expected(buffer, old), variant)
      compared += 1
    }
  }
  t.ok(compared > 20)
})

/** What a consumer of the old format should see of these batches. */
function expected(buffer: Buffer, magic: LegacyMagic) {
  const messages = []
  for (const at of iterateBatches(buffer)) {
    if (isControl(buffer, at)) continue
    for (const record of readRecords(buffer.subarray(at))) {
      messages.push(plain({ ...record, timestampMs: magic === 0 ? -1 : record.timestampMs }))
    }
  }
  return messages
}

function plain({
  offset,
  timestampMs,
  key,
  value,
}: {
  offset: number
  timestampMs: number
  key: Buffer | null
  value: Buffer | null
}) {
  return { offset, timestampMs, key: key?.toString('hex') ?? null, value: value?.toString('hex') ?? null }
}

t.test('wrappers: offsets, timestamps, append time', async t => {
  for (const codec of [1, 2, 3]) {
    for (const logAppendTime of [false, true]) {
      const batch = batchAt(40, three, { codecId: codec, logAppendTime, maxTimestamp: logAppendTime ? 9000 : 3000 })
      for (const magic of magics) {
        const { set } = await downConvert([batch], { magic })
        t.equal(checkMessage(set), 'ok')
        const wrapper = new MessageCursor(set)
        t.ok(wrapper.next())
        t.equal(wrapper.offset, 42)
        t.equal(wrapper.codecId, codec)
        t.equal(wrapper.timestampMs, magic === 0 ? -1 : logAppendTime ? 9000 : 3000)
        t.equal(wrapper.logAppendTime, logAppendTime && magic === 1)
        t.notOk(wrapper.next())
        t.same(
          [...readMessages(set)].map(({ offset, timestampMs }) => [offset, timestampMs]),
          three.map(({ timestampMs = 0 }, i) => [40 + i, magic === 0 ? -1 : logAppendTime ? 9000 : timestampMs]),
        )
      }
    }
  }
})

t.test('a large compressed batch becomes several wrappers', async t => {
  const records = Array.from({ length: 3000 }, (_, i) => ({ key: null, value: Buffer.alloc(1000, i) }))
  for (const magic of magics) {
    const { set } = await downConvert([batchAt(7, records, { codecId: 3 })], { magic })
    const cursor = new MessageCursor(set)
    let wrappers = 0
    while (cursor.next()) wrappers += 1
    t.ok(wrappers > 3)
    t.same(
      [...readMessages(set)].map(({ offset, value }) => [offset, value?.[0]]),
      records.map(({ value }, i) => [7 + i, value[0]]),
    )
  }
})

t.test('control batches are left out, and what lies before the wanted offset', async t => {
  const marker = buildTransactionMarker({
    producerId: 5,
    producerEpoch: 0,
    commit: true,
    coordinatorEpoch: 1,
    timestampMs: 5,
  })
  setBaseOffset(marker, 0, 13)
  const batches = [batchAt(10, three), marker, batchAt(14, three, { codecId: 1 })]
  const { set, converter } = await downConvert([Buffer.concat(batches)], { fromOffset: 11 })
  t.same(
    [...readMessages(set)].map(({ offset }) => offset),
    [11, 12, 14, 15, 16],
  )
  t.equal(converter.nextOffset, 17)
  const only = await downConvert([marker], { fromOffset: 13 })
  t.equal(only.converter.bytes, 0)
  t.equal(only.converter.nextOffset, 14)
  const inside = await downConvert([batches[2]], { fromOffset: 15 })
  t.same(
    [...readMessages(inside.set)].map(({ offset }) => offset),
    [15, 16],
  )
})

t.test('limits', async t => {
  const batch = batchAt(
    0,
    Array.from({ length: 10 }, () => ({ key: null, value: Buffer.alloc(66) })),
  )
  // 100 bytes a message in magic 1.
  const offsets = async (bytesMax: number, overLimit: DownConversion['overLimit']) => {
    const { set, converter } = await downConvert([batch], { bytesMax, overLimit })
    return [[...readMessages(set)].length, set.length, converter.full]
  }
  t.same(await offsets(1000, 'leave'), [10, 1000, true])
  t.same(await offsets(1001, 'leave'), [10, 1000, false])
  t.same(await offsets(350, 'leave'), [3, 300, true])
  t.same(await offsets(300, 'leave'), [3, 300, true])
  t.same(await offsets(99, 'leave'), [0, 0, true])
  t.same(await offsets(99, 'leave but the first'), [1, 100, true])
  t.same(await offsets(350, 'leave but the first'), [3, 300, true])
  t.same(await offsets(350, 'cut'), [3, 350, true])
  t.same(await offsets(99, 'cut'), [0, 99, true])
  t.same(await offsets(0, 'cut'), [0, 0, true])
  const wrapped = batchAt(0, three, { codecId: 1 })
  const { set } = await downConvert([wrapped], { bytesMax: 50, overLimit: 'cut' })
  t.equal(set.length, 50)
  t.equal((await downConvert([wrapped], { bytesMax: 50 })).set.length, (await downConvert([wrapped])).set.length)
  t.equal((await downConvert([wrapped], { bytesMax: 50, overLimit: 'leave' })).set.length, 0)
})

t.test('what cannot be converted is told when it comes first', async t => {
  await compressionReady
  const good = batchAt(0, three)
  const zstd = batchAt(3, three, { codecId: 4 })
  await t.rejects(downConvert([zstd]), { code: Errors.UNSUPPORTED_COMPRESSION_TYPE })
  const { set, converter } = await downConvert([good, zstd, batchAt(6, three)])
  t.equal([...readMessages(set)].length, 3)
  t.equal(converter.nextOffset, 3)
  const bomb = batchAt(0, [{ key: null, value: Buffer.alloc(1 << 22) }], { codecId: 1 })
  await t.rejects(downConvert([bomb], { maxOutput: 1 << 20 }), { code: Errors.MESSAGE_TOO_LARGE })
  const garbage = batchAt(0, three, { codecId: 1 })
  garbage.fill(7, 61)
  await t.rejects(downConvert([garbage]), { code: Errors.CORRUPT_MESSAGE })
  const fewer = batchAt(0, three)
  fewer.writeInt32BE(4, 57)
  // What was converted before the fault is answered; who asks for what comes next hears of it.
  const before = await downConvert([fewer])
  t.equal([...readMessages(before.set)].length, 3)
  t.ok(before.converter.full)
  t.equal((await downConvert([batchAt(0, [], { lastOffsetDelta: 2 })])).set.length, 0)
})

const messages = fc.array(
  fc.record({
    timestampMs: fc.integer({ min: -1, max: 2 ** 40 }),
    key: fc.option(fc.uint8Array({ maxLength: 20 }).map(bytes => Buffer.from(bytes))),
    value: fc.option(fc.uint8Array({ maxLength: 200 }).map(bytes => Buffer.from(bytes))),
  }),
  { minLength: 1, maxLength: 30 },
)

t.test('new to old to new to old: nothing but offsets and headers changes', async () => {
  await fc.assert(
    fc.asyncProperty(
      messages,
      fc.integer({ min: 0, max: 3 }),
      fc.constantFrom(...magics),
      fc.nat(1e9),
      async (records, codecId, magic, offset) => {
        const batch = batchAt(offset, records, { codecId })
        const { set } = await downConvert([batch], { magic, fromOffset: offset })
        const again = await messageSetToBatch(set, { pause })
        if (again === null) throw new Error('nothing left')
        setBaseOffset(again, 0, baseOffset(batch))
        t.equal(lastOffset(again), lastOffset(batch))
        const once = await downConvert([again], { magic, fromOffset: offset })
        t.same(once.set, set)
        t.same([...readMessages(set)].map(plain), expected(batch, magic))
      },
    ),
    { numRuns: 300 },
  )
})

t.test('every limit gives whole messages, in order, and gets on', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(messages, fc.integer({ min: 0, max: 3 })), { minLength: 1, maxLength: 5 }),
      fc.constantFrom(...magics),
      fc.integer({ min: 1, max: 3000 }),
      async (parts, magic, bytesMax) => {
        let end = 0
        const batches = parts.map(([records, codecId]) => {
          const batch = batchAt(end, records, { codecId })
          end += records.length
          return batch
        })
        const seen = []
        for (let fromOffset = 0; fromOffset < end; ) {
          const { set } = await downConvert(batches, { magic, fromOffset, bytesMax })
          const read = [...readMessages(set)]
          t.ok(read.length > 0)
          seen.push(...read.map(({ offset }) => offset))
          fromOffset = seen[seen.length - 1] + 1
        }
        t.same(
          seen,
          Array.from({ length: end }, (_, i) => i),
        )
      },
    ),
    { numRuns: 200 },
  )
})

t.test('damaged batches end in typed errors', async () => {
  for (const codecId of [0, 1, 2, 3]) {
    const batch = batchAt(0, three, { codecId })
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 21, max: batch.length - 1 }), fc.nat(255), async (at, value) => {
        const changed = Buffer.from(batch)
        changed[at] = value
        try {
          await downConvert([changed], { maxOutput: 1 << 20 })
        } catch (error) {
          if (!(error instanceof KafkaError)) throw error
        }
      }),
      { numRuns: 400 },
    )
  }
})
