/**
 * Any single disk operation fails with an I/O error, or the disk is full for a while, at every point of some histories.
 * An I/O error may take the directory offline, but everyone who waits is told, and nothing that was reported durable is
 * lost. A full disk takes nothing offline, and what was appended gets written once there is room.
 */
import t from 'tap'
import { Errors, KafkaError } from '../../protocol/errors.ts'
import { DiskError } from '../../src/host/host.ts'
import type { Operation } from '../sim/disk.ts'
import { simHost } from '../sim/host.ts'
import { isDurable, openLogs, wrongWith } from './harness.ts'
import { type History, histories, newWorld, play, type World } from './histories.ts'

async function rehearse(history: History): Promise<Operation[]> {
  const world = newWorld(1)
  const operations: Operation[] = []
  world.host.disk.fault = operation => {
    operations.push(operation)
    return null
  }
  await play(world, history)
  return operations
}

/** Null when the history ended well, otherwise what stopped it; anything but the errors of a disk is thrown on. */
async function outcome(world: World, history: History): Promise<KafkaError | DiskError | null> {
  try {
    await play(world, history)
    return null
  } catch (error) {
    if (error instanceof DiskError) return error
    if (error instanceof KafkaError && error.code === Errors.KAFKA_STORAGE_ERROR) return error
    throw error
  }
}

/** The start after it finds all that was durable. */
async function checkRestart(world: World, seed: number): Promise<string | null> {
  const { model } = world
  const floor = world.log && !model.deleting ? model.floor(world.log) : 0
  const host = simHost(3, { disk: world.host.disk.afterPowerLoss(seed), slowDisk: false })
  return host.clock.run(
    (async () => {
      const logs = await openLogs(host)
      const log = logs.get('t', 0)
      const wrong = log ? await wrongWith(log, model, floor) : floor > 0 ? 'the log is gone' : null
      await logs.close()
      return wrong
    })(),
  )
}

async function failAt(history: History, at: number): Promise<string | null> {
  const world = newWorld(1)
  world.host.disk.fault = operation => (operation.number === at ? 'EIO' : null)
  const failure = await outcome(world, history)
  const { log, logs } = world
  if (log?.failure?.code === Errors.KAFKA_STORAGE_ERROR) {
    // Nobody may be left waiting, now or later.
    const told = await world.host.clock.run(
      isDurable(log, log.logEndOffset + 1).then(
        () => null,
        error => error,
      ),
    )
    if (!(told instanceof KafkaError)) return 'a waiter was not told'
    if (!logs?.directories[0].isOffline) return 'the log failed, its directory did not'
  }
  if (logs) await world.host.clock.run(logs.close())
  const wrong = await checkRestart(world, at)
  return wrong && `EIO at operation ${at}${failure ? ` (${failure.message})` : ''}: ${wrong}`
}

async function fullAt(history: History, operation: Operation): Promise<string | null> {
  const world = newWorld(1)
  let refusals = 0
  world.host.disk.fault = ({ number, kind }) =>
    number >= operation.number && kind === 'append' && refusals++ < 3 ? 'ENOSPC' : null
  const failure = await outcome(world, history)
  const { log, logs } = world
  if (log?.failure?.code === Errors.KAFKA_STORAGE_ERROR)
    return `ENOSPC from operation ${operation.number} on: ${log.failure.message}`
  if (log && !failure && !log.failure) await world.host.clock.run(isDurable(log))
  if (logs) await world.host.clock.run(logs.close())
  const wrong = await checkRestart(world, operation.number)
  return wrong && `ENOSPC from operation ${operation.number} on: ${wrong}`
}

for (const [name, history] of Object.entries(histories)) {
  t.test(`I/O error at every operation: ${name}`, async t => {
    const operations = await rehearse(history)
    for (const { number } of operations) {
      const wrong = await failAt(history, number).catch(error => `EIO at operation ${number}: ${error.stack}`)
      if (wrong) return t.fail(wrong)
    }
    t.pass(`${operations.length} operations`)
  })

  t.test(`full disk at every append: ${name}`, async t => {
    const operations = (await rehearse(history)).filter(({ kind }) => kind === 'append')
    for (const operation of operations) {
      const wrong = await fullAt(history, operation).catch(error => `ENOSPC at ${operation.number}: ${error.stack}`)
      if (wrong) return t.fail(wrong)
    }
    t.pass(`${operations.length} appends`)
  })
}
