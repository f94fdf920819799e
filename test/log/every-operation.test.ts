/**
 * The power fails at every single disk operation of some histories, with several outcomes each; after the next start all
 * that was reported durable must be there, nothing else may be, and everything derived must agree with the batches.
 */
import t from 'tap'
import type { Log } from '../../src/log/log.ts'
import type { Logs } from '../../src/log/logs.ts'
import type { Operation } from '../sim/disk.ts'
import { type Loss, losses } from '../sim/disk-nodes.ts'
import { type SimHost, simHost } from '../sim/host.ts'
import { append, isDurable, LogModel, openLogs, smallConfig, topicId, wrongWith } from './harness.ts'

interface World {
  readonly host: SimHost
  logs: Logs | null
  log: Log | null
  model: LogModel
}

type History = (world: World) => Promise<void>

async function start(world: World): Promise<Log> {
  world.logs = await openLogs(world.host)
  world.log = await world.logs.create('t', topicId, 0, smallConfig)
  return world.log
}

async function truncate(world: World, log: Log, offset: number): Promise<void> {
  world.model.cuttingTo = offset
  await log.truncateTo(offset)
  world.model.cut(offset)
  world.model.cuttingTo = null
}

const histories: Record<string, History> = {
  async 'append and roll'(world) {
    const log = await start(world)
    for (let round = 0; round < 6; round++) {
      for (const bytes of [40, 200, 90]) append(log, world.model, { bytes, records: 2, producerId: 7 })
      await isDurable(log)
    }
  },

  async 'append in large turns'(world) {
    const log = await start(world)
    for (let i = 0; i < 14; i++) append(log, world.model, { bytes: 30 + 70 * (i % 4), epoch: Math.floor(i / 5) })
    await isDurable(log)
    append(log, world.model, { bytes: 900 })
    for (let i = 0; i < 5; i++) append(log, world.model, { bytes: 120, producerId: 1 })
    await isDurable(log)
  },

  async 'checkpoint, close and start again'(world) {
    let log = await start(world)
    for (let i = 0; i < 8; i++) append(log, world.model, { bytes: 100, producerId: 3 })
    await isDurable(log)
    await world.logs?.checkpoint()
    append(log, world.model, { bytes: 100, producerId: 3, epoch: 2 })
    await isDurable(log)
    await world.logs?.close()
    log = await start(world)
    for (let i = 0; i < 6; i++) append(log, world.model, { bytes: 150, producerId: 3, epoch: 3 })
    await isDurable(log)
    await world.logs?.checkpoint()
    await world.logs?.close()
  },

  async 'indexes of an earlier shutdown'(world) {
    let log = await start(world)
    append(log, world.model, { bytes: 60 })
    await isDurable(log)
    await world.logs?.close()
    log = await start(world)
    // Larger than a sector: the header may get down without the payload.
    append(log, world.model, { bytes: 900 })
    await isDurable(log)
  },

  async 'truncate and go on'(world) {
    const log = await start(world)
    for (let i = 0; i < 16; i++) append(log, world.model, { bytes: 150, epoch: i < 8 ? 0 : 1 })
    await isDurable(log)
    await world.logs?.checkpoint()
    await truncate(world, log, 11)
    for (let i = 0; i < 4; i++) append(log, world.model, { bytes: 170, epoch: 4 })
    await isDurable(log)
    await world.logs?.checkpoint()
    await truncate(world, log, 2)
    for (let i = 0; i < 5; i++) append(log, world.model, { bytes: 60, epoch: 5 })
    await isDurable(log)
  },

  async 'delete records and retention'(world) {
    const log = await start(world)
    for (let i = 0; i < 20; i++) append(log, world.model, { bytes: 120, producerId: 9 })
    await isDurable(log)
    world.model.logStartAsked = 13
    await log.deleteRecordsBefore(13)
    world.model.logStartDone = 13
    await log.enforceRetention()
    for (let i = 0; i < 6; i++) append(log, world.model, { bytes: 120, producerId: 9, epoch: 1 })
    await isDurable(log)
    await world.logs?.checkpoint()
    // Older than anything allowed: the active segment is rolled and goes as well.
    log.config = { ...smallConfig, retentionMs: 1 }
    world.model.logStartAsked = log.logEndOffset
    await log.enforceRetention()
    world.model.logStartDone = log.logStartOffset
    log.config = smallConfig
    append(log, world.model, { bytes: 50, producerId: 9, epoch: 1 })
    await isDurable(log)
  },

  async 'delete the topic and make it again'(world) {
    let log = await start(world)
    for (let i = 0; i < 9; i++) append(log, world.model, { bytes: 150 })
    await isDurable(log)
    await world.logs?.checkpoint()
    world.model.deleting = true
    await world.logs?.delete('t', 0)
    world.log = null
    world.model = new LogModel()
    log = (await world.logs?.create('t', topicId, 0, smallConfig)) as Log
    world.log = log
    for (let i = 0; i < 3; i++) append(log, world.model, { bytes: 80, epoch: 1 })
    await isDurable(log)
  },
}

function newWorld(seed: number): World {
  return { host: simHost(seed, { slowDisk: false }), logs: null, log: null, model: new LogModel() }
}

async function play(world: World, history: History): Promise<void> {
  const played = history(world)
  played.catch(() => {})
  await world.host.clock.run(Promise.race([played, world.host.disk.down]))
}

/** The power fails at operation `at`; the start after that, and one more, must find all as it should be. */
async function crash(name: string, history: History, at: number, loss: Loss, outcome: number): Promise<string | null> {
  const world = newWorld(1)
  world.host.disk.crashAt(at)
  await play(world, history)
  const floor = world.log ? world.model.floor(world.log) : 0
  let disk = world.host.disk.afterPowerLoss(at * 100 + outcome, loss)
  if (at % 3 === 0) {
    // The start after the failure meets another one.
    const interrupted = simHost(2, { disk })
    disk.crashAt(1 + ((at * 7) % 40))
    const opening = openLogs(interrupted)
    opening.catch(() => {})
    await interrupted.clock.run(Promise.race([opening, disk.down]))
    disk = disk.afterPowerLoss(at + 1)
  }
  const host = simHost(3, { disk, slowDisk: false })
  const wrong = await host.clock.run(examine(host, world, floor))
  return wrong && `${name}: power failure at operation ${at}, loss ${loss}, outcome ${outcome}: ${wrong}`
}

async function examine(host: SimHost, world: World, floor: number): Promise<string | null> {
  const { model } = world
  let logs = await openLogs(host)
  let log = logs.get('t', 0)
  const errors = host.log.at('error')
  if (errors.length > 0) return `logged: ${errors[0]} ${JSON.stringify(host.log.lines.at(-1))}`
  if (!log) {
    await logs.close()
    return world.log && !model.deleting && floor > 0 ? 'the log is gone' : null
  }
  const wrong = await wrongWith(log, model, floor)
  if (wrong) return wrong
  // It takes new batches, and after a shutdown in good order all is as it was.
  const end = log.logEndOffset
  model.cut(end)
  append(log, model, { bytes: 99, epoch: 9 })
  await isDurable(log)
  await logs.close()
  logs = await openLogs(host)
  log = logs.get('t', 0)
  if (!log || log.logEndOffset !== end + 1) return `ends at ${log?.logEndOffset} after a clean stop at ${end + 1}`
  const wrongThen = await wrongWith(log, model, end + 1)
  await logs.close()
  return wrongThen && `after a clean stop: ${wrongThen}`
}

/** Where batches are on their way to the disk there are many outcomes; elsewhere a file is there or it is not. */
function outcomesOf(operation: Operation): number {
  const data = operation.path.endsWith('.log') && (operation.kind === 'append' || operation.kind === 'sync')
  return data ? 10 : 1
}

for (const [name, history] of Object.entries(histories)) {
  t.test(`power failure at every operation: ${name}`, async t => {
    const operations: Operation[] = []
    const rehearsal = newWorld(1)
    rehearsal.host.disk.fault = operation => {
      operations.push(operation)
      return null
    }
    await play(rehearsal, history)
    t.ok(operations.length > 20, `${operations.length} operations`)
    let tried = 0
    for (const operation of operations) {
      for (let outcome = 0; outcome < outcomesOf(operation); outcome++) {
        const loss = losses[(operation.number + outcome) % losses.length]
        const wrong = await crash(name, history, operation.number, loss, outcome).catch(
          error => `${name}: at ${operation.number}, ${loss}, outcome ${outcome}: ${error.stack}`,
        )
        tried++
        if (wrong) return t.fail(wrong)
      }
    }
    t.pass(`${tried} power failures over ${operations.length} operations`)
  })
}
