import t from 'tap'
import { FrameAssembler, FrameError } from '../../protocol/index.ts'

function framed(body: Buffer): Buffer {
  const size = Buffer.alloc(4)
  size.writeInt32BE(body.length)
  return Buffer.concat([size, body])
}

const bodies = [0, 1, 3, 100, 1023, 1024, 5000, 70_000, 2].map((length, i) => Buffer.alloc(length, i + 1))
const stream = Buffer.concat(bodies.map(framed))

t.test('frames come out whole however the stream is cut', async t => {
  for (const piece of [1, 2, 3, 4, 5, 7, 100, 1000, 1024, 4096, 65_536, stream.length]) {
    const assembler = new FrameAssembler(100_000)
    const frames: Buffer[] = []
    for (let at = 0; at < stream.length; at += piece) frames.push(...assembler.push(stream.subarray(at, at + piece)))
    t.same(
      frames.map(frame => frame.length),
      bodies.map(body => body.length),
      `pieces of ${piece}`,
    )
    t.ok(frames.every((frame, i) => frame.equals(bodies[i])))
    t.equal(assembler.pendingBytes, 0)
  }
})

t.test('cut at every place of two small frames', async t => {
  const two = Buffer.concat([framed(Buffer.from('hello')), framed(Buffer.from('world!'))])
  for (let at = 0; at <= two.length; at++) {
    const assembler = new FrameAssembler(10)
    const frames = [...assembler.push(two.subarray(0, at)), ...assembler.push(two.subarray(at))]
    t.same(frames.map(String), ['hello', 'world!'])
  }
})

t.test('a frame within one chunk is a view of it', async t => {
  const chunk = framed(Buffer.from('hello'))
  const [frame] = new FrameAssembler(10).push(chunk)
  t.equal(frame.buffer, chunk.buffer)
  t.equal(frame.byteOffset, chunk.byteOffset + 4)
})

t.test('sizes that are not accepted', async t => {
  for (const hex of ['ffffffff', '80000000', '0000000b', '7fffffff']) {
    const bytes = Buffer.from(hex, 'hex')
    t.throws(() => new FrameAssembler(10).push(bytes), FrameError, hex)
    const assembler = new FrameAssembler(10)
    assembler.push(bytes.subarray(0, 3))
    t.throws(() => assembler.push(bytes.subarray(3)), FrameError, `${hex} in two pieces`)
  }
  const error = new FrameError(-1, 10)
  t.equal(error.sizeBytes, -1)
  t.match(new FrameError(11, 10).message, 'the limit is 10')
})

t.test('frames before a bad size come out', async t => {
  const assembler = new FrameAssembler(10)
  const bad = Buffer.from('7fffffff00', 'hex')
  t.same(assembler.push(Buffer.concat([framed(Buffer.from('a')), framed(Buffer.from('b')), bad])).map(String), [
    'a',
    'b',
  ])
  t.ok(assembler.failure)
  t.throws(() => assembler.push(framed(Buffer.from('c'))), FrameError)
})

t.test('the limit may change between frames', async t => {
  const assembler = new FrameAssembler(4)
  t.throws(() => assembler.push(framed(Buffer.alloc(5))), FrameError)
  const other = new FrameAssembler(4)
  t.equal(other.push(framed(Buffer.alloc(4))).length, 1)
  other.limitBytes = 5
  t.equal(other.push(framed(Buffer.alloc(5))).length, 1)
})

t.test('a large size allocates nothing before its bytes arrive', async t => {
  const assembler = new FrameAssembler(1 << 30)
  const before = process.memoryUsage().arrayBuffers
  const size = Buffer.alloc(4)
  size.writeInt32BE(1 << 30)
  t.same(assembler.push(size), [])
  t.same(assembler.push(Buffer.alloc(10)), [])
  t.equal(assembler.pendingBytes, 14)
  t.equal(assembler.announcedBytes, (1 << 30) + 4)
  t.ok(process.memoryUsage().arrayBuffers - before < 1 << 20)
})

t.test('small pieces are gathered, so that their chunks can go', async t => {
  const assembler = new FrameAssembler(1_000_000)
  assembler.push(framed(Buffer.alloc(100_000)).subarray(0, 4))
  t.equal(assembler.announcedBytes, 100_004)
  const frames: Buffer[] = []
  for (let i = 0; i < 100_000; i++) frames.push(...assembler.push(Buffer.from([i & 0xff])))
  t.equal(frames.length, 1)
  t.ok(frames[0].every((byte, i) => byte === (i & 0xff)))
})
