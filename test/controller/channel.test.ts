import t from 'tap'
import { Errors, KafkaError } from '../../protocol/errors.ts'
import { type AnyApi, brokerHeartbeat, type DecodedResponseOf } from '../../protocol/index.ts'
import { ControllerChannel, type LeaderView } from '../../src/controller/channel.ts'
import type { Endpoint } from '../../src/host/host.ts'
import { PeerError } from '../../src/network/peers.ts'
import { SimClock } from '../sim/clock.ts'

const beat = { brokerId: 1, currentMetadataOffset: 0, wantFence: false, wantShutDown: false }
const answer = (errorCode: number) => ({
  throttleTimeMs: 0,
  errorCode,
  isCaughtUp: true,
  isFenced: false,
  shouldShutDown: false,
})

class Quorum implements LeaderView {
  leaderId = -1
  readonly #listeners = new Set<{ leaderChanged(to: { leaderId: number; epoch: number }): void }>()

  leaderEndpoint(): Endpoint | null {
    return this.leaderId < 0 ? null : { host: `node${this.leaderId}`, port: 9093 }
  }

  listen(listener: { leaderChanged(to: { leaderId: number; epoch: number }): void }): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  elect(leaderId: number): void {
    this.leaderId = leaderId
    for (const listener of this.#listeners) listener.leaderChanged({ leaderId, epoch: 1 })
  }
}

type Script = (to: string) => Promise<ReturnType<typeof answer>>

/** A node 1 whose requests are answered by `script`; what was asked of whom is in `asked`. */
function world(script: Script) {
  const clock = new SimClock()
  const quorum = new Quorum()
  const asked: string[] = []
  const ask = <A extends AnyApi>(to: string, api: A): Promise<DecodedResponseOf<A>> => {
    asked.push(`${to}:${api.name}`)
    return script(to) as unknown as Promise<DecodedResponseOf<A>>
  }
  const channel = new ControllerChannel({
    host: { clock },
    nodeId: 1,
    quorum,
    peers: { request: (to, api) => ask(to.host, api) },
    local: api => ask('local', api),
    attemptTimeoutMs: 1000,
  })
  return { clock, quorum, asked, channel }
}

const never = () => new Promise<never>(() => {})

async function failure(work: Promise<unknown>): Promise<number | string> {
  try {
    await work
    return 'answered'
  } catch (error) {
    return error instanceof KafkaError ? error.code : String(error)
  }
}

t.test('itself without a socket, others over one', async t => {
  const { clock, quorum, asked, channel } = world(async () => answer(0))
  quorum.elect(1)
  t.equal((await clock.run(channel.request(brokerHeartbeat, beat, { timeoutMs: 100 }))).isCaughtUp, true)
  quorum.elect(3)
  await clock.run(channel.request(brokerHeartbeat, beat, { timeoutMs: 100 }))
  t.same(asked, ['local:BrokerHeartbeat', 'node3:BrokerHeartbeat'])
})

t.test('waits for a leader, and no longer than its deadline', async t => {
  const { clock, quorum, channel } = world(async () => answer(0))
  const startMs = clock.monotonic()
  t.equal(
    await clock.run(failure(channel.request(brokerHeartbeat, beat, { timeoutMs: 500 }))),
    Errors.REQUEST_TIMED_OUT,
  )
  t.equal(clock.monotonic() - startMs, 500)
  const waiting = channel.request(brokerHeartbeat, beat, { timeoutMs: 500 })
  await clock.advance(100)
  quorum.elect(2)
  t.equal((await clock.run(waiting)).errorCode, 0)
})

t.test('a lost connection, and one who is not the controller any more, are asked again', async t => {
  const to = { host: 'node2', port: 9093 }
  const script = [
    () => Promise.reject(new PeerError('closed', to, 'lost')),
    () => Promise.reject(new PeerError('unreachable', to, 'refused')),
    () => Promise.resolve(answer(Errors.NOT_CONTROLLER)),
    () => Promise.resolve(answer(Errors.STALE_BROKER_EPOCH)),
  ]
  const { clock, quorum, asked, channel } = world(() => script[asked.length - 1]())
  quorum.elect(2)
  const { errorCode } = await clock.run(channel.request(brokerHeartbeat, beat, { timeoutMs: 5000 }))
  t.equal(errorCode, Errors.STALE_BROKER_EPOCH)
  t.equal(asked.length, 4)
})

t.test('an old leader that is cut off is not waited for', async t => {
  const { clock, quorum, asked, channel } = world(to => (to === 'node2' ? never() : Promise.resolve(answer(0))))
  quorum.elect(2)
  const waiting = channel.request(brokerHeartbeat, beat, { timeoutMs: 60_000 })
  await clock.advance(300)
  quorum.elect(3)
  const startMs = clock.monotonic()
  await clock.run(waiting)
  t.same(asked, ['node2:BrokerHeartbeat', 'node3:BrokerHeartbeat'])
  t.ok(clock.monotonic() - startMs <= 20)
})

t.test('one attempt takes no longer than it may', async t => {
  const { clock, quorum, asked, channel } = world(() => (asked.length === 1 ? never() : Promise.resolve(answer(0))))
  quorum.elect(2)
  const startMs = clock.monotonic()
  await clock.run(channel.request(brokerHeartbeat, beat, { timeoutMs: 60_000 }))
  t.ok(clock.monotonic() - startMs >= 1000 && clock.monotonic() - startMs < 1100)
})

t.test('no common version is told, and a closed channel answers nobody', async t => {
  const to = { host: 'node2', port: 9093 }
  const { clock, quorum, channel } = world(() => Promise.reject(new PeerError('version', to, 'too old')))
  quorum.elect(2)
  t.equal(
    await clock.run(failure(channel.request(brokerHeartbeat, beat, { timeoutMs: 100 }))),
    Errors.UNSUPPORTED_VERSION,
  )
  quorum.elect(-1)
  const waiting = failure(channel.request(brokerHeartbeat, beat, { timeoutMs: 60_000 }))
  await clock.advance(10)
  channel.close()
  t.equal(await clock.run(waiting), Errors.REQUEST_TIMED_OUT)
})
