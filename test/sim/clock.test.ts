import t from 'tap'
import { SimClock } from './clock.ts'
import { simHost } from './host.ts'
import { SimRandom } from './random.ts'

t.test('events happen in the order of their time, then of their making', async t => {
  const clock = new SimClock()
  const order: string[] = []
  clock.after(20, () => order.push('late'))
  clock.after(10, () => order.push('first at 10'))
  clock.after(10, () => order.push('second at 10'))
  clock.after(5, () => order.push('cancelled'))()
  clock.soon(() => order.push('soon'))
  void (async () => {
    await clock.sleep(15)
    order.push(`woke at ${clock.monotonic()}`)
  })()
  t.same(order, [])
  await clock.advance(19)
  t.same(order, ['soon', 'first at 10', 'second at 10', 'woke at 15'])
  t.equal(clock.monotonic(), 19)
  await clock.advance(1)
  t.equal(order.at(-1), 'late')
})

t.test('many events', async t => {
  const clock = new SimClock()
  const random = new SimRandom(4)
  const times: number[] = []
  for (let i = 0; i < 500; i++) clock.after(random.below(100), () => times.push(clock.monotonic()))
  await clock.advance(100)
  t.equal(times.length, 500)
  t.same(
    times,
    [...times].sort((a, b) => a - b),
  )
})

t.test('running until something is done', async t => {
  const clock = new SimClock()
  t.equal(await clock.run(clock.sleep(1000).then(() => 'done')), 'done')
  await t.rejects(clock.run(clock.sleep(5).then(() => Promise.reject(new Error('no')))), { message: 'no' })
  await t.rejects(clock.run(new Promise(() => {})), { message: /stuck/ })
  await t.rejects(clock.run(clock.sleep(100), 10), { message: /no end/ })
  const before = clock.now()
  clock.jump(-3_600_000)
  t.equal(clock.now(), before - 3_600_000)
  t.ok(clock.monotonic() >= 1000)
})

t.test('randomness', async t => {
  const draws = (seed: number) => {
    const random = new SimRandom(seed)
    return [random.below(10), random.below(2 ** 40), random.bytes(8).toString('hex'), random.uuid()]
  }
  t.same(draws(1), draws(1))
  t.notSame(draws(1), draws(2))
  const random = new SimRandom(9)
  const counts = [0, 0, 0]
  for (let i = 0; i < 3000; i++) counts[random.below(3)]++
  t.ok(
    counts.every(count => count > 800 && count < 1200),
    counts.join(' '),
  )
})

t.test('connections between hosts', async t => {
  const { network, clock } = simHost(1)
  const received: string[] = []
  const server = await network.listen({ host: 'a', port: 0 }, { backlog: 1 }, socket => {
    socket.stream.on('data', chunk => received.push(String(chunk)))
    socket.stream.on('end', () => received.push('end'))
    socket.stream.write('hello')
  })
  const socket = await clock.run(network.connect({ host: 'a', port: server.port }, 1000))
  socket.stream.on('data', chunk => received.push(String(chunk)))
  for (const word of ['one', 'two', 'three']) socket.stream.write(word)
  socket.stream.end()
  await clock.advance(10)
  t.same(
    received.filter(word => word !== 'hello'),
    ['one', 'two', 'three', 'end'],
  )
  t.ok(received.includes('hello'))
  await server.close()
  await t.rejects(clock.run(network.connect({ host: 'a', port: server.port }, 1000)), { message: /refused/ })
})
