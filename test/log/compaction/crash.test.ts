/**
 * The power fails at every single disk operation of a history with compactions; after the next start, which may be
 * interrupted too, every key has its latest value, producers are known, and compaction goes on where it was.
 */
import t from 'tap'
import { compressionReady } from '../../../protocol/records/compression.ts'
import type { Operation } from '../../sim/disk.ts'
import { type Loss, losses } from '../../sim/disk-nodes.ts'
import { simHost } from '../../sim/host.ts'
import { CompactionWorld, deleteRetentionMs } from './model.ts'

t.before(() => compressionReady)

const value = (at: number) => `v${at}-${'.'.repeat((at * 37) % 60)}`

/** Keys that are written again and again, tombstones, transactions of both ends, and what becomes of them with time. */
async function history(world: CompactionWorld): Promise<void> {
  await world.host.disk.makeDirectory('/data')
  await world.open()
  for (let round = 0; round < 3; round++) {
    for (let at = 0; at < 6; at++) {
      const records = [0, 1, 2].map(i => {
        const key = `k${(round + at * 2 + i) % 9}`
        return { key, value: (at + i) % 5 === 0 ? null : value(round * 100 + at * 10 + i) }
      })
      world.append(records, { producerId: 1 + (at % 2), codecId: at % 3 === 2 ? 1 : 0 })
      world.append([{ key: `t${at % 3}`, value: value(round * 10 + at) }], {
        producerId: 10 + round,
        transactional: true,
      })
      if (at % 2 === 1) world.endTransaction(10 + round, at % 4 === 1, round % 2 === 0)
      if (at % 3 === 0) await world.settle()
    }
    await world.roll()
    await world.compact()
    if (round === 1) await world.logs.checkpoint()
    await world.host.clock.sleep(deleteRetentionMs + 1)
  }
}

async function crash(at: number, loss: Loss, outcome: number): Promise<string | null> {
  const world = new CompactionWorld(simHost(1, { slowDisk: false }))
  world.host.disk.crashAt(at)
  const played = history(world)
  played.catch(() => {})
  await world.host.clock.run(Promise.race([played, world.host.disk.down]))
  let disk = world.host.disk.afterPowerLoss(at * 100 + outcome, loss)
  if (at % 2 === 0) {
    const interrupted = world.successor(disk, 2)
    disk.crashAt(1 + ((at * 7) % 40))
    const opening = interrupted.open()
    opening.catch(() => {})
    await interrupted.host.clock.run(Promise.race([opening, disk.down]))
    disk = disk.afterPowerLoss(at + 1)
  }
  const next = world.successor(disk, 3)
  next.host.clock.jump(world.host.clock.now() - next.host.clock.now())
  return next.host.clock.run(examine(next))
}

async function examine(world: CompactionWorld): Promise<string | null> {
  await world.open()
  world.forgetLost()
  const wrong = (await world.wrong()) ?? logged(world)
  if (wrong) return wrong
  // It goes on: more of the same, another round, another start.
  for (let at = 0; at < 8; at++) world.append([{ key: `k${at}`, value: value(1000 + at) }])
  await world.roll()
  await world.compact()
  const wrongThen = (await world.wrong()) ?? logged(world)
  if (wrongThen) return `after another round: ${wrongThen}`
  await world.logs.close()
  await world.open()
  const wrongAtLast = (await world.wrong()) ?? logged(world)
  await world.logs.close()
  const left = world.host.disk.names('/data/t-0').filter(name => /\.(cleaned|swap|deleted)$/.test(name))
  if (left.length > 0) return `files are left: ${left}`
  return wrongAtLast && `after a clean stop: ${wrongAtLast}`
}

function logged(world: CompactionWorld): string | null {
  const errors = world.host.log.at('error')
  return errors.length > 0 ? `logged: ${errors[0]} ${JSON.stringify(world.host.log.lines.at(-1))}` : null
}

t.test('power failure at every operation', async t => {
  const operations: Operation[] = []
  const rehearsal = new CompactionWorld(simHost(1, { slowDisk: false }))
  rehearsal.host.disk.fault = operation => {
    operations.push(operation)
    return null
  }
  await rehearsal.host.clock.run(history(rehearsal))
  t.equal(await rehearsal.host.clock.run(rehearsal.wrong()), null)
  t.ok(rehearsal.logs.cleaner.totals.rounds >= 3, 'it was compacted')
  for (const { number, path, kind } of operations) {
    // What of a rename or of written bytes is left depends; a read leaves nothing.
    const outcomes = kind === 'read' || kind === 'open' || kind === 'close' || kind === 'list' ? 0 : 1
    for (let outcome = 0; outcome < outcomes; outcome++) {
      const loss = losses[(number + outcome * 2) % losses.length]
      const wrong = await crash(number, loss, outcome).catch(error => String(error.stack))
      if (wrong) return t.fail(`at ${number} (${kind} ${path}), loss ${loss}, outcome ${outcome}: ${wrong}`)
    }
  }
  t.pass(`${operations.length} operations`)
})
