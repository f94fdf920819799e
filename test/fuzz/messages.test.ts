import t from 'tap'
import { allApis, codecOf, encodeRequest, fetch, metadata, ParseError, produce, Reader } from '../../protocol/index.ts'
import { elementBytesMin, type Plan, planTable } from '../../protocol/plan.ts'
import { inRange } from '../../protocol/schema.ts'
import { attackMessages, decodeHostile, describeFailure, lyingCopies, messageSamples } from './messages.ts'
import { SeededRandom } from './random.ts'

// Hundreds of thousands of errors are made here, and nobody reads where.
Error.stackTraceLimit = 0

const samples = messageSamples()

/** A Fetch request of version 12 without topics, up to its tagged fields. */
const fetchV12 = encodeRequest(fetch, 12, {
  maxWaitMs: 500,
  minBytes: 1,
  sessionEpoch: -1,
  topics: [],
  forgottenTopicsData: [],
})[0]
  .subarray(0, -1)
  .toString('hex')

t.test('a message that is cut short anywhere is refused', async t => {
  const problems: string[] = []
  let cuts = 0
  for (const sample of samples) {
    for (let length = 0; length < sample.bytes.length; length++) {
      const bytes = sample.bytes.subarray(0, length)
      cuts++
      try {
        if (!decodeHostile(sample.codec, bytes)) throw new Error('accepted')
      } catch (error) {
        problems.push(describeFailure(sample, bytes, error))
        break
      }
    }
  }
  t.same(problems, [])
  t.ok(cuts > 100_000, `${cuts} cuts`)
})

t.test('lying lengths and counts are refused or harmless', async t => {
  const problems: string[] = []
  for (const sample of samples) {
    // Every place of small messages, some of large ones; the long run tries the rest at random.
    for (const bytes of lyingCopies(sample.bytes, 1 + Math.floor(sample.bytes.length / 25))) {
      try {
        decodeHostile(sample.codec, bytes)
      } catch (error) {
        problems.push(describeFailure(sample, bytes, error))
        break
      }
    }
  }
  t.same(problems, [])
})

t.test('random damage is refused or harmless', async t => {
  const random = new SeededRandom(20260823)
  for (let i = 0; i < 100_000; i++) attackMessages(samples, random)
  t.pass(`seed ${random.seed}`)
})

function hostile(hex: string): Buffer {
  return Buffer.from(hex, 'hex')
}

t.test('an element of an array takes one byte at least, in every table', async t => {
  const problems: string[] = []
  function check(name: string, plan: Plan): void {
    for (const field of plan.plain.concat(plan.tagged)) {
      if (field.kind === 'array' && elementBytesMin(field) < 1) problems.push(`${name} ${field.name}`)
      if (field.plan !== null) check(`${name} ${field.name}`, field.plan)
    }
  }
  for (const api of allApis) {
    for (let version = api.versions.low; version <= api.versions.high; version++) {
      for (const message of [api.request, api.response]) {
        check(`${message.name} ${version}`, planTable(message.fields, version, inRange(api.flexible, version)).root)
      }
    }
  }
  t.same(problems, [])
})

t.test('nothing is allocated on the word of a count', async t => {
  const before = process.memoryUsage().heapUsed
  t.throws(() => codecOf(metadata.request, 0).read(new Reader(hostile('7fffffff'))), ParseError)
  // As many elements as bytes are left, of elements that take more than one byte each.
  const claims = Buffer.alloc(4 + 1_000_000)
  claims.writeInt32BE(1_000_000)
  t.throws(() => codecOf(metadata.request, 0).read(new Reader(claims)), ParseError)
  t.ok(process.memoryUsage().heapUsed - before < 50_000_000)
})

t.test('nested arrays share one budget of elements', async t => {
  // 20 topics of 60 000 empty partitions each: every count can be true on its own.
  const topic = Buffer.alloc(2 + 4 + 60_000 * 8)
  topic.writeInt32BE(60_000, 2)
  const head = Buffer.alloc(2 + 2 + 4 + 4)
  head.writeInt16BE(-1)
  head.writeInt32BE(20, 8)
  const bytes = Buffer.concat([head, ...Array.from({ length: 20 }, () => topic)])
  const codec = codecOf(produce.request, 3)
  t.throws(() => codec.read(new Reader(bytes, 0, 1_000_000)), {
    name: 'ParseError',
    message: /too many array elements/,
  })
  t.doesNotThrow(() => codec.read(new Reader(bytes, 0, 2_000_000)))
})

t.test('tagged fields: limits, order, duplicates, sizes', async t => {
  const codec = codecOf(fetch.request, 12)
  const body = codec.read(new Reader(hostile(`${fetchV12}00`))) as { clusterId: string | null }
  t.equal(body.clusterId, null)
  function refused(tags: string, message: RegExp): void {
    t.throws(() => codec.read(new Reader(hostile(fetchV12 + tags))), { name: 'ParseError', message })
  }
  refused('01000541', /cut short|another size/)
  refused('0100034141', /cut short/)
  refused('0205000500', /out of order/)
  refused('0206000500', /out of order/)
  refused('ffffffff0f', /more tagged fields than bytes/)
  refused('ffffffffff', /varint overflow/)
  refused('0100050241424344', /another size/)
  const many = Array.from({ length: 129 }, (_, i) =>
    i + 1 < 128 ? `${hex(i + 1)}00` : `${hex(((i + 1) & 127) | 128)}0100`,
  ).join('')
  refused(`8101${many}`, /too many unknown/)
  t.doesNotThrow(() => codec.read(new Reader(hostile(`${fetchV12}8001${many.slice(0, -6)}`))))
  const long = '00'.repeat(128 * 1024)
  t.doesNotThrow(() => codec.read(new Reader(hostile(`${fetchV12}0105808008${long}`))))
  refused(`0105818008${long}00`, /too long/)
})

function hex(byte: number): string {
  return byte.toString(16).padStart(2, '0')
}
