/** The command line against a cluster of which brokers stop in the middle of the work. */
import t from 'tap'
import { startCluster } from '../../src/index.ts'
import { typist } from '../cli/typed.ts'

t.setTimeout(120_000)

const cluster = await startCluster({ brokers: 3, config: { 'group.initial.rebalance.delay.ms': 0 } })
t.teardown(() => cluster.close())
const type = typist(cluster.brokers.map(({ bootstrap }) => bootstrap).join(','))

/** Holds back until it is let go on. */
class Step {
  pass: () => void = () => {}
  readonly passed = new Promise<void>(resolve => {
    this.pass = resolve
  })
}

const lines = (from: number, to: number) =>
  Buffer.from(Array.from({ length: to - from }, (_, i) => `${from + i}\n`).join(''))

t.test('producing and reading go on while the leader of everything stops', async t => {
  t.equal((await type('topic create orders -p 3 -r 3 -c min.insync.replicas=2')).code, 0)
  await cluster.whenInSync()
  const stopped = new Step()
  const seen = new Step()
  async function* input() {
    yield lines(0, 1000)
    await seen.passed
    await cluster.stop(cluster.leaderOf('orders', 0), { abrupt: true })
    stopped.pass()
    yield lines(1000, 2000)
  }
  const reading = new AbortController()
  const read: string[] = []
  const following = type('record consume orders --from earliest --follow', {
    interrupted: reading.signal,
    onOutput(piece) {
      read.push(...piece.split('\n').slice(0, -1))
      if (read.length >= 1000) seen.pass()
      if (read.length >= 2000) reading.abort('SIGINT')
    },
  })
  const produced = await type('record produce orders --json --timeout 60s', { input: input() })
  t.equal(produced.code, 0, produced.err)
  t.equal(JSON.parse(produced.out).records, 2000)
  t.equal((await following).code, 130, 'ended by Ctrl-C')
  const numbers = (texts: readonly string[]) => texts.map(Number).sort((a, b) => a - b)
  const all = Array.from({ length: 2000 }, (_, i) => i)
  t.strictSame(numbers(read), all, 'whoever followed saw every record once')
  const { out } = await type('record consume orders')
  t.strictSame(numbers(out.split('\n').slice(0, -1)), all, 'every record is there once')
})

t.test('a group goes on where it was, with another coordinator', async t => {
  t.equal((await type('record consume orders --group billing -n 500')).out.split('\n').length, 501)
  for (const { id, isRunning } of cluster.brokers) if (!isRunning) await cluster.start(id)
  await cluster.whenInSync()
  await cluster.stop(cluster.leaderOf('__consumer_offsets', 0))
  const rest = await type('record consume orders --group billing --timeout 60s')
  t.equal(rest.code, 0, rest.err)
  t.equal(rest.out.split('\n').length, 1501)
  const described = JSON.parse((await type('group describe billing --json')).out)
  t.equal(described.groups[0].lag, 0)
})

t.test('the cluster shows what is missing, and heals', async t => {
  const missing = JSON.parse((await type('cluster describe --json')).out)
  t.ok(missing.underReplicated > 0)
  for (const { id, isRunning } of cluster.brokers) if (!isRunning) await cluster.start(id)
  await cluster.whenInSync()
  t.equal((await type('cluster elect')).code, 0)
  const plan = await type('cluster reassign plan orders --brokers 1,2 -r 2')
  t.equal(plan.code, 0, plan.err)
  const began = await type('cluster reassign execute - --yes --wait', { input: plan.out })
  t.equal(began.code, 0, began.err)
  t.equal((await type('cluster reassign verify -', { input: plan.out })).code, 0)
  const topic = JSON.parse((await type('topic describe orders --json')).out).topics[0]
  for (const { replicas } of topic.partitions) t.strictSame([...replicas].sort(), [1, 2])
  t.equal((await type('record consume orders -n 5')).out.split('\n').length, 6)
  t.equal((await type('cluster unregister 3 --yes')).code, 5, 'it is up')
  t.match((await type('cluster log-dirs --topic orders')).out, /^TOPIC +PARTITION +BROKER/)
})
