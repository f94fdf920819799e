/** What happens to a log in the tests that stop the power, or fail an operation, at every point of it. */
import type { Log } from '../../src/log/log.ts'
import type { Logs } from '../../src/log/logs.ts'
import { type SimHost, simHost } from '../sim/host.ts'
import { append, isDurable, LogModel, openLogs, smallConfig, topicId } from './harness.ts'

export interface World {
  readonly host: SimHost
  logs: Logs | null
  log: Log | null
  model: LogModel
}

export type History = (world: World) => Promise<void>

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

export const histories: Record<string, History> = {
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

export function newWorld(seed: number): World {
  return { host: simHost(seed, { slowDisk: false }), logs: null, log: null, model: new LogModel() }
}

/** Until the history ends or the power fails. Rejects when the history does. */
export async function play(world: World, history: History): Promise<void> {
  const played = history(world)
  played.catch(() => {})
  await world.host.clock.run(Promise.race([played, world.host.disk.down]))
}
