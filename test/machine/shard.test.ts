import t from 'tap'
import { Errors, errorName } from '../../protocol/errors.ts'
import { buildBatch } from '../../protocol/records/builder.ts'
import { coordinatorError, Shard, type ShardOptions } from '../../src/machine/shard.ts'
import { simHost } from '../sim/host.ts'
import { endTransactionKey } from './control-key.ts'
import { Counter, codec, type Event, type Rec, type Reply } from './counter.ts'
import { FakeLog } from './fake-log.ts'

function world(log = new FakeLog(), options: Partial<ShardOptions> = {}) {
  const host = simHost(1)
  const machine = new Counter()
  const shard = new Shard<Event, Rec, Reply, number>(machine, codec, log, host, options)
  /** What came back, and when. */
  const replies: [string, Reply][] = []
  const send = (name: string, event: Event) => {
    void shard.submit(event).then(reply => replies.push([name, reply]))
  }
  return { host, machine, log, shard, replies, send }
}

async function loaded(log = new FakeLog(), options: Partial<ShardOptions> = {}) {
  const w = world(log, options)
  await w.shard.load()
  return w
}

const record = (amount: number) => ({ key: Buffer.from('added'), value: Buffer.from(String(amount)) })
const error = ({ replies }: { replies: [string, Reply][] }) =>
  replies.map(([name, reply]) => `${name} ${errorName(reply.error)}`)

t.test('an event is decided, written as one batch, applied, and answered when it is committed', async t => {
  const w = await loaded(new FakeLog(false))
  w.send('add', { kind: 'add', amounts: [1, 2, 3] })
  t.equal(w.machine.sum, 6, 'applied at once')
  t.same(w.log.batchSizes, [3])
  await w.host.clock.advance(100)
  t.same(w.replies, [])
  w.log.commit()
  await w.host.clock.advance(0)
  t.same(w.replies, [['add', { error: Errors.NONE, sum: 6 }]])
  t.same(
    w.machine.positions.map(({ offset, leaderEpoch }) => [offset, leaderEpoch]),
    [
      [0, 1],
      [1, 1],
      [2, 1],
    ],
  )
})

t.test('a read does not show what may still be lost', async t => {
  const w = await loaded(new FakeLog(false))
  w.send('before', { kind: 'read' })
  w.send('add', { kind: 'add', amounts: [1] })
  w.send('after', { kind: 'read' })
  await w.host.clock.advance(10)
  t.same(
    w.replies.map(([name]) => name),
    ['before'],
  )
  w.log.commit()
  await w.host.clock.advance(0)
  t.same(
    w.replies.map(([name, { sum }]) => `${name} ${sum}`),
    ['before 0', 'add 1', 'after 1'],
  )
})

t.test('an answer may belong to an earlier event', async t => {
  const w = await loaded()
  w.send('wait', { kind: 'await', sum: 5 })
  w.send('add', { kind: 'add', amounts: [4] })
  await w.host.clock.advance(900)
  t.same(error(w), ['add NONE'])
  w.send('add', { kind: 'add', amounts: [1] })
  await w.host.clock.advance(0)
  t.same(error(w).sort(), ['add NONE', 'add NONE', 'wait NONE'])
  t.same(w.log.batchSizes, [1, 1], 'what is only in memory is not written')
})

t.test('what cannot be written changes nothing', async t => {
  const w = await loaded()
  w.send('wait', { kind: 'await', sum: 1 })
  w.log.failing = Errors.NOT_ENOUGH_REPLICAS
  w.send('add', { kind: 'add', amounts: [1] })
  await w.host.clock.advance(0)
  t.same(error(w), ['add COORDINATOR_NOT_AVAILABLE'])
  t.equal(w.machine.sum, 0)
  w.log.failing = null
  w.send('add', { kind: 'add', amounts: [1] })
  await w.host.clock.advance(0)
  t.same(error(w).sort(), ['add COORDINATOR_NOT_AVAILABLE', 'add NONE', 'wait NONE'])
})

t.test('what is not committed in time is answered, once', async t => {
  const w = await loaded(new FakeLog(false), { commitTimeoutMs: 5000 })
  w.send('add', { kind: 'add', amounts: [1] })
  await w.host.clock.advance(4999)
  t.same(w.replies, [])
  await w.host.clock.advance(1)
  t.same(error(w), ['add COORDINATOR_NOT_AVAILABLE'])
  w.log.commit()
  await w.host.clock.advance(0)
  t.equal(w.replies.length, 1)
  t.equal(w.machine.sum, 2, 'it may have happened, and has (the timer of loading added one more)')
})

t.test('errors of the log, as clients of a coordinator know them', async t => {
  const mapped = Object.entries({
    UNKNOWN_TOPIC_OR_PARTITION: 'COORDINATOR_NOT_AVAILABLE',
    NOT_ENOUGH_REPLICAS: 'COORDINATOR_NOT_AVAILABLE',
    NOT_ENOUGH_REPLICAS_AFTER_APPEND: 'COORDINATOR_NOT_AVAILABLE',
    REQUEST_TIMED_OUT: 'COORDINATOR_NOT_AVAILABLE',
    NOT_LEADER_OR_FOLLOWER: 'NOT_COORDINATOR',
    KAFKA_STORAGE_ERROR: 'NOT_COORDINATOR',
    MESSAGE_TOO_LARGE: 'UNKNOWN_SERVER_ERROR',
    RECORD_LIST_TOO_LARGE: 'UNKNOWN_SERVER_ERROR',
    INVALID_FETCH_SIZE: 'UNKNOWN_SERVER_ERROR',
    NETWORK_EXCEPTION: 'COORDINATOR_LOAD_IN_PROGRESS',
    INVALID_REQUEST: 'INVALID_REQUEST',
  } as const)
  for (const [from, to] of mapped) t.equal(errorName(coordinatorError(Errors[from as keyof typeof Errors])), to)
})

t.test('timers', async t => {
  const w = await loaded()
  await w.host.clock.advance(1000)
  t.equal(w.machine.sum, 1, 'the timer that loading set')
  w.send('later', { kind: 'later', delayMs: 1000 })
  await w.host.clock.advance(900)
  w.send('later', { kind: 'later', delayMs: 1000 })
  await w.host.clock.advance(999)
  t.equal(w.machine.sum, 1, 'put off')
  await w.host.clock.advance(1)
  t.equal(w.machine.sum, 2)
  w.send('later', { kind: 'later', delayMs: 1000 })
  w.send('later', { kind: 'later', delayMs: 10 })
  await w.host.clock.advance(10)
  t.equal(w.machine.sum, 3, 'brought forward')
  await w.host.clock.advance(5000)
  t.equal(w.machine.sum, 3, 'and once only')
  w.send('later', { kind: 'later', delayMs: 10 })
  w.send('never', { kind: 'later', delayMs: -1 })
  await w.host.clock.advance(5000)
  t.equal(w.machine.sum, 3, 'cancelled')
})

t.test('a timer that could not write tries again', async t => {
  const w = await loaded(new FakeLog(), { retryMs: 500 })
  w.log.failing = Errors.NOT_ENOUGH_REPLICAS
  await w.host.clock.advance(2200)
  t.equal(w.machine.sum, 0)
  w.log.failing = null
  await w.host.clock.advance(299)
  t.equal(w.machine.sum, 0)
  await w.host.clock.advance(1)
  t.equal(w.machine.sum, 1)
})

t.test('records that need not stand together may be divided', async t => {
  const w = await loaded(new FakeLog(), { divideRecords: 2 })
  w.send('add', { kind: 'add', amounts: [1, 2, 3, 4, 5], divisible: true })
  await w.host.clock.advance(0)
  t.same(w.log.batchSizes, [2, 2, 1])
  t.same(w.replies, [['add', { error: Errors.NONE, sum: 15 }]])
})

t.test('loading', async t => {
  const log = new FakeLog()
  for (let i = 1; i <= 10; i++) log.put({ records: [record(i), record(i)], baseTimestamp: 5 })
  let release = () => {}
  log.reading = new Promise(resolve => {
    release = resolve
  })
  const w = world(log, { loadBytes: 200 })
  const loading = w.shard.load()
  w.send('early', { kind: 'read' })
  await w.host.clock.advance(0)
  t.same(error(w), ['early COORDINATOR_LOAD_IN_PROGRESS'])
  release()
  await loading
  t.equal(w.machine.sum, 110)
  t.ok(log.reads > 1, 'piece by piece')
  w.send('add', { kind: 'add', amounts: [1] })
  await w.host.clock.advance(0)
  t.same(w.replies.at(-1), ['add', { error: Errors.NONE, sum: 111 }])
})

t.test('an empty log is loaded at once', async t => {
  const w = world()
  void w.shard.load()
  t.equal(w.shard.state, 'active')
})

t.test('loading: compressed batches, transactions and their markers', async t => {
  const log = new FakeLog()
  log.put({ records: [record(1), record(2)], baseTimestamp: 5, codecId: 1 })
  log.put({
    records: [record(10)],
    baseTimestamp: 6,
    transactional: true,
    producerId: 77,
    producerEpoch: 2,
    baseSequence: 0,
  })
  const marker = { transactional: true, control: true, producerId: 77, producerEpoch: 2, baseTimestamp: 7 }
  log.put({ ...marker, records: [{ key: endTransactionKey(true), value: Buffer.alloc(6) }] })
  log.put({ ...marker, records: [{ key: endTransactionKey(false), value: Buffer.alloc(6) }] })
  log.put({ ...marker, records: [{ key: Buffer.from([0, 0, 0, 9]), value: null }] })
  const { machine } = await loaded(log)
  t.equal(machine.sum, 13)
  t.same(
    machine.positions.map(({ producerId }) => producerId),
    [-1, -1, 77],
  )
  t.same(machine.ended, [true, false])
})

t.test('loading: what cannot be read is skipped, and said', async t => {
  const log = new FakeLog()
  log.put({ records: [record(1)], baseTimestamp: 5 })
  const broken = buildBatch({ records: [record(2)], baseTimestamp: 5 })
  broken.fill(0xff, 61)
  log.putRaw(broken, 1)
  log.put({ records: [{ key: Buffer.from('other'), value: null }, record(4)], baseTimestamp: 5 })
  const w = await loaded(log)
  t.equal(w.shard.state, 'active')
  t.equal(w.machine.sum, 5)
  t.equal(w.host.log.lines.filter(({ level }) => level === 'warn').length, 1)
})

t.test('a log that cannot be read has no coordinator', async t => {
  const log = new FakeLog()
  log.put({ records: [record(1)], baseTimestamp: 5 })
  log.reading = Promise.reject(new Error('the disk is gone'))
  const w = await loaded(log)
  w.send('read', { kind: 'read' })
  await w.host.clock.advance(0)
  t.same(error(w), ['read NOT_COORDINATOR'])
})

t.test('a shard that lost its log answers everyone, and its timers are still', async t => {
  const w = await loaded(new FakeLog(false))
  w.send('wait', { kind: 'await', sum: 100 })
  w.send('add', { kind: 'add', amounts: [1] })
  w.shard.drop()
  w.send('late', { kind: 'read' })
  await w.host.clock.advance(0)
  t.same(error(w).sort(), ['add NOT_COORDINATOR', 'late NOT_COORDINATOR', 'wait NOT_COORDINATOR'])
  w.log.commit()
  await w.host.clock.advance(60_000)
  t.equal(w.replies.length, 3)
  t.equal(w.machine.sum, 1)
})

t.test('a committed watermark that fails is a lost log', async t => {
  const w = await loaded(new FakeLog(false))
  w.send('add', { kind: 'add', amounts: [1] })
  w.log.committed.fail(new Error('closed'))
  await w.host.clock.advance(0)
  t.same(error(w), ['add NOT_COORDINATOR'])
})

t.test('dropped while it was loading', async t => {
  const log = new FakeLog()
  log.put({ records: [record(1)], baseTimestamp: 5 })
  const w = world(log)
  const loading = w.shard.load()
  w.shard.drop()
  await loading
  t.equal(w.shard.state, 'dropped')
  t.equal(w.machine.sum, 0)
})

t.test('what is sent is sent after the commit, and what comes of it is an event', async t => {
  const log = new FakeLog(false)
  const host = simHost(1)
  const machine = new Counter()
  const sent: number[] = []
  const shard = new Shard<Event, Rec, Reply, number>(machine, codec, log, host, { retryMs: 50 }, async amount => {
    sent.push(amount)
    return { kind: 'add', amounts: [amount] }
  })
  await shard.load()
  void shard.submit({ kind: 'add', amounts: [1], sends: [5] })
  await host.clock.advance(10)
  t.same(sent, [], 'not before it is committed')
  log.commit()
  await host.clock.advance(0)
  t.same(sent, [5])
  t.equal(machine.sum, 6)
  void shard.submit({ kind: 'add', amounts: [1], sends: [7] })
  log.commit()
  log.failing = Errors.NOT_ENOUGH_REPLICAS
  await host.clock.advance(49)
  t.equal(machine.sum, 7)
  log.failing = null
  await host.clock.advance(1)
  t.equal(machine.sum, 14, 'an answer that could not be written is decided again')
  void shard.submit({ kind: 'add', amounts: [1], sends: [9] })
  shard.drop()
  log.commit()
  await host.clock.advance(100)
  t.same(sent, [5, 7], 'a shard that was dropped sends nothing')
})

t.test('records of a transaction and its marker', async t => {
  const w = await loaded(new FakeLog(false))
  const transaction = { producerId: 7, producerEpoch: 3 }
  w.send('add', { kind: 'add', amounts: [1], transaction })
  const end = { ...transaction, commit: true, coordinatorEpoch: 4, transactionVersion: 2 }
  const ended = w.shard.endTransaction(end)
  let code: number | null = null
  void ended.then(error => {
    code = error
  })
  await w.host.clock.advance(10)
  t.same([w.replies, code], [[], null])
  t.same([w.machine.positions[0].producerId, w.machine.ended], [7, [true]])
  w.log.commit()
  t.equal(await ended, Errors.NONE)
  t.equal(w.replies.length, 1)
  const again = await loaded(w.log)
  t.same([again.machine.positions[0].producerId, again.machine.ended], [7, [true]], 'as it is replayed')
  w.log.failing = Errors.INVALID_PRODUCER_EPOCH
  t.equal(await w.shard.endTransaction(end), Errors.INVALID_PRODUCER_EPOCH)
  w.log.failing = null
  const late = w.shard.endTransaction(end)
  w.shard.drop()
  t.equal(await late, Errors.NOT_LEADER_OR_FOLLOWER)
  t.equal(await w.shard.endTransaction(end), Errors.NOT_LEADER_OR_FOLLOWER)
})
