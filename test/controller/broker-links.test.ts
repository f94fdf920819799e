import type { Test } from 'tap'
import t from 'tap'
import { BrokerLinks, type GoneBroker } from '../../src/controller/broker-links.ts'
import type { Server, Socket } from '../../src/host/host.ts'
import { nodeHost } from '../../src/host/node.ts'
import { MetadataState } from '../../src/metadata/state.ts'

/** Listens, and says when somebody came in and when it went. */
async function listen(port = 0) {
  const { network } = nodeHost({})
  const sockets = new Set<Socket>()
  let came: () => void = () => {}
  const visited = new Promise<void>(resolve => {
    came = resolve
  })
  const server: Server = await network.listen({ host: '127.0.0.1', port }, { backlog: 10 }, socket => {
    socket.stream.on('error', () => {})
    sockets.add(socket)
    came()
  })
  return {
    port: server.port,
    visited,
    cutAll: () => {
      for (const { stream } of sockets) stream.destroy()
    },
    close: () => server.close(),
  }
}

function watch(t: Test, port: number) {
  const metadata = new MetadataState()
  const register = (brokerId: number, epoch: number) =>
    metadata.apply(
      {
        kind: 'registerBroker',
        version: 4,
        value: {
          brokerId,
          brokerEpoch: epoch,
          incarnationId: 'AAAAAAAAAAAAAAAAAAAAAg',
          endPoints: [{ name: 'PLAINTEXT', host: '127.0.0.1', port, securityProtocol: 0 }],
          features: [],
          rack: null,
          fenced: false,
          inControlledShutdown: false,
          isMigratingZkBroker: false,
          logDirs: [],
          cordonedLogDirs: null,
        },
      },
      epoch,
    )
  register(1, 10)
  register(2, 11)
  const reports: GoneBroker[] = []
  let heard: (gone: GoneBroker) => void = () => {}
  const first = new Promise<GoneBroker>(resolve => {
    heard = resolve
  })
  const links = new BrokerLinks({
    host: nodeHost({}),
    metadata,
    ownId: 2,
    listenerName: 'PLAINTEXT',
    gone: gone => {
      reports.push(gone)
      heard(gone)
    },
  })
  t.teardown(() => links.close())
  return { links, reports, first, register }
}

t.test('a process that ends is noticed, and forgotten with its next life', async t => {
  const broker = await listen()
  const { links, first, register } = watch(t, broker.port)
  await broker.visited
  await broker.close()
  broker.cutAll()
  t.match(await first, { brokerId: 1, brokerEpoch: 10 })
  t.match(links.gone, [{ brokerId: 1 }])
  const again = await listen(broker.port)
  register(1, 20)
  await again.visited
  t.same(links.gone, [])
  links.close()
  again.cutAll()
  await again.close()
})

t.test('a connection that only breaks says nothing', async t => {
  const broker = await listen()
  const { links, reports } = watch(t, broker.port)
  await broker.visited
  const { network } = nodeHost({})
  broker.cutAll()
  // Whoever connects after the cut comes in after the link did.
  const later = await network.connect({ host: '127.0.0.1', port: broker.port }, 1000)
  later.stream.destroy()
  t.same(reports, [])
  links.close()
  broker.cutAll()
  await broker.close()
})
