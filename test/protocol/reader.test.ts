import t from 'tap'
import { ParseError, Reader, Writer, zeroUuid } from '../../protocol/index.ts'
import { readPrimitives } from './vectors.ts'

const primitives = readPrimitives()

function reader(hex: string): Reader {
  return new Reader(Buffer.from(hex, 'hex'))
}

function written(write: (writer: Writer) => void): string {
  const writer = new Writer()
  write(writer)
  return Buffer.concat(writer.finish()).toString('hex')
}

t.test('unsigned varints', async t => {
  for (const { value, hex } of primitives.unsignedVarint) {
    const r = reader(hex)
    t.equal(r.uvarint(), value)
    t.equal(r.pos, hex.length / 2)
    t.equal(
      written(w => w.uvarint(value)),
      hex,
    )
  }
  for (const { hex, readAs } of primitives.badVarint) {
    if (readAs.startsWith('unsignedVarint')) t.throws(() => reader(hex).uvarint(), ParseError, hex)
  }
  for (const { hex, unsignedVarint } of primitives.longFormVarint) {
    // Kafka drops the bits that do not fit; we refuse them.
    if (hex === 'ffffffff7f') t.throws(() => reader(hex).uvarint(), ParseError)
    else t.equal(reader(hex).uvarint(), unsignedVarint)
  }
  t.throws(() => reader('80').uvarint(), ParseError)
  t.throws(() => reader('').uvarint(), ParseError)
})

t.test('int64: exact to 2^53, and the two ends', async t => {
  const cases: [number, string][] = [
    [0, '0000000000000000'],
    [-1, 'ffffffffffffffff'],
    [1, '0000000000000001'],
    [4294967295, '00000000ffffffff'],
    [4294967296, '0000000100000000'],
    [-4294967296, 'ffffffff00000000'],
    [-4294967297, 'fffffffeffffffff'],
    [Number.MAX_SAFE_INTEGER, '001fffffffffffff'],
    [Number.MIN_SAFE_INTEGER, 'ffe0000000000001'],
    [2 ** 63, '7fffffffffffffff'],
    [-(2 ** 63), '8000000000000000'],
  ]
  for (const [value, hex] of cases) {
    t.equal(reader(hex).int64(), value)
    t.equal(
      written(w => w.int64(value)),
      hex,
    )
  }
  for (const hex of [
    '0020000000000000',
    'ffe0000000000000',
    '7ffffffffffffffe',
    '8000000000000001',
    'ffdfffffffffffff',
  ]) {
    t.throws(() => reader(hex).int64(), ParseError, hex)
  }
  for (const value of [2 ** 53, -(2 ** 53), 0.5, Number.NaN, Number.POSITIVE_INFINITY]) {
    t.throws(() => written(w => w.int64(value)), RangeError, String(value))
  }
})

t.test('integers that do not fit are not written', async t => {
  t.throws(() => written(w => w.int8(128)), RangeError)
  t.throws(() => written(w => w.int16(-32769)), RangeError)
  t.throws(() => written(w => w.int32(2 ** 31)), RangeError)
  t.throws(() => written(w => w.uint16At(w.take(2), -1)), RangeError)
  t.throws(() => written(w => w.uint32At(w.take(4), 2 ** 32)), RangeError)
})

t.test('uuids', async t => {
  for (const { hex, text } of primitives.uuid) {
    t.equal(reader(hex).uuidAt(0), text)
    t.equal(
      written(w => w.uuidAt(w.take(16), text)),
      hex,
    )
  }
  t.equal(reader('00'.repeat(16)).uuidAt(0), zeroUuid)
  for (const text of ['', 'A', `${zeroUuid}A`, 'AAAAAAAAAAAAAAAAAAAAA+', 'AAAAAAAAAAAAAAAAAAAAAB']) {
    t.throws(() => written(w => w.uuidAt(w.take(16), text)), RangeError, text)
  }
})

t.test('strings', async t => {
  for (const text of [
    '',
    'a',
    'topic',
    'é',
    '日本語',
    '😀',
    '\ufeffbom',
    'a\u0000b',
    '\ufffd',
    'x'.repeat(42),
    'é'.repeat(42),
    'é'.repeat(300),
  ]) {
    const plain = written(w => w.string(text))
    t.equal(reader(plain).string(), text)
    t.equal(reader(plain).stringOrNull(), text)
    const compact = written(w => w.compactString(text))
    t.equal(reader(compact).compactString(), text)
    t.equal(reader(compact).compactStringOrNull(), text)
    t.equal(compact, `${written(w => w.uvarint(Buffer.byteLength(text) + 1))}${Buffer.from(text).toString('hex')}`)
  }
  t.equal(reader('ffff').stringOrNull(), null)
  t.equal(reader('00').compactStringOrNull(), null)
  t.throws(() => reader('ffff').string(), ParseError, 'null')
  t.throws(() => reader('00').compactString(), ParseError, 'null')
  t.throws(() => reader('fffe').stringOrNull(), ParseError, 'negative length')
  t.throws(() => reader('000361').string(), ParseError, 'cut short')
  t.throws(() => reader(`818002${'61'.repeat(32768)}`).compactString(), ParseError, 'longer than Kafka allows')
  t.throws(() => written(w => w.compactString('x'.repeat(32768))), RangeError)
})

t.test('text that is not UTF-8 is refused', async t => {
  for (const hex of ['ff', 'c3', 'c328', 'eda080', 'f8888080', 'c080', '61efbfbdff']) {
    const length = (hex.length / 2).toString(16).padStart(4, '0')
    t.throws(() => reader(length + hex).string(), { name: 'ParseError', message: /not UTF-8/ }, hex)
  }
})

t.test('bytes are views, and long ones are not copied on their way out', async t => {
  const frame = Buffer.from('00000003010203', 'hex')
  const view = new Reader(frame).bytes()
  t.same(view, Buffer.from([1, 2, 3]))
  t.equal(view.buffer, frame.buffer)
  t.equal(reader('ffffffff').bytesOrNull(), null)
  t.throws(() => reader('fffffffe').bytesOrNull(), ParseError)
  t.throws(() => reader('7fffffff00').bytes(), ParseError)

  const long = Buffer.alloc(100_000, 7)
  const writer = new Writer()
  writer.int32(1)
  writer.compactBytes([long, Buffer.from([1, 2])])
  writer.int32(2)
  const chunks = writer.finish()
  t.ok(chunks.includes(long))
  t.equal(
    Buffer.concat(chunks).toString('hex'),
    `00000001${written(w => w.uvarint(100_003))}${'07'.repeat(100_000)}010200000002`,
  )
})

t.test('a writer goes on in new memory when its slab is full', async t => {
  const writer = new Writer()
  for (let i = 0; i < 20_000; i++) writer.int32(i)
  t.equal(writer.length, 80_000)
  const all = Buffer.concat(writer.finish())
  t.equal(all.length, 80_000)
  for (let i = 0; i < 20_000; i++) if (all.readInt32BE(4 * i) !== i) t.fail(`${i}`)
})

t.test('writers that are open at the same time do not share memory', async t => {
  const one = new Writer()
  const two = new Writer()
  one.int32(1)
  two.int32(2)
  one.int32(1)
  const [first, second] = [one.finish(), two.finish()]
  const three = new Writer()
  three.int64(3)
  three.finish()
  t.equal(Buffer.concat(first).toString('hex'), '0000000100000001')
  t.equal(Buffer.concat(second).toString('hex'), '00000002')
})
