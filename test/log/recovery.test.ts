/** Damage is told from a torn tail, reported and kept; everything else is served, now and after the next start. */
import t from 'tap'
import { Errors, KafkaError } from '../../protocol/errors.ts'
import { baseOffset, lastOffset } from '../../protocol/records/batch.ts'
import type { Log } from '../../src/log/log.ts'
import type { Logs } from '../../src/log/logs.ts'
import type { SimDisk } from '../sim/disk.ts'
import { type SimHost, simHost } from '../sim/host.ts'
import { append, isDurable, LogModel, openLogs, readAll, smallConfig, topicId } from './harness.ts'

/** A log of 20 batches in several segments, killed; positions of its batches by file. */
async function killed(checkpoint: boolean): Promise<{ disk: SimDisk; model: LogModel; bases: number[] }> {
  const host = simHost(1, { slowDisk: false })
  const logs = await openLogs(host)
  const log = await logs.create('t', topicId, 0, smallConfig)
  const model = new LogModel()
  for (let i = 0; i < 20; i++) {
    append(log, model, { bytes: 150, epoch: i < 10 ? 0 : 1, producerId: 5 })
    await host.clock.run(isDurable(log))
  }
  if (checkpoint) await logs.checkpoint()
  return { disk: host.disk.afterKill(), model, bases: log.segmentBaseOffsets }
}

function fileOf(bases: number[], offset: number): string {
  const base = bases.findLast(one => one <= offset) ?? 0
  return `/data/t-0/${String(base).padStart(20, '0')}.log`
}

/** Where the batch with `offset` lies in its file. */
function positionOf(model: LogModel, bases: number[], offset: number): number {
  const base = bases.findLast(one => one <= offset) ?? 0
  return model.batches
    .filter(batch => baseOffset(batch) >= base && lastOffset(batch) < offset)
    .reduce((bytes, batch) => bytes + batch.length, 0)
}

async function reopen(disk: SimDisk): Promise<{ host: SimHost; logs: Logs; log: Log }> {
  const host = simHost(2, { disk, slowDisk: false })
  const logs = await openLogs(host)
  return { host, logs, log: logs.get('t', 0)! }
}

async function readable(log: Log): Promise<(number | string)[]> {
  const found: (number | string)[] = []
  for (let offset = log.logStartOffset; offset < log.logEndOffset; offset++) {
    const request = {
      offset,
      bytesMax: 1,
      upperOffset: log.logEndOffset,
      minOneBatch: true,
      abortedTransactions: false,
    }
    try {
      const { chunks } = await log.read(request)
      found.push(chunks.length > 0 ? baseOffset(chunks[0]) : 'nothing')
    } catch (error) {
      found.push(error instanceof KafkaError && error.code === Errors.CORRUPT_MESSAGE ? 'corrupt' : String(error))
    }
  }
  return found
}

const upTo = (n: number) => Array.from({ length: n }, (_, i) => i)

t.test('a flipped bit in a closed segment', async t => {
  const { disk, model, bases } = await killed(false)
  disk.corrupt(fileOf(bases, 6), positionOf(model, bases, 6) + 100, Buffer.from([0xff]))
  let { host, logs, log } = await reopen(disk)
  const expected = upTo(20).map(offset => (offset === 6 ? 'corrupt' : offset))
  t.same(await readable(log), expected)
  t.match(log.corruptRanges, [{ startOffset: 6, endOffset: 7 }])
  t.ok(host.log.at('error').length > 0, 'it is reported')
  t.equal(log.logEndOffset, 20)
  append(log, model, { bytes: 20 })
  await host.clock.run(isDurable(log))
  await host.clock.run(logs.close())
  ;({ logs, log } = await reopen(disk))
  t.same(await readable(log), [...expected, 20], 'after a start that scans nothing too')
  t.equal((await log.offsetForTimestamp(0))?.offset, 0)
})

t.test('a flipped bit in the last segment, below the recovery point', async t => {
  const { disk, model, bases } = await killed(true)
  const last = bases[bases.length - 1]
  t.ok(last < 18)
  disk.corrupt(fileOf(bases, 18), positionOf(model, bases, 18) + 70, Buffer.from([0xff]))
  const { host, log } = await reopen(disk)
  t.same(await readable(log), [...upTo(18), 'corrupt', 19])
  append(log, model, { bytes: 20 })
  await host.clock.run(isDurable(log))
  t.equal((await readable(log)).at(-1), 20)
})

t.test('the end of the last segment is damaged, below the recovery point', async t => {
  const { disk, model, bases } = await killed(true)
  disk.corrupt(fileOf(bases, 19), positionOf(model, bases, 19) + 20, Buffer.alloc(100, 7))
  const { host, logs, log } = await reopen(disk)
  t.equal(log.logEndOffset, 20, 'its offset is not given out again')
  t.same(await readable(log), [...upTo(19), 'corrupt'])
  append(log, model, { bytes: 20 })
  await host.clock.run(isDurable(log))
  t.same(await readable(log), [...upTo(19), 'corrupt', 20])
  await host.clock.run(logs.close())
  const again = await reopen(disk)
  t.same(await readable(again.log), [...upTo(19), 'corrupt', 20])
})

t.test('beyond the recovery point, with nothing valid after it: a torn tail', async t => {
  const { disk, model, bases } = await killed(false)
  disk.corrupt(fileOf(bases, 19), positionOf(model, bases, 19) + 20, Buffer.alloc(100, 7))
  const { log, host } = await reopen(disk)
  t.equal(log.logEndOffset, 19)
  t.same(log.corruptRanges, [])
  t.same(host.log.at('error'), [])
  t.same(await readAll(log), model.batches.slice(0, 19))
})

t.test('beyond the recovery point, a flipped bit with something valid after it', async t => {
  const { disk, model, bases } = await killed(false)
  disk.corrupt(fileOf(bases, 18), positionOf(model, bases, 18) + 100, Buffer.from([0xff]))
  const { log } = await reopen(disk)
  t.same(await readable(log), [...upTo(18), 'corrupt', 19], 'no lost sector: it was there once')
})

t.test('beyond the recovery point, a lost sector with something valid after it, in the last turn', async t => {
  const host = simHost(1, { slowDisk: false })
  const logs = await openLogs(host, { writeTurnBytes: 1 << 20 })
  const config = { ...smallConfig, segmentBytes: 1 << 20 }
  const log = await logs.create('t', topicId, 0, config)
  const model = new LogModel()
  for (let i = 0; i < 4; i++) append(log, model, { bytes: 1200 })
  await host.clock.run(isDurable(log))
  const disk = host.disk.afterKill()
  disk.corrupt('/data/t-0/00000000000000000000.log', 3 * 512, Buffer.alloc(512))
  const again = simHost(2, { disk, slowDisk: false })
  const reopened = (await openLogs(again, { writeTurnBytes: 1 << 20 }, config)).get('t', 0)!
  t.equal(reopened.logEndOffset, 1, 'none of that turn was acknowledged')
  t.same(reopened.corruptRanges, [])
})

t.test('derived files that are absent or make no sense', async t => {
  const host = simHost(1, { slowDisk: false })
  const logs = await openLogs(host)
  const log = await logs.create('t', topicId, 0, smallConfig)
  const model = new LogModel()
  for (let i = 0; i < 20; i++) append(log, model, { bytes: 150, epoch: i < 10 ? 0 : 1, producerId: 5 })
  await host.clock.run(isDurable(log))
  await host.clock.run(logs.close())
  const names = (await host.disk.list('/data/t-0')).map(entry => entry.name).filter(name => !name.endsWith('.log'))
  for (const name of names) {
    for (const damage of ['gone', 'zeros', 'short', 'noise'] as const) {
      const copy = host.disk.afterKill()
      const path = `/data/t-0/${name}`
      const size = (await (await copy.open(path, 'read')).read(0, 1 << 20)).length
      if (damage === 'gone') await copy.remove(path)
      else if (damage === 'short') await (await copy.open(path, 'append')).truncate(Math.max(0, size - 3))
      else if (size > 0) copy.corrupt(path, 0, Buffer.alloc(size, damage === 'zeros' ? 0 : 0x35))
      const again = await reopen(copy)
      const what = `${name}: ${damage}`
      t.same(await readAll(again.log, 1), model.batches, what)
      t.same(again.log.producers.activeProducers(), log.producers.activeProducers(), what)
      t.same(again.log.epochs.entries, log.epochs.entries, what)
      t.equal((await again.log.offsetForTimestamp(1_700_000_000_000))?.offset, 0, what)
      t.ok(await again.log.maxTimestamp(), what)
    }
  }
})

t.test('checkpoints that are absent or make no sense', async t => {
  const { disk, model } = await killed(true)
  for (const name of [
    'recovery-point-offset-checkpoint',
    'replication-offset-checkpoint',
    'log-start-offset-checkpoint',
  ]) {
    for (const bytes of [Buffer.alloc(0), Buffer.alloc(40), Buffer.from('0\n1\nt 0 abc\n'), Buffer.from('9\n0\n')]) {
      const copy = disk.afterKill()
      await copy.remove(`/data/${name}`)
      await (await copy.open(`/data/${name}`, 'create')).append([bytes])
      t.same(await readAll((await reopen(copy)).log), model.batches, name)
    }
  }
})

t.test('a zero-filled tail, as preallocation or a crash leaves it', async t => {
  const { disk, model, bases } = await killed(false)
  const file = await disk.open(fileOf(bases, 19), 'append')
  await file.append([Buffer.alloc(5000)])
  const { log } = await reopen(disk.afterKill())
  t.equal(log.logEndOffset, 20)
  t.same(await readAll(log), model.batches)
})
