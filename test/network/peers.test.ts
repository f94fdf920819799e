import t from 'tap'
import { fetch, findCoordinator, heartbeat, metadata } from '../../protocol/index.ts'
import { nodeHost, silentLogger } from '../../src/host/node.ts'
import { type AskOptions, PeerError, Peers, type PeersOptions } from '../../src/network/peers.ts'
import { type SimHost, simHost } from '../sim/host.ts'
import { ScriptedPeer } from './scripted-peer.ts'

const everything = [fetch, metadata, findCoordinator, heartbeat].map(({ key, versions }) => ({
  apiKey: key,
  minVersion: versions.low,
  maxVersion: versions.high,
}))
const options: AskOptions = { lane: 'control', timeoutMs: 1000 }
const beat = { groupId: 'g', generationId: 1, memberId: 'm' }

interface World {
  readonly host: SimHost
  readonly peer: ScriptedPeer
  readonly peers: Peers
  readonly to: { host: string; port: number }
}

async function world(peersOptions: Partial<PeersOptions> = {}): Promise<World> {
  const host = simHost(7)
  const peer = new ScriptedPeer(everything)
  const port = await peer.listen(host.network)
  const peers = new Peers(host, { clientId: 'ottla-1', ...peersOptions })
  return { host, peer, peers, to: { host: '127.0.0.1', port } }
}

/** Why it failed; fails the test when it did not. */
async function failure(work: Promise<unknown>): Promise<string> {
  try {
    await work
  } catch (error) {
    if (error instanceof PeerError) return error.reason
    throw error
  }
  return 'answered'
}

t.test('over real sockets: one connection, versions asked once, the highest common version', async t => {
  const host = nodeHost({ logger: silentLogger })
  const peer = new ScriptedPeer([{ apiKey: heartbeat.key, minVersion: 0, maxVersion: 3 }])
  const to = { host: '127.0.0.1', port: await peer.listen(host.network) }
  const peers = new Peers(host, { clientId: 'ottla-1' })
  t.teardown(async () => {
    await peers.close()
    await peer.close()
  })
  const answers = [1, 2, 3].map(generationId => peers.request(to, heartbeat, { ...beat, generationId }, options))
  const asked = [await peer.next(), await peer.next(), await peer.next()]
  t.same(
    asked.map(({ header }) => [header.apiVersion, header.clientId]),
    [3, 3, 3].map(version => [version, 'ottla-1']),
  )
  t.same(
    asked.map(each => each.body(heartbeat).generationId),
    [1, 2, 3],
  )
  asked[0].answer(heartbeat, { errorCode: 27 })
  t.equal((await answers[0]).errorCode, 27)
  asked[1].answer(heartbeat, { errorCode: 0 })
  asked[2].answer(heartbeat, { errorCode: 25 })
  t.same(
    (await Promise.all(answers)).map(({ errorCode }) => errorCode),
    [27, 0, 25],
  )
  t.equal(peer.connections.length, 1)
  t.same(peer.versionsAsked, [4])
})

t.test('answers are matched by their ids, not by their order', async t => {
  const { host, peer, peers, to } = await world()
  const first = peers.request(to, heartbeat, beat, options)
  const second = peers.request(to, heartbeat, beat, options)
  const [one, two] = await host.clock.run(Promise.all([peer.next(), peer.next()]))
  two.answer(heartbeat, { errorCode: 2 })
  one.answer(heartbeat, { errorCode: 1 })
  t.equal((await host.clock.run(second)).errorCode, 2)
  t.equal((await host.clock.run(first)).errorCode, 1)
})

t.test('a peer that does not know our ApiVersions is asked in one that it knows', async t => {
  const { host, peer, peers, to } = await world()
  peer.apiVersionsMax = 2
  const answer = peers.request(to, heartbeat, beat, options)
  ;(await host.clock.run(peer.next())).answer(heartbeat, { errorCode: 0 })
  t.equal((await host.clock.run(answer)).errorCode, 0)
  t.same(peer.versionsAsked, [4, 2])
})

t.test('without a common version nothing is sent', async t => {
  const { host, peer, peers, to } = await world()
  peer.known = [{ apiKey: heartbeat.key, minVersion: 2, maxVersion: 3 }]
  t.equal(
    await host.clock.run(
      failure(peers.request(to, metadata, { topics: null, includeTopicAuthorizedOperations: false }, options)),
    ),
    'version',
  )
  t.equal(await host.clock.run(failure(peers.request(to, heartbeat, beat, { ...options, minVersion: 4 }))), 'version')
  t.equal(await host.clock.run(failure(peers.request(to, heartbeat, beat, { ...options, maxVersion: 1 }))), 'version')
  const answer = peers.request(to, heartbeat, beat, { ...options, maxVersion: 2 })
  const asked = await host.clock.run(peer.next())
  t.equal(asked.header.apiVersion, 2)
  asked.answer(heartbeat, { errorCode: 0 })
  await host.clock.run(answer)
})

t.test('lanes have a connection each: a long poll holds up nobody', async t => {
  const { host, peer, peers, to } = await world()
  const poll = peers.request(to, heartbeat, beat, { lane: 'fetch-0', timeoutMs: 60_000 })
  await host.clock.run(peer.next())
  const vote = peers.request(to, heartbeat, beat, { lane: 'raft', timeoutMs: 100 })
  ;(await host.clock.run(peer.next())).answer(heartbeat, { errorCode: 0 })
  t.equal((await host.clock.run(vote)).errorCode, 0)
  t.equal(peer.connections.length, 2)
  await peers.close()
  t.equal(await failure(poll), 'closed')
})

t.test('a late answer is dropped and the connection stays, while the peer shows signs of life', async t => {
  const { host, peer, peers, to } = await world()
  const late = peers.request(to, heartbeat, beat, { ...options, timeoutMs: 50 })
  const slow = await host.clock.run(peer.next())
  const patient = peers.request(to, heartbeat, beat, options)
  const other = await host.clock.run(peer.next())
  other.answer(heartbeat, { errorCode: 2 })
  t.equal((await host.clock.run(patient)).errorCode, 2)
  t.equal(await host.clock.run(failure(late)), 'timeout')
  slow.answer(heartbeat, { errorCode: 1 })
  const next = peers.request(to, heartbeat, beat, options)
  ;(await host.clock.run(peer.next())).answer(heartbeat, { errorCode: 3 })
  t.equal((await host.clock.run(next)).errorCode, 3)
  t.equal(peer.connections.length, 1)
})

t.test('a peer that has not said a word since it was asked is connected to anew', async t => {
  const { host, peer, peers, to } = await world()
  const first = peers.request(to, heartbeat, beat, { ...options, timeoutMs: 50 })
  const second = peers.request(to, heartbeat, beat, options)
  t.same(await host.clock.run(Promise.all([failure(first), failure(second)])), ['timeout', 'closed'])
  await host.clock.run(peer.next())
  await host.clock.run(peer.next())
  const third = peers.request(to, heartbeat, beat, options)
  ;(await host.clock.run(peer.next())).answer(heartbeat, { errorCode: 0 })
  t.equal((await host.clock.run(third)).errorCode, 0)
  t.equal(peer.connections.length, 2)
})

t.test('a lost connection rejects everything in flight', async t => {
  const { host, peer, peers, to } = await world()
  const lost = [1, 2, 3].map(() => failure(peers.request(to, heartbeat, beat, options)))
  const asked = await host.clock.run(peer.next())
  asked.stream.destroy()
  t.same(await host.clock.run(Promise.all(lost)), ['closed', 'closed', 'closed'])
})

t.test('nobody listens: unreachable at once, then with a pause that grows, and reached when somebody does', async t => {
  const host = simHost(3)
  const peers = new Peers(host, { clientId: 'x' })
  const to = { host: '127.0.0.1', port: 9 }
  const tookMs: number[] = []
  for (let attempt = 0; attempt < 8; attempt++) {
    const startMs = host.clock.monotonic()
    t.equal(await host.clock.run(failure(peers.request(to, heartbeat, beat, options))), 'unreachable')
    tookMs.push(host.clock.monotonic() - startMs)
  }
  t.ok(tookMs[0] < 5, `${tookMs}`)
  t.ok(tookMs[1] > 10 && tookMs[1] < 30, `${tookMs}`)
  t.ok(tookMs[7] > 350 && tookMs[7] < 650, `${tookMs}`)
  const peer = new ScriptedPeer(everything)
  await peer.listen(host.network, to.port)
  const reached = peers.request(to, heartbeat, beat, options)
  ;(await host.clock.run(peer.next())).answer(heartbeat, { errorCode: 0 })
  t.equal((await host.clock.run(reached)).errorCode, 0)
})

t.test('the deadline holds while connecting too', async t => {
  const { host, peer, peers, to } = await world()
  peer.known = null
  const startMs = host.clock.monotonic()
  t.equal(await host.clock.run(failure(peers.request(to, heartbeat, beat, { ...options, timeoutMs: 70 }))), 'timeout')
  t.equal(host.clock.monotonic() - startMs, 70)
})

t.test('an answer nobody asked for, an oversized one and one that cannot be read end the connection', async t => {
  const frames = [
    Buffer.from([0, 0, 0, 8, 0, 0, 99, 0, 0, 0, 0, 0]),
    Buffer.from([0x7f, 0, 0, 0, 1]),
    Buffer.from([0, 0, 0, 4, 0, 0, 0, 1]),
    Buffer.from([0, 0, 0, 2, 0, 0]),
  ]
  for (const frame of frames) {
    const { host, peer, peers, to } = await world()
    const answer = failure(peers.request(to, heartbeat, beat, options))
    const asked = await host.clock.run(peer.next())
    asked.stream.write(frame)
    t.equal(await host.clock.run(answer), 'closed')
  }
})

t.test('limits: so many requests of a lane wait, and a lane without use is closed', async t => {
  const { host, peer, peers, to } = await world({ limits: { requestsMax: 2, idleMs: 5000, sweepMs: 1000 } })
  const waiting = [1, 2].map(() => peers.request(to, heartbeat, beat, options))
  t.equal(await failure(peers.request(to, heartbeat, beat, options)), 'unreachable')
  for (const _ of waiting) (await host.clock.run(peer.next())).answer(heartbeat, { errorCode: 0 })
  await host.clock.run(Promise.all(waiting))
  await host.clock.advance(4000)
  t.equal(peers.lanes, 1)
  await host.clock.advance(3000)
  t.equal(peers.lanes, 0)
  t.ok(peer.connections[0].destroyed || peer.connections[0].readableEnded)
})

t.test('after close every request is refused', async t => {
  const { peers, to } = await world()
  const waiting = failure(peers.request(to, heartbeat, beat, options))
  await peers.close()
  t.equal(await waiting, 'closed')
  t.equal(await failure(peers.request(to, heartbeat, beat, options)), 'closed')
})
