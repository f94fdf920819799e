import t from 'tap'
import { silentLogger } from '../../src/host/node.ts'
import { AssertionError } from '../../src/lib/assert.ts'
import { ByteBudget } from '../../src/network/byte-budget.ts'
import { type Answer, Connection, type Turn } from '../../src/network/connection.ts'
import { type NetworkLimits, networkLimits } from '../../src/network/limits.ts'
import { CloseConnection, type Peer } from '../../src/network/peer.ts'
import { FakeSocket, settled } from './fake-socket.ts'
import { ManualClock } from './manual-clock.ts'

interface Served {
  readonly text: string
  readonly turn: Turn
  answer(text: string | null): void
  answerWith(chunks: Buffer[]): void
  fail(error: Error): void
}

function frame(text: string): Buffer {
  const body = Buffer.from(text)
  const size = Buffer.alloc(4)
  size.writeInt32BE(body.length)
  return Buffer.concat([size, body])
}

/** A connection whose requests wait for the test to answer them. */
function connect(
  limits: Partial<NetworkLimits> = {},
  budget = new ByteBudget(1e9),
  clock = new ManualClock(),
  socket = new FakeSocket(),
) {
  const served: Served[] = []
  const violations: string[] = []
  let closed = 0
  const peer: Peer = {
    connectionId: 1,
    listener: {
      name: 'PLAINTEXT',
      securityProtocol: 'PLAINTEXT',
      advertisedHost: 'h',
      advertisedPort: 1,
      kind: 'broker',
      privileged: false,
    },
    remoteAddress: '10.0.0.1',
    remotePort: 1,
    localPort: 2,
    principal: 'User:ANONYMOUS',
    softwareName: 'unknown',
    softwareVersion: 'unknown',
  }
  const connection = new Connection(socket, peer, {
    limits: { ...networkLimits, ...limits },
    clock,
    log: silentLogger,
    budget,
    serve: (bytes, _peer, turn) =>
      new Promise<Answer>((resolve, reject) => {
        served.push({
          text: bytes.toString(),
          turn,
          answer: text => resolve(text === null ? null : [Buffer.from(text)]),
          answerWith: resolve,
          fail: reject,
        })
      }),
    closed: () => {
      closed += 1
    },
    violated: (_connection, reason) => violations.push(reason),
  })
  return {
    socket,
    served,
    violations,
    connection,
    clock,
    texts: () => served.map(each => each.text),
    sent: () => socket.sentBytes.toString(),
    closed: () => closed,
  }
}

t.test('one request at a time, answers in order', async t => {
  const c = connect()
  c.socket.feed(Buffer.concat([frame('a'), frame('b'), frame('c')]))
  await settled()
  t.same(c.texts(), ['a'], 'b waits for the answer to a')
  c.served[0].answer('A')
  await settled()
  t.same(c.texts(), ['a', 'b'])
  t.equal(c.sent(), 'A')
  c.served[1].answer(null)
  await settled()
  c.served[2].answer('C')
  await settled()
  t.equal(c.sent(), 'AC', 'a request without an answer leaves no trace')
})

t.test('frames arrive in any pieces', async t => {
  const c = connect()
  const bytes = Buffer.concat([frame('hello'), frame(''), frame('x'.repeat(1000))])
  for (const byte of bytes) {
    c.socket.feed(Buffer.from([byte]))
    await settled()
    for (const each of c.served) each.answer('.')
  }
  await settled()
  t.same(c.texts(), ['hello', '', 'x'.repeat(1000)])
  t.equal(c.sent(), '...')
})

t.test('release starts the next request; answers keep the order of the requests', async t => {
  const c = connect()
  c.socket.feed(Buffer.concat([frame('a'), frame('b'), frame('c')]))
  await settled()
  c.served[0].turn.release()
  t.same(c.texts(), ['a', 'b'], 'in the same turn of the event loop')
  c.served[0].turn.release()
  t.same(c.texts(), ['a', 'b'], 'a second release counts for nothing')
  c.served[1].turn.release()
  c.served[2].answer('C')
  c.served[1].answer(null)
  await settled()
  t.equal(c.sent(), '', 'what is ready waits for what was asked first')
  c.served[0].answer('A')
  await settled()
  t.equal(c.sent(), 'AC')
  t.equal(c.socket.writes.length, 1, 'in one write')
})

t.test('answers that become ready one after the other are written together', async t => {
  const c = connect()
  c.socket.feed(Buffer.concat(['a', 'b', 'c', 'd'].map(frame)))
  await settled()
  for (let i = 0; i < 3; i++) c.served[i].turn.release()
  for (let i = 0; i < 3; i++) c.served[i].answer(String(i))
  await settled()
  t.equal(c.sent(), '012')
  t.equal(c.socket.writes.length, 1)
})

t.test('released requests are limited in number and bytes', async t => {
  const byCount = connect({ requestsInFlightMax: 2 })
  byCount.socket.feed(Buffer.concat(['a', 'b', 'c'].map(frame)))
  await settled()
  byCount.served[0].turn.release()
  byCount.served[1].turn.release()
  t.same(byCount.texts(), ['a', 'b'])
  byCount.served[0].answer('A')
  await settled()
  t.same(byCount.texts(), ['a', 'b', 'c'])

  const byBytes = connect({ requestBytesInFlightMax: 100 })
  byBytes.socket.feed(Buffer.concat([frame('x'.repeat(200)), frame('b')]))
  await settled()
  byBytes.served[0].turn.release()
  t.equal(byBytes.served.length, 1)
  byBytes.served[0].answer('A')
  await settled()
  t.equal(byBytes.served.length, 2)
})

t.test('a refused request ends the connection after the answers before it', async t => {
  const c = connect()
  c.socket.feed(Buffer.concat(['a', 'b', 'c'].map(frame)))
  await settled()
  c.served[0].turn.release()
  c.served[1].fail(new CloseConnection('nonsense'))
  await settled()
  t.notOk(c.socket.destroyed, 'a is still to be answered')
  c.served[0].answer('A')
  await settled()
  t.equal(c.sent(), 'A')
  t.ok(c.socket.destroyed)
  t.same(c.violations, ['nonsense'])
  t.same(c.texts(), ['a', 'b'], 'c is never looked at')
  t.equal(c.closed(), 1)
})

t.test('an impossible frame size ends the connection after the answers before it', async t => {
  for (const size of [-1, -(2 ** 31), 1001]) {
    const c = connect({ frameBytesMax: 1000 })
    c.socket.feed(frame('a'))
    await settled()
    const bad = Buffer.alloc(4)
    bad.writeInt32BE(size)
    c.socket.feed(bad)
    await settled()
    t.notOk(c.socket.destroyed)
    c.served[0].answer('A')
    await settled()
    t.equal(c.sent(), 'A')
    t.ok(c.socket.destroyed, String(size))
    t.equal(c.violations.length, 1)
  }
})

t.test('requests before an impossible frame in the same chunk are answered', async t => {
  const c = connect()
  c.socket.feed(Buffer.concat([frame('a'), frame('b'), Buffer.from('80000000', 'hex')]))
  await settled()
  c.served[0].answer('A')
  await settled()
  c.served[1].answer('B')
  await settled()
  t.equal(c.sent(), 'AB')
  t.ok(c.socket.destroyed)
  t.equal(c.violations.length, 1)
})

t.test('a broken invariant is nobody’s to catch', async t => {
  const socket = new FakeSocket()
  const { connection } = connect()
  new Connection(socket, connection.peer, {
    limits: networkLimits,
    clock: new ManualClock(),
    log: silentLogger,
    budget: new ByteBudget(1e9),
    serve: () => {
      throw new AssertionError('broken')
    },
    closed: () => {},
    violated: () => {},
  })
  t.throws(() => socket.emit('data', frame('a')), AssertionError)
})

t.test('a frame that does not become whole is cut off', async t => {
  const c = connect()
  c.socket.feed(Buffer.from([0, 0]))
  await settled()
  c.clock.advance(29_000)
  c.connection.sweep(c.clock.monotonic())
  t.notOk(c.socket.destroyed)
  c.clock.advance(2000)
  c.connection.sweep(c.clock.monotonic())
  await settled()
  t.ok(c.socket.destroyed)
  t.same(c.violations, ['frame too slow'])
})

t.test('a byte a minute does not keep a frame alive, a slow link does', async t => {
  const slowloris = connect()
  slowloris.socket.feed(frame('x'.repeat(100)).subarray(0, 4))
  await settled()
  slowloris.clock.advance(20_000)
  slowloris.socket.feed(Buffer.from('x'))
  await settled()
  slowloris.clock.advance(20_000)
  slowloris.connection.sweep(slowloris.clock.monotonic())
  await settled()
  t.ok(slowloris.socket.destroyed)

  const slow = connect({ frameBytesPerSecondMin: 1000 })
  const big = frame('x'.repeat(100_000))
  for (let second = 0; second < 50; second++) {
    slow.socket.feed(big.subarray(second * 2000, (second + 1) * 2000))
    await settled()
    slow.clock.advance(1000)
    slow.connection.sweep(slow.clock.monotonic())
  }
  slow.socket.feed(big.subarray(100_000))
  await settled()
  t.equal(slow.served.length, 1)
})

t.test('idle connections are closed, those with a request in work are not', async t => {
  const idle = connect()
  idle.clock.advance(600_001)
  idle.connection.sweep(idle.clock.monotonic())
  await settled()
  t.ok(idle.socket.destroyed)

  const busy = connect()
  busy.socket.feed(frame('a'))
  await settled()
  busy.clock.advance(700_000)
  busy.connection.sweep(busy.clock.monotonic())
  await settled()
  t.notOk(busy.socket.destroyed)
  busy.served[0].answer('A')
  await settled()
  busy.clock.advance(599_000)
  busy.connection.sweep(busy.clock.monotonic())
  await settled()
  t.notOk(busy.socket.destroyed, 'the answer counts as use')
})

t.test('a client that does not read gets no more work done, and is cut off in the end', async t => {
  const c = connect({ outputBytesMax: 1000, writeWindowBytes: 100 })
  c.socket.block()
  c.socket.feed(Buffer.concat([frame('a'), frame('b')]))
  await settled()
  c.served[0].answer('x'.repeat(100_000))
  await settled()
  t.equal(c.served.length, 1, 'b does not start while the answer to a is stuck')
  c.clock.advance(59_000)
  c.connection.sweep(c.clock.monotonic())
  t.notOk(c.socket.destroyed)
  c.clock.advance(2000)
  c.connection.sweep(c.clock.monotonic())
  await settled()
  t.ok(c.socket.destroyed)
})

t.test('a client that reads again gets everything', async t => {
  // The mark of a socket is 16 KiB in Node 20 and 64 KiB from Node 22 on.
  for (const mark of [16_384, 65_536]) {
    const limits = { outputBytesMax: 1000, writeWindowBytes: 20_000 }
    const c = connect(limits, new ByteBudget(1e9), new ManualClock(), new FakeSocket(mark))
    c.socket.block()
    c.socket.feed(Buffer.concat([frame('a'), frame('b')]))
    await settled()
    c.served[0].answerWith([Buffer.alloc(200_000, 'x'), Buffer.from('end')])
    await settled()
    c.socket.unblock()
    await settled()
    for (let i = 0; i < 20 && c.served.length < 2; i++) await settled()
    t.equal(c.served.length, 2)
    t.equal(c.socket.sentBytes.length, 200_003)
    t.ok(Math.max(...c.socket.writes) < 20_000 + Math.max(20_000, mark), 'in pieces')
    t.equal(c.sent().slice(-4), 'xend')
  }
})

t.test('a pipelining client is not read ahead without end', async t => {
  const c = connect({ readAheadBytesMax: 1000 })
  c.socket.feed(frame('a'))
  await settled()
  for (let i = 0; i < 100; i++) c.socket.feed(frame('x'.repeat(96)))
  await settled()
  t.ok(c.socket.isPaused())
  t.ok(c.socket.readableLength >= 8000, 'most of it stays in the socket')
  for (let i = 0; i <= 100; i++) {
    c.served[i].answer('.')
    await settled()
  }
  t.equal(c.sent(), '.'.repeat(101))
  t.notOk(c.socket.isPaused())
})

t.test('a queue that never runs empty keeps its order', async t => {
  const c = connect()
  const small = (i: number) => frame(String(i))
  c.socket.feed(Buffer.concat([small(0), small(1)]))
  await settled()
  for (let i = 2; i < 3000; i++) {
    c.socket.feed(small(i))
    c.served[i - 2].answer(null)
    await new Promise<void>(resolve => setImmediate(resolve))
  }
  c.served[2998].answer(null)
  await settled()
  t.same(
    c.texts(),
    Array.from({ length: 3000 }, (_, i) => String(i)),
  )
})

t.test('a spent budget stops reading, save for one connection amid a frame', async t => {
  const budget = new ByteBudget(1000)
  const clock = new ManualClock()
  const [a, b, c] = [connect({}, budget, clock), connect({}, budget, clock), connect({}, budget, clock)]
  const big = frame('x'.repeat(2000))
  a.socket.feed(big.subarray(0, 600))
  b.socket.feed(big.subarray(0, 600))
  await settled()
  c.socket.feed(frame('small'))
  await settled()
  t.equal(c.served.length, 1, 'what has arrived is served')
  t.ok(c.socket.isPaused(), 'but c reads no further')
  t.notOk(b.socket.isPaused(), 'b, which spent the last of it, may finish its frame')
  a.socket.feed(big.subarray(600, 700))
  await settled()
  t.ok(a.socket.isPaused(), 'a waits')
  clock.advance(3_600_000)
  a.connection.sweep(clock.monotonic())
  t.notOk(a.socket.destroyed, 'and is not to blame for that')
  b.socket.feed(big.subarray(600))
  await settled()
  t.equal(b.served.length, 1)
  t.notOk(a.socket.isPaused(), 'b is whole, a goes on')
  b.served[0].answer('B')
  c.served[0].answer('C')
  await settled()
  t.equal(budget.used, 700)
  t.notOk(c.socket.isPaused())
  a.socket.feed(big.subarray(700))
  await settled()
  a.served[0].answer('A')
  await settled()
  t.equal(budget.used, 0)
})

t.test('a connection that breaks gives its bytes back', async t => {
  const budget = new ByteBudget(1000)
  const a = connect({}, budget)
  a.socket.feed(Buffer.concat([frame('x'), frame('y'.repeat(500)).subarray(0, 300)]))
  await settled()
  t.equal(budget.used, 305)
  a.socket.destroy(new Error('reset'))
  await settled()
  t.equal(budget.used, 0)
  t.equal(a.closed(), 1)
  a.served[0].answer('late')
  await settled()
  t.equal(budget.used, 0)
  t.equal(a.closed(), 1)
})

t.test('draining answers what is in work and closes', async t => {
  const idle = connect()
  idle.connection.drain()
  await settled()
  t.ok(idle.socket.destroyed)

  const busy = connect()
  busy.socket.feed(Buffer.concat([frame('a'), frame('b')]))
  await settled()
  busy.connection.drain()
  busy.served[0].answer('A')
  await settled()
  t.equal(busy.sent(), 'A')
  t.same(busy.texts(), ['a'])
  t.ok(busy.socket.destroyed)
})

t.test('a client that ends its side is answered first', async t => {
  const c = connect()
  c.socket.feed(Buffer.concat([frame('a'), frame('b')]))
  c.socket.feedEnd()
  await settled()
  c.served[0].answer('A')
  await settled()
  c.served[1].answer('B')
  await settled()
  t.equal(c.sent(), 'AB')
  t.ok(c.socket.destroyed)
  t.same(c.violations, [])
})

t.test('whoever lent the bytes of an answer hears when they have left, and not before', async t => {
  const c = connect({ writeWindowBytes: 20_000 })
  const shared = Buffer.from('shared')
  const lent = [Buffer.alloc(50_000, 'a'), Buffer.alloc(50_000, 'b')]
  const back: number[] = []
  c.socket.feed(Buffer.concat([frame('1'), frame('2')]))
  await settled()
  c.served[0].turn.release()
  const bothBack = new Promise<void>(resolve => {
    for (const which of [0, 1]) {
      c.served[which].turn.whenSent(() => {
        lent[which].fill('!')
        if (back.push(which) === 2) resolve()
      })
    }
  })
  c.socket.block()
  // The same chunk ends both: it is not what tells them apart.
  c.served[0].answerWith([lent[0], shared])
  c.served[1].answerWith([lent[1], shared])
  await settled()
  t.same(back, [], 'the client has not read anything yet')
  c.socket.unblock()
  await bothBack
  t.same(back, [0, 1])
  t.equal(c.sent(), `${'a'.repeat(50_000)}shared${'b'.repeat(50_000)}shared`)
})

t.test('bytes that never left are never given back', async t => {
  const c = connect()
  c.socket.feed(frame('1'))
  await settled()
  c.served[0].turn.whenSent(() => t.fail('nothing was sent'))
  c.socket.block()
  c.served[0].answer('x')
  await settled()
  c.connection.destroy('gone')
  c.socket.unblock()
  await settled()
  t.ok(c.socket.destroyed)
})

t.test('a throttled connection is answered, and goes on when its time is over', async t => {
  const clock = new ManualClock()
  const c = connect({ idleMs: 1000 }, new ByteBudget(1e9), clock)
  c.socket.feed(Buffer.concat([frame('one'), frame('two')]))
  await settled()
  c.served[0].turn.throttle(5000)
  c.served[0].turn.release()
  c.served[0].answer('1')
  await settled()
  t.equal(c.sent(), '1', 'the answer leaves at once')
  t.equal(c.served.length, 1, 'the next request waits')
  clock.advance(4999)
  c.connection.sweep(clock.monotonic())
  t.equal(c.served.length, 1)
  c.socket.feedEnd()
  await settled()
  clock.advance(1)
  await settled()
  t.equal(c.served.length, 2, 'also of a client that has nothing more to say')
  c.served[1].answer('2')
  await settled()
  t.equal(c.sent(), '12')
  t.equal(clock.timers, 0)
})
