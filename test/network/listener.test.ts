import t from 'tap'
import { nodeHost, silentLogger } from '../../src/host/node.ts'
import type { Answer, Serve } from '../../src/network/connection.ts'
import { type NetworkLimits, networkLimits } from '../../src/network/limits.ts'
import { type ListenerSettings, Listeners } from '../../src/network/listener.ts'
import { RawClient } from './raw-client.ts'

const local: ListenerSettings = {
  name: 'PLAINTEXT',
  securityProtocol: 'PLAINTEXT',
  host: '127.0.0.1',
  port: 0,
  advertisedHost: null,
  advertisedPort: null,
  kind: 'broker',
  privileged: false,
}

const whoAmI: Serve = (_frame, { listener }) => {
  const text = `${listener.name} ${listener.advertisedHost}:${listener.advertisedPort}`
  const size = Buffer.alloc(4)
  size.writeInt32BE(text.length)
  return [size, Buffer.from(text)]
}

function listen(serve: Serve = whoAmI, limits: Partial<NetworkLimits> = {}): Listeners {
  return new Listeners(nodeHost({ logger: silentLogger }), { ...networkLimits, ...limits }, serve)
}

async function ask(client: RawClient): Promise<string | undefined> {
  client.sendFrame(Buffer.from('?'))
  return (await client.next())?.toString()
}

t.test('several listeners, each with its own addresses', async t => {
  const listeners = listen()
  t.teardown(() => listeners.close())
  const inside = await listeners.open({ ...local, name: 'INSIDE' })
  const outside = await listeners.open({
    ...local,
    name: 'OUTSIDE',
    advertisedHost: 'kafka.example',
    advertisedPort: 1234,
  })
  const everywhere = await listeners.open({ ...local, name: 'ALL', host: '0.0.0.0' })
  t.same(
    listeners.bound.map(({ name }) => name),
    ['INSIDE', 'OUTSIDE', 'ALL'],
  )
  const answers = []
  for (const { port } of [inside, outside, everywhere]) {
    const client = await RawClient.connect(port)
    answers.push(await ask(client))
    client.destroy()
  }
  t.same(answers, [`INSIDE 127.0.0.1:${inside.port}`, 'OUTSIDE kafka.example:1234', `ALL localhost:${everywhere.port}`])
})

t.test('a taken port is an error', async t => {
  const listeners = listen()
  t.teardown(() => listeners.close())
  const { port } = await listeners.open(local)
  await t.rejects(listen().open({ ...local, port }), { code: 'EADDRINUSE' })
})

t.test('connections are limited in all and by address', async t => {
  const byAddress = listen(whoAmI, { connectionsPerIpMax: 2, connectionsPerIpOverrides: new Map([['127.0.0.2', 1]]) })
  t.teardown(() => byAddress.close())
  const { port } = await byAddress.open(local)
  const first = await RawClient.connect(port)
  t.ok(await ask(first))
  const second = await RawClient.connect(port)
  t.ok(await ask(second))
  const third = await RawClient.connect(port)
  await third.closed
  first.end()
  await first.closed
  const fourth = await RawClient.connect(port)
  t.ok(await ask(fourth), 'a place is free again')

  const inAll = listen(whoAmI, { connectionsMax: 1 })
  t.teardown(() => inAll.close())
  const open = await inAll.open(local)
  const peers = await inAll.open({ ...local, name: 'PEERS', privileged: true })
  const only = await RawClient.connect(open.port)
  t.ok(await ask(only))
  const refused = await RawClient.connect(open.port)
  await refused.closed
  const peer = await RawClient.connect(peers.port)
  t.ok(await ask(peer), 'a peer of the cluster takes the place of a client')
  await only.closed
})

t.test('closing answers what is in work, then closes; no port stays open', async t => {
  let finish: (answer: Answer) => void = () => {}
  let begin: () => void = () => {}
  const started = new Promise<void>(resolve => {
    begin = resolve
  })
  const listeners = listen(() => {
    begin()
    return new Promise(answer => {
      finish = answer
    })
  })
  const { port } = await listeners.open(local)
  const busy = await RawClient.connect(port)
  const idle = await RawClient.connect(port)
  busy.sendFrame(Buffer.from('?'))
  await started
  const closing = listeners.close()
  await idle.closed
  await t.rejects(RawClient.connect(port), { code: 'ECONNREFUSED' })
  finish([Buffer.from([0, 0, 0, 1, 42])])
  t.same(await busy.next(), Buffer.from([42]))
  await closing
  await busy.closed
  t.equal(listeners.connections, 0)
})

t.test('closing does not wait for ever', async t => {
  const listeners = listen(() => new Promise(() => {}), { drainMs: 30 })
  const { port } = await listeners.open(local)
  const client = await RawClient.connect(port)
  client.sendFrame(Buffer.from('?'))
  await new Promise<void>(resolve => {
    const look = () => (listeners.heldBytes > 0 ? resolve() : setImmediate(look))
    look()
  })
  await listeners.close()
  await client.closed
  t.equal(listeners.heldBytes, 0)
})

t.test('a client that ends its side is answered all the same', async t => {
  const listeners = listen(async (...request) => {
    await new Promise<void>(resolve => setImmediate(resolve))
    return whoAmI(...request)
  })
  t.teardown(() => listeners.close())
  const { port } = await listeners.open(local)
  const client = await RawClient.connect(port)
  client.sendFrame(Buffer.from('?'))
  client.sendFrame(Buffer.from('?'))
  client.end()
  t.ok(await client.next())
  t.ok(await client.next())
  await client.closed
  while (listeners.connections > 0) await new Promise<void>(resolve => setImmediate(resolve))
})
