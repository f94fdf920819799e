/** What compaction leaves, rule by rule. */
import t from 'tap'
import {
  baseOffset,
  batchBytes,
  deleteHorizon,
  isControl,
  lastOffset,
  recordsCount,
} from '../../../protocol/records/batch.ts'
import { compressionReady } from '../../../protocol/records/compression.ts'
import { readRecords } from '../../../protocol/records/record.ts'
import { type CleanerSettings, defaultCleanerSettings } from '../../../src/log/compaction/settings.ts'
import type { LogConfig } from '../../../src/log/log-config.ts'
import { simHost } from '../../sim/host.ts'
import { CompactionWorld, compactConfig, deleteRetentionMs } from './model.ts'

t.before(() => compressionReady)

async function within(run: (world: CompactionWorld) => Promise<void>, config: Partial<LogConfig> = {}): Promise<void> {
  const world = new CompactionWorld(simHost(7), { ...compactConfig, ...config })
  await world.host.clock.run(
    (async () => {
      await world.host.disk.makeDirectory('/data')
      await world.open()
      await run(world)
      const wrong = await world.wrong()
      if (wrong) throw new Error(wrong)
      await world.logs.close()
    })(),
  )
}

const pair = (key: string, value: string | null) => [{ key, value }]

async function batchesOf(world: CompactionWorld): Promise<Buffer[]> {
  const { log } = world
  const batches: Buffer[] = []
  for (let offset = log.logStartOffset; offset < log.logEndOffset; ) {
    const request = { offset, bytesMax: 1 << 20, minOneBatch: true, abortedTransactions: false }
    const { chunks, nextOffset } = await log.read({ ...request, upperOffset: log.logEndOffset })
    for (const chunk of chunks) {
      for (let at = 0; at < chunk.length; at += batchBytes(chunk, at)) {
        if (baseOffset(chunk, at) >= offset) batches.push(chunk.subarray(at, at + batchBytes(chunk, at)))
      }
    }
    offset = nextOffset
  }
  return batches
}

const shape = (batch: Buffer) => `${baseOffset(batch)}-${lastOffset(batch)}:${recordsCount(batch)}`

t.test('offsets stay, superseded records go', async t => {
  await within(async world => {
    world.append([
      { key: 'a', value: '1' },
      { key: 'b', value: '1' },
      { key: 'a', value: '2' },
    ])
    world.append(pair('c', '1'))
    world.append(pair('c', '2'))
    await world.roll()
    const round = await world.compact()
    t.equal(round?.endOffset, 5)
    t.strictSame((await batchesOf(world)).map(shape), ['0-2:2', '4-4:1', '5-5:1'])
    const [first] = await batchesOf(world)
    t.strictSame(
      [...readRecords(first)].map(({ offset, key }) => `${offset}${key}`),
      ['1b', '2a'],
    )
    t.equal(await world.compact(), null, 'nothing is left to do')
    const middle = await world.log.read({
      ...{ offset: 3, bytesMax: 1, upperOffset: 6, minOneBatch: true, abortedTransactions: false },
    })
    t.equal(baseOffset(middle.chunks[0]), 4, 'a fetch from an offset that is gone goes on with the next')
  })
})

t.test('a tombstone stays for delete.retention.ms after its first compaction', async t => {
  await within(async world => {
    world.append([
      { key: 'a', value: '1' },
      { key: 'b', value: '1' },
    ])
    world.append(pair('a', null))
    await world.roll()
    const compactedMs = world.host.clock.now()
    await world.compact()
    const tombstone = (await batchesOf(world))[1]
    t.equal(shape(tombstone), '2-2:1')
    const horizon = deleteHorizon(tombstone) ?? 0
    t.ok(horizon >= compactedMs + deleteRetentionMs && horizon <= world.host.clock.now() + deleteRetentionMs)
    const [record] = readRecords(tombstone)
    t.ok(record.timestampMs < horizon - deleteRetentionMs / 2, 'its timestamp is what it was')
    await world.roll()
    await world.compact()
    t.equal(deleteHorizon((await batchesOf(world))[1]), horizon, 'a later compaction does not move it')
    await world.host.clock.sleep(deleteRetentionMs + 1)
    await world.roll()
    await world.compact()
    t.notMatch((await batchesOf(world)).map(shape).join(), '2-2')
  })
})

t.test('a marker stays until the data of its transaction are gone, and for delete.retention.ms more', async t => {
  await within(async world => {
    world.append(pair('a', '1'), { producerId: 5, transactional: true })
    world.endTransaction(5, true, true)
    world.append(pair('x', '1'), { producerId: 5 })
    await world.roll()
    await world.compact()
    const markers = async () => (await batchesOf(world)).filter(batch => isControl(batch))
    t.equal(deleteHorizon((await markers())[0]), null)
    world.append(pair('a', '2'))
    await world.roll()
    await world.compact()
    t.equal((await markers()).length, 1, 'its data went in this round')
    await world.roll()
    await world.compact()
    t.not(deleteHorizon((await markers())[0]), null)
    await world.host.clock.sleep(deleteRetentionMs + 1)
    await world.roll()
    await world.compact()
    t.equal((await markers()).length, 0)
  })
})

t.test('the last batch of a producer stays as a header', async t => {
  await within(async world => {
    world.append(pair('a', '1'), { producerId: 3 })
    world.append(pair('a', '2'), { producerId: 3 })
    world.append(pair('a', '3'))
    await world.roll()
    await world.compact()
    t.strictSame((await batchesOf(world)).map(shape), ['1-1:0', '2-2:1', '3-3:1'])
  })
})

t.test('the log ends where it ended, even when all of it goes', async t => {
  await within(
    async world => {
      world.append(pair('a', '1'))
      world.append(pair('a', null))
      await world.settle()
      await world.host.clock.sleep(100)
      // Nobody appends any more: the segment is closed since its records have waited long enough.
      await world.compact()
      t.equal(world.log.segmentBaseOffsets.length, 2)
      await world.host.clock.sleep(deleteRetentionMs)
      world.append(pair('b', '1'))
      world.append(pair('b', null))
      await world.settle()
      await world.host.clock.sleep(100)
      await world.compact()
      await world.host.clock.sleep(deleteRetentionMs)
      await world.logs.close()
      await world.open()
      t.equal(world.log.logEndOffset, 4)
    },
    { maxCompactionLagMs: 50, deleteRetentionMs: 0 },
  )
})

t.test('records younger than min.compaction.lag.ms, and of open transactions, wait', async t => {
  await within(
    async world => {
      world.append(pair('a', '1'))
      world.append(pair('a', '2'))
      await world.roll()
      t.equal(await world.compact(), null)
      await world.host.clock.sleep(1001)
      world.append(pair('a', '3'), { producerId: 1, transactional: true })
      await world.roll()
      await world.host.clock.sleep(1001)
      await world.roll()
      const round = await world.compact()
      t.equal(round?.endOffset, 3, 'up to the last stable offset')
      t.equal(await world.compact(), null)
      world.endTransaction(1, false)
      await world.settle()
      t.ok(await world.compact())
    },
    { minCompactionLagMs: 1000 },
  )
})

t.test('delete and compact together: what is too old goes, the log begins later, compaction goes on', async t => {
  await within(
    async world => {
      for (let at = 0; at < 12; at++) world.append(pair(`k${at % 5}`, `v${at}`))
      await world.roll()
      await world.compact()
      await world.host.clock.sleep(60_000)
      for (let at = 0; at < 12; at++) world.append(pair(`k${at % 5}`, `w${at}`))
      await world.roll()
      world.deletedTo = 12
      t.ok((await world.log.enforceRetention()) > 0)
      t.ok(world.log.logStartOffset >= 12)
      t.ok(await world.compact())
    },
    { cleanupPolicy: { delete: true, compact: true }, retentionMs: 30_000 },
  )
})

t.test('small segments become one, within segment.bytes', async t => {
  await within(async world => {
    for (let at = 0; at < 20; at++) {
      world.append(pair(`k${at % 3}`, `v${at}`))
      await world.roll()
    }
    const before = world.log.segmentBaseOffsets.length
    await world.compact()
    t.ok(before > 10 && world.log.segmentBaseOffsets.length <= 4, `${before}: ${world.log.segmentBaseOffsets}`)
    const names = world.host.disk.names('/data/t-0').filter(name => /\.(cleaned|swap)$/.test(name))
    t.strictSame(names, [])
  })
})

t.test('where it stopped is kept as Apache Kafka keeps it', async t => {
  await within(async world => {
    world.append(pair('a', '1'))
    world.append(pair('a', '2'))
    await world.roll()
    await world.compact()
    t.equal(world.host.disk.peek('/data/cleaner-offset-checkpoint').toString(), '0\n1\nt 0 2\n')
    await world.logs.close()
    await world.open()
    t.equal(world.log.compaction.cleanedOffset, 2)
    // Another history from offset 1 on: what it says of that is dirty again.
    await world.log.truncateTo(1)
    t.equal(world.log.logEndOffset, 1, 'though the record before it is gone')
    world.forgetCut()
    t.ok((world.log.compaction.cleanedOffset ?? 0) <= 1)
    t.match(world.host.disk.peek('/data/cleaner-offset-checkpoint').toString(), /t 0 [01]\n/)
    world.append(pair('a', '3'))
    await world.settle()
  })
})

t.test('a log that is closed, cut or deleted meanwhile is given up at once', async t => {
  for (const end of ['close', 'cut', 'delete'] as const) {
    await within(async world => {
      for (let at = 0; at < 200; at++) world.append(pair(`k${at % 9}`, `${'v'.repeat(50)}${at}`))
      await world.roll()
      const compacting = world.compact()
      while (world.host.disk.names('/data/t-0').every(name => !name.endsWith('.cleaned'))) {
        await world.host.clock.sleep(0.1)
      }
      if (end === 'cut') await world.log.truncateTo(150)
      else if (end === 'close') await world.logs.close()
      else await world.logs.delete('t', 0)
      t.equal(await compacting, null)
      if (end === 'cut') world.forgetCut()
      else {
        if (end === 'delete') {
          await world.logs.close()
        }
        await world.open()
        if (end === 'delete') world.forgetCut()
      }
    })
  }
})

t.test('the dirtiest log comes first, in the background, as the settings say', async t => {
  await within(async world => {
    let settings: CleanerSettings = { ...defaultCleanerSettings, isEnabled: false, backoffMs: 50 }
    world.logs.start({ cleanerSettings: () => settings })
    for (let at = 0; at < 30; at++) world.append(pair(`k${at % 3}`, `v${at}`))
    await world.roll()
    await world.host.clock.sleep(500)
    t.equal(world.logs.cleaner.totals.rounds, 0)
    settings = { ...settings, isEnabled: true, ioBytesPerSecondMax: 4000 }
    const fromMs = world.host.clock.monotonic()
    while (world.logs.cleaner.totals.rounds === 0) await world.host.clock.sleep(10)
    const { totals } = world.logs.cleaner
    t.equal(totals.last?.topic, 't')
    const seconds = (world.host.clock.monotonic() - fromMs) / 1000
    const moved = totals.bytesRead + totals.bytesWritten
    t.ok(moved / seconds < 6000, `${moved} bytes in ${seconds} s`)
    t.ok(world.host.log.lines.some(({ message }) => message === 'a log has been compacted'))
  })
})

t.test('a small dedupe buffer takes several rounds', async t => {
  await within(async world => {
    const settings = { ...defaultCleanerSettings, dedupeBufferBytes: 24 * 20, loadFactor: 0.9, backoffMs: 20 }
    for (let at = 0; at < 60; at++) world.append(pair(`k${at % 25}`, `v${at}`))
    await world.roll()
    world.logs.start({ cleanerSettings: () => settings })
    while ((world.log.compaction.cleanedOffset ?? 0) < 60) await world.host.clock.sleep(20)
    t.ok(world.logs.cleaner.totals.rounds >= 3)
  })
})

t.test('damage is left to those who mend it', async t => {
  const world = new CompactionWorld(simHost(9))
  const run = async () => {
    await world.host.disk.makeDirectory('/data')
    await world.open()
    for (let at = 0; at < 20; at++) world.append(pair(`k${at % 3}`, `v${at}`))
    await world.roll()
    await world.logs.close()
    world.host.disk.corrupt('/data/t-0/00000000000000000000.log', 70, Buffer.from('xx'))
    await world.open()
    const before = world.host.disk.peek('/data/t-0/00000000000000000000.log')
    t.equal(await world.compact(), null)
    t.ok(before.equals(world.host.disk.peek('/data/t-0/00000000000000000000.log')))
    t.ok(world.host.log.lines.some(({ message }) => message.startsWith('compaction found damage')))
    await world.logs.close()
  }
  await world.host.clock.run(run())
})
