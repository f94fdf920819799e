/** Damage that a clean start does not look for: never read, found in the background, reported, mended. */
import t from 'tap'
import { Errors, KafkaError } from '../../protocol/errors.ts'
import { baseOffset, lastOffset } from '../../protocol/records/batch.ts'
import type { Log } from '../../src/log/log.ts'
import { Logs } from '../../src/log/logs.ts'
import type { SimDisk } from '../sim/disk.ts'
import { type SimHost, simHost } from '../sim/host.ts'
import { SimRandom } from '../sim/random.ts'
import {
  append,
  directory,
  isDurable,
  LogModel,
  openLogs,
  readAll,
  smallConfig,
  smallLimits,
  topicId,
} from './harness.ts'

interface Stopped {
  readonly disk: SimDisk
  readonly model: LogModel
  readonly bases: number[]
}

/** A log of 20 batches in several segments, closed in good order. */
async function stopped(): Promise<Stopped> {
  const host = simHost(1, { slowDisk: false })
  const logs = await openLogs(host)
  const log = await logs.create('t', topicId, 0, smallConfig)
  const model = new LogModel()
  for (let i = 0; i < 20; i++) {
    append(log, model, { bytes: 150, producerId: 5, epoch: 3 })
    await host.clock.run(isDurable(log))
  }
  await host.clock.run(logs.close())
  return { disk: host.disk, model, bases: log.segmentBaseOffsets }
}

/** Changes bytes of the batch at `offset`, `into` bytes after its beginning. */
function damage({ disk, model, bases }: Stopped, offset: number, into = 80, bytes = Buffer.from([0xff, 0x00, 0xff])) {
  const base = bases.findLast(one => one <= offset) ?? 0
  const before = model.batches.filter(batch => baseOffset(batch) >= base && lastOffset(batch) < offset)
  const position = before.reduce((sum, batch) => sum + batch.length, 0)
  disk.corrupt(`/data/t-0/${String(base).padStart(20, '0')}.log`, position + into, bytes)
}

async function reopen(disk: SimDisk, scrubBytesPerSecond?: number): Promise<{ host: SimHost; logs: Logs; log: Log }> {
  const host = simHost(2, { disk: disk.reopened(), slowDisk: false })
  const logs = await Logs.open(host, { directories: [directory], limits: smallLimits, scrubBytesPerSecond })
  await logs.loadAll(() => smallConfig)
  return { host, logs, log: logs.get('t', 0)! }
}

/** Each offset, or the error that a reader of it gets. */
async function readable(log: Log): Promise<(number | string)[]> {
  const found: (number | string)[] = []
  for (let offset = 0; offset < log.logEndOffset; offset++) {
    const request = { offset, bytesMax: 1, upperOffset: log.logEndOffset, minOneBatch: true }
    try {
      const { chunks } = await log.read({ ...request, abortedTransactions: false })
      found.push(baseOffset(chunks[0]))
    } catch (error) {
      if (!(error instanceof KafkaError)) throw error
      found.push(error.code === Errors.CORRUPT_MESSAGE ? 'corrupt' : String(error.code))
    }
  }
  return found
}

const allBut = (...damaged: number[]) =>
  Array.from({ length: 20 }, (_, offset) => (damaged.includes(offset) ? 'corrupt' : offset))

for (const [where, into] of [
  ['records', 80],
  ['checksum', 17],
  ['length', 8],
  ['magic byte', 16],
  ['base offset', 5],
] as const) {
  t.test(`nobody reads a batch whose ${where} changed while the log was closed`, async t => {
    const state = await stopped()
    const last = state.bases[state.bases.length - 1]
    t.ok(state.bases.length > 2 && last < 18)
    damage(state, 4, into)
    damage(state, 18, into)
    const { host, log } = await reopen(state.disk)
    const read = await readable(log)
    t.equal(read[4], 'corrupt')
    t.equal(read[18], 'corrupt')
    await host.clock.advance(100)
    t.same(await readable(log), allBut(4, 18), 'once a reader has wondered, it is known where the damage ends')
  })
}

for (const [what, into, byte] of [
  ['base offset a little higher', 7, 2],
  ['base offset lower', 7, -1],
  ['leader epoch higher', 15, 1],
  ['leader epoch lower', 15, -1],
] as const) {
  t.test(`what the checksum leaves out: ${what}`, async t => {
    for (const offset of [0, 4, 5, 18, 19]) {
      // What claims to lie beyond the end of the log moves that end: nobody can tell.
      if (offset === 19 && byte === 2) continue
      const state = await stopped()
      const [first] = state.model.batches[offset].subarray(into)
      damage(state, offset, into, Buffer.from([first + byte]))
      const { host, logs, log } = await reopen(state.disk)
      logs.start()
      await host.clock.advance(1000)
      t.match(log.corruptRanges, [{ startOffset: offset, endOffset: offset + 1 }], `at ${offset}`)
      t.equal(await host.clock.run(log.scrub.mend(log.corruptRanges[0], state.model.batches[offset])), 'mended')
      t.same(await readAll(log), state.model.batches)
    }
  })
}

t.test('a round finds damage in closed segments and in the last, and reports it', async t => {
  const state = await stopped()
  for (const offset of [0, 7, 8, 19]) damage(state, offset)
  const { host, logs, log } = await reopen(state.disk)
  const told: Log[] = []
  logs.whenDamaged(damaged => told.push(damaged))
  logs.start()
  await host.clock.advance(1000)
  t.same(told, [log])
  t.match(log.corruptRanges, [
    { startOffset: 0, endOffset: 1 },
    { startOffset: 7, endOffset: 9 },
    { startOffset: 19, endOffset: 20 },
  ])
  t.equal(host.log.at('error').length, 3)
  t.same(await readable(log), allBut(0, 7, 8, 19))
  append(log, state.model, { bytes: 20 })
  await host.clock.run(isDurable(log))
  t.same(await readable(log), [...allBut(0, 7, 8, 19), 20])
  await host.clock.run(logs.close())
  const again = await reopen(host.disk)
  t.same(await readable(again.log), [...allBut(0, 7, 8, 19), 20], 'the next start knows')
})

t.test('what others have of the damaged records mends them', async t => {
  const state = await stopped()
  for (const offset of [7, 8, 19]) damage(state, offset, 8)
  const { host, logs, log } = await reopen(state.disk)
  logs.start()
  await host.clock.advance(1000)
  t.equal(log.corruptRanges.length, 2)
  const { batches } = state.model
  const wrong = Buffer.from(batches[7])
  wrong[70] ^= 1
  const [first] = log.corruptRanges
  t.equal(await host.clock.run(log.scrub.mend(first, batches[7])), 'differs')
  t.equal(await host.clock.run(log.scrub.mend(first, Buffer.concat([wrong, batches[8]]))), 'differs')
  t.equal(await host.clock.run(log.scrub.mend(first, Buffer.concat([batches[8], batches[7]]))), 'differs')
  t.equal(await host.clock.run(log.scrub.mend(first, Buffer.concat([batches[7], batches[8]]))), 'mended')
  t.equal(await host.clock.run(log.scrub.mend(first, Buffer.concat([batches[7], batches[8]]))), 'gone')
  t.equal(await host.clock.run(log.scrub.mend(log.corruptRanges[0], batches[19])), 'mended')
  t.same(await readAll(log), batches)
  await host.clock.run(logs.close())
  const again = await reopen(host.disk)
  t.same(again.log.corruptRanges, [])
  t.same(await readAll(again.log), batches)
})

t.test('readers of a log that others hold too are told to ask again', async t => {
  const state = await stopped()
  damage(state, 3)
  const { host, log } = await reopen(state.disk)
  log.scrub.isMendable = true
  t.equal((await readable(log))[3], String(Errors.KAFKA_STORAGE_ERROR))
  await host.clock.advance(100)
  t.equal((await readable(log))[3], String(Errors.KAFKA_STORAGE_ERROR))
})

t.test('no faster than told, and not at all with 0', async t => {
  const { disk, model } = await stopped()
  const bytes = model.batches.reduce((sum, batch) => sum + batch.length, 0)
  const { host, logs } = await reopen(disk, bytes / 10)
  const before = host.disk.operations
  logs.start()
  await host.clock.advance(5000)
  const half = host.disk.operations
  await host.clock.advance(60_000)
  t.ok(half > before && host.disk.operations > half)
  await host.clock.run(logs.close())
  const idle = await reopen(host.disk, 0)
  const operations = idle.host.disk.operations
  idle.logs.start()
  await idle.host.clock.advance(4000)
  t.equal(idle.host.disk.operations, operations)
})

t.test('a log that is written, cut, rolled and shortened while it is scrubbed is not taken for damaged', async t => {
  const seed = Math.floor(Math.random() * 2 ** 31)
  t.comment(`seed ${seed}`)
  const random = new SimRandom(seed)
  const host = simHost(seed)
  const logs = await host.clock.run(openLogs(host, smallLimits, { ...smallConfig, retentionBytes: 6000 }))
  const log = await host.clock.run(logs.create('t', topicId, 0, { ...smallConfig, retentionBytes: 6000 }))
  const model = new LogModel()
  let running = true
  const pace = { take: () => host.clock.sleep(random.below(3)), stopped: false }
  const scrubbing = (async () => {
    let rounds = 0
    for (; running; rounds++) {
      const found = await log.scrub.run(pace)
      if (found.length > 0) throw new Error(`seed ${seed}: ${JSON.stringify(found)}`)
      await host.clock.sleep(1)
    }
    return rounds
  })()
  for (let step = 0; step < 300; step++) {
    for (let i = random.below(4); i > 0; i--) append(log, model, { bytes: 20 + random.below(300) })
    if (random.oneIn(10))
      await host.clock.run(log.truncateTo(Math.max(log.logStartOffset, log.logEndOffset - random.below(8))))
    if (random.oneIn(20)) await host.clock.run(log.enforceRetention())
    await host.clock.advance(random.below(5))
  }
  await host.clock.run(isDurable(log))
  running = false
  t.ok((await host.clock.run(scrubbing)) > 10)
  t.same(log.corruptRanges, [])
  await host.clock.run(logs.close())
})
