import t from 'tap'
import { Errors, KafkaError } from '../../protocol/errors.ts'
import { baseOffset, lastOffset, maxTimestamp, partitionLeaderEpoch } from '../../protocol/records/batch.ts'
import { buildBatch } from '../../protocol/records/builder.ts'
import { buildTransactionMarker } from '../../protocol/records/control.ts'
import type { Log, ReadRequest, ReadResult } from '../../src/log/log.ts'
import type { LogConfig } from '../../src/log/log-config.ts'
import type { Logs } from '../../src/log/logs.ts'
import { type SimHost, simHost } from '../sim/host.ts'
import { append, isDurable, LogModel, openLogs, readAll, smallConfig, topicId } from './harness.ts'

interface Bench {
  host: SimHost
  logs: Logs
  log: Log
  model: LogModel
}

async function bench(config: Partial<LogConfig> = {}): Promise<Bench> {
  const host = simHost(5, { slowDisk: false })
  const logs = await openLogs(host)
  const log = await logs.create('t', topicId, 0, { ...smallConfig, ...config })
  return { host, logs, log, model: new LogModel() }
}

async function read(log: Log, offset: number, changes: Partial<ReadRequest> = {}): Promise<ReadResult> {
  const request = { bytesMax: 1 << 20, upperOffset: log.logEndOffset, minOneBatch: true, abortedTransactions: false }
  return log.read({ offset, ...request, ...changes })
}

function settled(bench: Bench): Promise<void> {
  return bench.host.clock.run(isDurable(bench.log))
}

const asClient = { leaderEpoch: 0, origin: 'client', requestVersion: 12 } as const

function clientBatch(values: string[], producer: object = {}, timestampMs = 1000): Buffer {
  const records = values.map((value, at) => ({
    key: Buffer.from('k'),
    value: Buffer.from(value),
    timestampMs: timestampMs + at,
  }))
  return buildBatch({ records, ...producer })
}

function code(run: () => unknown): number | string {
  try {
    run()
    return 'no error'
  } catch (error) {
    return error instanceof KafkaError ? error.code : String(error)
  }
}

t.test('offsets are given at once, in order, and written later', async t => {
  const b = await bench({ messageTimestampAfterMaxMs: 1e15 })
  const first = b.log.append(clientBatch(['a', 'b', 'c']), { ...asClient, leaderEpoch: 4 })
  const second = b.log.append(clientBatch(['d']), { ...asClient, leaderEpoch: 4 })
  t.match(first, { firstOffset: 0, lastOffset: 2, logAppendTimeMs: -1, duplicate: false })
  t.match(second, { firstOffset: 3, lastOffset: 3 })
  t.equal(b.log.logEndOffset, 4)
  t.equal(b.log.written.value, 0)
  await settled(b)
  t.equal(b.log.written.value, 4)
  t.equal(b.log.durable.value, 4)
  const [batch] = (await read(b.log, 0)).chunks
  t.equal(partitionLeaderEpoch(batch), 4)
  t.same(b.log.latestEpoch, { epoch: 4, startOffset: 0 })
})

t.test('the batches of one turn are written and synced together', async t => {
  const b = await bench()
  append(b.log, b.model, { bytes: 10 })
  await settled(b)
  const before = b.host.disk.operations
  for (let i = 0; i < 5; i++) append(b.log, b.model, { bytes: 10 })
  await settled(b)
  t.equal(b.host.disk.operations - before, 2, 'one write, one sync')
})

t.test('a sync that somebody asked for explicitly', async t => {
  const b = await bench({ flushMessages: 3 })
  append(b.log, b.model, { bytes: 10 })
  await settled(b)
  const before = b.host.disk.syncs
  append(b.log, b.model, { bytes: 10 })
  await settled(b)
  t.equal(b.host.disk.syncs, before, 'the page cache counts')
  t.equal(b.log.recoveryPoint, 0)
  append(b.log, b.model, { bytes: 10 })
  await settled(b)
  t.equal(b.host.disk.syncs, before + 1, 'the third message')
  t.equal(b.log.recoveryPoint, 3)

  b.log.config = { ...smallConfig, flushMs: 100 }
  append(b.log, b.model, { bytes: 10 })
  await settled(b)
  t.equal(b.host.disk.syncs, before + 1)
  await b.host.clock.advance(150)
  t.equal(b.host.disk.syncs, before + 2)
  t.equal(b.log.recoveryPoint, 4)
})

t.test('reads', async t => {
  const b = await bench()
  for (let i = 0; i < 40; i++) append(b.log, b.model, { bytes: 100, records: 2 })
  await settled(b)
  t.ok(b.log.segmentBaseOffsets.length > 3, 'several segments')

  for (const offset of [0, 1, 2, 13, 50, 77, 79]) {
    const { chunks, nextOffset } = await read(b.log, offset, { bytesMax: 1 })
    t.equal(chunks.length, 1)
    t.ok(baseOffset(chunks[0]) <= offset && lastOffset(chunks[0]) >= offset, `offset ${offset}`)
    t.equal(nextOffset, lastOffset(chunks[0]) + 1)
  }
  t.same(await readAll(b.log, 1), b.model.batches, 'batch by batch')
  t.same(await readAll(b.log, 10_000), b.model.batches, 'in large pieces')

  t.match(await read(b.log, 3, { bytesMax: 10, minOneBatch: false }), { bytes: 0, nextOffset: 3 })
  t.match(await read(b.log, 79, { bytesMax: 10, minOneBatch: false }), { bytes: 0 })
  t.match(await read(b.log, 80), { bytes: 0, chunks: [] }, 'at the end')
  t.equal((await read(b.log, 0, { upperOffset: 3 })).nextOffset, 4, 'a batch that begins below the limit is whole')
  t.match(await read(b.log, 4, { upperOffset: 4 }), { bytes: 0 })
  t.equal(
    code(() => b.log.read({ offset: 81, bytesMax: 1, upperOffset: 99, minOneBatch: true, abortedTransactions: false })),
    1,
  )
  t.notOk(
    b.log.read({ offset: 78, bytesMax: 999, upperOffset: 80, minOneBatch: true, abortedTransactions: false }) instanceof
      Promise,
    'at once',
  )
})

t.test('a batch larger than a piece', async t => {
  const b = await bench({ segmentBytes: 1 << 20 })
  append(b.log, b.model, { bytes: 30_000 })
  append(b.log, b.model, { bytes: 10 })
  append(b.log, b.model, { bytes: 70_000 })
  await settled(b)
  t.same(await readAll(b.log, 5), b.model.batches)
})

t.test('lookups by time', async t => {
  const b = await bench()
  for (let i = 0; i < 60; i++) append(b.log, b.model, { bytes: 60, timestampMs: 1000 + 10 * i })
  b.log.append(clientBatch(['x', 'y', 'z'], { codecId: 1 }, 5000), { ...asClient, origin: 'coordinator' })
  append(b.log, b.model, { bytes: 60, timestampMs: 900 })
  await settled(b)
  const found = async (timestamp: number) => (await b.log.offsetForTimestamp(timestamp))?.offset ?? null
  t.equal(await found(0), 0)
  t.equal(await found(1000), 0)
  t.equal(await found(1001), 1)
  t.equal(await found(1290), 29)
  t.equal(await found(1590), 59)
  t.equal(await found(1591), 60)
  t.equal(await found(5001), 61, 'inside a compressed batch')
  t.equal(await found(5003), null)
  t.same(await b.log.maxTimestamp(), { timestamp: 5002, offset: 62, leaderEpoch: 0 })
  await b.log.deleteRecordsBefore(20)
  t.equal(await found(0), 20)
})

t.test('no record, no time', async t => {
  const b = await bench()
  t.equal(await b.log.maxTimestamp(), null)
  t.equal(await b.log.offsetForTimestamp(0), null)
  t.match(await read(b.log, 0), { bytes: 0 })
})

t.test('a retry of an idempotent producer is answered with the first offsets', async t => {
  const b = await bench()
  const send = (sequence: number, epoch = 0) =>
    b.log.append(
      clientBatch(['a', 'b'], { producerId: 9, producerEpoch: epoch, baseSequence: sequence }, b.host.clock.now()),
      asClient,
    )
  t.match(send(0), { firstOffset: 0, duplicate: false })
  t.match(send(2), { firstOffset: 2, duplicate: false })
  t.match(send(0), { firstOffset: 0, lastOffset: 1, duplicate: true })
  t.equal(b.log.logEndOffset, 4)
  t.equal(
    code(() => send(7)),
    Errors.OUT_OF_ORDER_SEQUENCE_NUMBER,
  )
  send(0, 1)
  t.equal(
    code(() => send(4, 0)),
    Errors.INVALID_PRODUCER_EPOCH,
  )
  t.equal(b.log.logEndOffset, 6, 'refused batches leave nothing behind')
  await settled(b)
  await b.host.clock.run(b.logs.close())
  const again = (await openLogs(b.host)).get('t', 0)
  t.same(again?.producers.activeProducers(), b.log.producers.activeProducers())
})

t.test('append time', async t => {
  const b = await bench({ messageTimestampType: 'LogAppendTime' })
  const nowMs = b.host.clock.now()
  const info = b.log.append(clientBatch(['a']), asClient)
  t.equal(info.logAppendTimeMs, nowMs)
  await settled(b)
  t.equal(maxTimestamp((await read(b.log, 0)).chunks[0]), nowMs)
})

t.test('what a client may not send', async t => {
  const b = await bench({ maxMessageBytes: 2000 })
  const damaged = clientBatch(['a'])
  damaged[65] ^= 1
  t.equal(
    code(() => b.log.append(damaged, asClient)),
    Errors.CORRUPT_MESSAGE,
  )
  t.equal(
    code(() => b.log.append(clientBatch(['x'.repeat(1300)]), asClient)),
    Errors.RECORD_LIST_TOO_LARGE,
  )
  t.equal(
    code(() => b.log.append(clientBatch(['x'.repeat(2300)]), asClient)),
    Errors.MESSAGE_TOO_LARGE,
  )
  t.equal(b.log.logEndOffset, 0)
})

t.test('transactions: last stable offset and aborted transactions', async t => {
  const b = await bench()
  const data = (producerId: number, sequence: number, values: string[]) =>
    b.log.append(
      clientBatch(
        values,
        { producerId, producerEpoch: 0, baseSequence: sequence, transactional: true },
        b.host.clock.now(),
      ),
      asClient,
    )
  const end = (producerId: number, commit: boolean) =>
    b.log.append(
      buildTransactionMarker({ commit, producerId, producerEpoch: 0, coordinatorEpoch: 1, timestampMs: 5 }),
      { leaderEpoch: 0, origin: 'coordinator', requestVersion: 0 },
    )
  data(1, 0, ['a', 'b']) // 0 1
  data(2, 0, ['c']) // 2
  t.equal(b.log.lastStableOffset(3), 0)
  end(1, false) // 3
  t.equal(b.log.lastStableOffset(3), 0, 'the marker is not committed yet')
  t.equal(b.log.lastStableOffset(4), 2)
  for (let i = 0; i < 12; i++) append(b.log, b.model, { bytes: 200 }) // 4 to 15, over several segments
  end(2, true) // 16
  data(3, 0, ['d']) // 17
  end(3, false) // 18
  t.equal(b.log.lastStableOffset(19), 19)
  await settled(b)

  const check = async (log: Log) => {
    const aborted = async (offset: number, bytesMax: number) =>
      (await read(log, offset, { bytesMax, abortedTransactions: true })).abortedTransactions?.map(one => one.producerId)
    t.same(await aborted(0, 1), [1])
    t.same(await aborted(2, 1), [1], 'its marker is still ahead')
    t.same(await aborted(4, 1), [])
    t.same(await aborted(17, 1), [3])
    const none = await read(log, 0)
    t.equal(none.abortedTransactions, null, 'not asked for')
  }
  await check(b.log)
  await b.host.clock.run(b.logs.close())
  const clean = await openLogs(b.host)
  await check(clean.get('t', 0)!)
  const host = simHost(6, { disk: b.host.disk.afterKill(), slowDisk: false })
  await check((await openLogs(host)).get('t', 0)!)
})

t.test('rolls by time and by index', async t => {
  const b = await bench({ segmentBytes: 1 << 20, segmentMs: 1000 })
  append(b.log, b.model, { bytes: 10, timestampMs: 5000 })
  append(b.log, b.model, { bytes: 10, timestampMs: 6000 })
  append(b.log, b.model, { bytes: 10, timestampMs: 6001 })
  t.same(b.log.segmentBaseOffsets, [0, 2])
  b.log.config = { ...b.log.config, segmentMs: 1e12, indexIntervalBytes: 0, segmentIndexBytes: 32 }
  for (let i = 0; i < 6; i++) append(b.log, b.model, { bytes: 10, timestampMs: 7000 + i })
  t.ok(b.log.segmentBaseOffsets.length > 2)
  await settled(b)
  t.same(await readAll(b.log), b.model.batches)
})

t.test('retention', async t => {
  const b = await bench()
  const nowMs = b.host.clock.now()
  for (let i = 0; i < 30; i++) append(b.log, b.model, { bytes: 150, timestampMs: nowMs - 100_000 + i * 1000 })
  await settled(b)
  const before = b.log.segmentBaseOffsets
  b.log.highWatermark = 8
  b.log.config = { ...smallConfig, retentionMs: 90_000 }
  await b.host.clock.run(b.log.enforceRetention())
  t.equal(b.log.logStartOffset, before[1], 'not beyond the high watermark')
  b.log.highWatermark = 30
  await b.host.clock.run(b.log.enforceRetention())
  t.equal(b.log.logStartOffset, before[2], 'a segment whose newest record is too old')

  const bytes = b.log.sizeBytes
  b.log.config = { ...smallConfig, retentionBytes: bytes - 1000 }
  await b.host.clock.run(b.log.enforceRetention())
  t.equal(b.log.logStartOffset, before[2], 'never below the size asked for')
  b.log.config = { ...smallConfig, retentionBytes: bytes - 1300 }
  await b.host.clock.run(b.log.enforceRetention())
  t.equal(b.log.logStartOffset, before[3])
  t.equal(
    code(() => b.log.read({ offset: 0, bytesMax: 1, upperOffset: 30, minOneBatch: true, abortedTransactions: false })),
    Errors.OFFSET_OUT_OF_RANGE,
  )

  b.log.config = { ...smallConfig, retentionMs: 0, cleanupPolicy: { delete: false, compact: true } }
  t.equal(await b.host.clock.run(b.log.enforceRetention()), 0, 'a compacted log keeps everything')

  b.log.config = { ...smallConfig, retentionMs: 10 }
  await b.host.clock.run(b.log.enforceRetention())
  t.same(b.log.segmentBaseOffsets, [30], 'all of it, the active segment too')
  t.equal(b.log.logStartOffset, 30)
  append(b.log, b.model, { bytes: 10 })
  await settled(b)
  await b.host.clock.advance(100)
  const files = (await b.host.disk.list('/data/t-0')).map(entry => entry.name)
  t.same(
    files.filter(name => name.endsWith('.log') || name.endsWith('.deleted')),
    ['00000000000000000030.log'],
  )
  await b.host.clock.run(b.logs.close())
  const again = (await openLogs(b.host)).get('t', 0)!
  t.match(again, { logStartOffset: 30, logEndOffset: 31 })
})

t.test('deleted records', async t => {
  const b = await bench()
  for (let i = 0; i < 30; i++) append(b.log, b.model, { bytes: 150, epoch: i < 15 ? 0 : 1 })
  await settled(b)
  await t.rejects(b.log.deleteRecordsBefore(31), { code: Errors.OFFSET_OUT_OF_RANGE })
  await b.log.deleteRecordsBefore(17)
  t.equal(b.log.logStartOffset, 17)
  t.same(b.log.epochs.entries, [{ epoch: 1, startOffset: 17 }])
  t.ok((await b.host.clock.run(b.log.enforceRetention())) > 0)
  t.ok(b.log.segmentBaseOffsets[0] <= 17)
  const host = simHost(7, { disk: b.host.disk.afterPowerLoss(1), slowDisk: false })
  t.equal((await openLogs(host)).get('t', 0)?.logStartOffset, 17)
})

t.test('truncation', async t => {
  const b = await bench()
  for (let i = 0; i < 30; i++) append(b.log, b.model, { bytes: 150, records: 2, epoch: Math.floor(i / 10) })
  await settled(b)
  t.same(b.log.endOffsetForEpoch(1), { epoch: 1, endOffset: 40 })
  await b.host.clock.run(b.log.truncateTo(100))
  t.equal(b.log.logEndOffset, 60, 'nothing to cut')
  await b.host.clock.run(b.log.truncateTo(25))
  t.equal(b.log.logEndOffset, 24, 'the batch that holds the offset goes as well')
  t.same(b.log.epochs.entries, [
    { epoch: 0, startOffset: 0 },
    { epoch: 1, startOffset: 20 },
  ])
  t.same(await readAll(b.log), b.model.batches.slice(0, 12))
  b.model.cut(24)
  append(b.log, b.model, { bytes: 20, epoch: 7 })
  await settled(b)
  t.same(await readAll(b.log), b.model.batches)

  await b.host.clock.run(b.log.truncateFullyAndStartAt(500))
  t.match(b.log, { logStartOffset: 500, logEndOffset: 500, latestEpoch: null })
  t.same(b.log.producers.activeProducers(), [])
  append(b.log, b.model, { bytes: 20, epoch: 8 })
  await settled(b)
  await b.host.clock.run(b.logs.close())
  t.match((await openLogs(b.host)).get('t', 0), { logStartOffset: 500, logEndOffset: 501 })
})

t.test('a follower copies what its leader sends', async t => {
  const leader = await bench()
  const follower = await bench()
  for (let i = 0; i < 9; i++) append(leader.log, leader.model, { bytes: 150, producerId: 4, epoch: i < 5 ? 2 : 3 })
  const all = Buffer.concat((await read(leader.log, 0)).chunks)
  t.equal(follower.log.appendAsFollower(all.subarray(0, all.length - 3), 3), 8, 'the last one is cut off')
  t.equal(
    code(() => follower.log.appendAsFollower(all, 3)),
    Errors.OFFSET_OUT_OF_RANGE,
  )
  const last = leader.model.batches[8]
  t.equal(follower.log.appendAsFollower(last, 2), 8, 'a later epoch than the leader was asked for')
  t.equal(follower.log.appendAsFollower(last, 3), 9)
  t.same(follower.log.epochs.entries, leader.log.epochs.entries)
  t.same(follower.log.producers.activeProducers(), leader.log.producers.activeProducers())
  await settled(follower)
  t.same(await readAll(follower.log), leader.model.batches)
})

t.test('what is appended while retention looks at the active segment stays', async t => {
  const b = await bench({ retentionMs: 1000, segmentMs: 1e15 })
  append(b.log, b.model, { bytes: 20, timestampMs: 5 })
  await settled(b)
  const both = Promise.all([b.log.enforceRetention(), b.log.enforceRetention()])
  append(b.log, b.model, { bytes: 20, timestampMs: b.host.clock.now() })
  t.same(await b.host.clock.run(both), [0, 0])
  await settled(b)
  t.same(await readAll(b.log), b.model.batches)
})

t.test('retention asked for twice at once removes what has expired, once', async t => {
  const b = await bench()
  for (let i = 0; i < 30; i++) append(b.log, b.model, { bytes: 150 })
  await settled(b)
  await b.log.deleteRecordsBefore(b.log.segmentBaseOffsets[2])
  const left = b.log.segmentBaseOffsets.slice(2)
  await b.host.clock.run(Promise.all([b.log.enforceRetention(), b.log.enforceRetention()]))
  t.same(b.log.segmentBaseOffsets, left)
})

t.test('a full disk leaves the active segment where it is', async t => {
  const b = await bench({ retentionMs: 1000 })
  append(b.log, b.model, { bytes: 20, timestampMs: 5 })
  await settled(b)
  b.host.disk.fault = ({ kind, path }) => (kind === 'open' && path.endsWith('1.log') ? 'ENOSPC' : null)
  t.equal(await b.host.clock.run(b.log.enforceRetention()), 0)
  t.equal(b.log.failure, null)
  b.host.disk.fault = () => null
  append(b.log, b.model, { bytes: 20, timestampMs: b.host.clock.now() })
  await settled(b)
  t.same(await readAll(b.log), b.model.batches)
  t.equal(await b.host.clock.run(b.log.enforceRetention()), 1)
  t.equal(b.log.logStartOffset, 1)
})

t.test('a flush tells of a sync that failed', async t => {
  const b = await bench({ flushMessages: 100 })
  append(b.log, b.model, { bytes: 20 })
  await settled(b)
  b.host.disk.fault = ({ kind }) => (kind === 'sync' ? 'EIO' : null)
  await t.rejects(b.host.clock.run(b.log.flush()), { code: Errors.KAFKA_STORAGE_ERROR })
  await t.rejects(b.host.clock.run(b.log.flush()), { code: Errors.KAFKA_STORAGE_ERROR })
})
