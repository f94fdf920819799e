import t from 'tap'
import type { Socket } from '../../src/host/host.ts'
import { SimClock } from './clock.ts'
import { Fabric, type LinkOptions, type SimNetwork } from './network.ts'
import { ProcessClock } from './process-clock.ts'
import { SimRandom } from './random.ts'

class Pair {
  readonly clock = new SimClock()
  readonly fabric: Fabric
  readonly gates: Record<string, ProcessClock> = {}
  readonly networks: Record<string, SimNetwork> = {}
  /** What the server got, connection by connection. */
  readonly got: string[][] = []
  readonly accepted: Socket[] = []

  constructor(links: Partial<LinkOptions> = {}) {
    this.fabric = new Fabric(this.clock, new SimRandom(1), links)
    this.boot('client')
    this.boot('server')
  }

  boot(name: string): void {
    this.gates[name] = new ProcessClock(this.clock, { rate: 1, wallSkewMs: 0, monotonicStartMs: 0 })
    this.networks[name] = this.fabric.attach(name, this.gates[name])
  }

  async listen(): Promise<void> {
    await this.networks.server.listen({ host: 'server', port: 9092 }, { backlog: 5 }, socket => {
      const got: string[] = []
      this.got.push(got)
      this.accepted.push(socket)
      socket.stream.on('data', chunk => got.push(String(chunk)))
      socket.stream.on('end', () => got.push('end'))
      socket.stream.on('error', (error: Error) => got.push(error.message))
    })
  }

  async connect(): Promise<{ socket: Socket; heard: string[] }> {
    const socket = await this.clock.run(this.networks.client.connect({ host: 'server', port: 9092 }, 1000))
    const heard: string[] = []
    socket.stream.on('data', chunk => heard.push(String(chunk)))
    for (const event of ['end', 'close']) socket.stream.on(event, () => heard.push(event))
    socket.stream.on('error', (error: Error) => heard.push(error.message))
    return { socket, heard }
  }
}

t.test('what is sent over a cut link arrives when it heals, in order', async t => {
  const pair = new Pair()
  await pair.listen()
  const { socket } = await pair.connect()
  pair.fabric.cut('client', 'server')
  for (const word of ['a', 'b', 'c']) socket.stream.write(word)
  await pair.clock.advance(3000)
  t.same(pair.got, [[]])
  pair.fabric.heal('client', 'server')
  await pair.clock.advance(1500)
  t.equal(pair.got[0].join(''), 'abc')
})

t.test('a cut one way lets the other way through', async t => {
  const pair = new Pair()
  await pair.listen()
  const { socket, heard } = await pair.connect()
  pair.fabric.cut('client', 'server')
  socket.stream.write('lost')
  pair.accepted[0].stream.write('heard')
  await pair.clock.advance(100)
  t.same(heard, ['heard'])
  t.same(pair.got, [[]])
})

t.test('a sender that gets nothing through is told in the end, the other end hears nothing', async t => {
  const pair = new Pair()
  await pair.listen()
  const { socket, heard } = await pair.connect()
  pair.fabric.cut('client', 'server')
  socket.stream.write('lost')
  await pair.clock.advance(30_000)
  t.same(heard, ['ETIMEDOUT', 'close'])
  t.same(pair.got, [[]])
})

t.test('a request of a closed connection still arrives', async t => {
  const pair = new Pair()
  await pair.listen()
  const { socket } = await pair.connect()
  pair.fabric.cut('client', 'server')
  socket.stream.write('late')
  await pair.clock.advance(10)
  socket.stream.destroy()
  await pair.clock.advance(2000)
  t.same(pair.got, [[]])
  pair.fabric.heal('client', 'server')
  await pair.clock.advance(1500)
  t.equal(pair.got[0].join(''), 'lateend')
})

t.test('a dead process: its machine ends the connection and refuses new ones', async t => {
  const pair = new Pair()
  await pair.listen()
  const { heard } = await pair.connect()
  pair.gates.server.die()
  pair.fabric.detach('server', false)
  await pair.clock.advance(50)
  t.same(heard, ['end', 'close'])
  await t.rejects(pair.connect(), /refused/)
})

t.test('a dead machine: silence, then a reset once it is up again', async t => {
  const pair = new Pair()
  await pair.listen()
  const { socket, heard } = await pair.connect()
  pair.gates.server.die()
  pair.fabric.detach('server', true)
  await t.rejects(pair.connect(), /timed out/)
  t.same(heard, [])
  pair.boot('server')
  socket.stream.write('hello?')
  await pair.clock.advance(50)
  t.same(heard, ['ECONNRESET', 'close'])
})

t.test('a paused process: its machine takes connections and bytes, it hears of them when it goes on', async t => {
  const pair = new Pair()
  await pair.listen()
  pair.gates.server.pause()
  const { socket } = await pair.connect()
  socket.stream.write('patience')
  await pair.clock.advance(5000)
  t.same(pair.got, [])
  pair.gates.server.resume()
  await pair.clock.advance(1)
  t.equal(pair.got[0].join(''), 'patience')
})

t.test('a sender is held back by a reader that does not read', async t => {
  const pair = new Pair({ windowBytesMin: 1000, windowBytesMax: 1000 })
  await pair.listen()
  const { socket } = await pair.connect()
  await pair.clock.advance(10)
  pair.accepted[0].stream.pause()
  let sent = 0
  const chunk = Buffer.alloc(500)
  const send = () => {
    socket.stream.write(chunk, () => {
      sent += 1
      if (sent < 1000) send()
    })
  }
  send()
  await pair.clock.advance(1000)
  const held = sent
  t.ok(held < 200, `${held} chunks left`)
  pair.accepted[0].stream.resume()
  await pair.clock.advance(2000)
  t.ok(sent > held)
})
