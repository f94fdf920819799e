/**
 * The power fails at every single disk operation of some histories, with several outcomes each; after the next start all
 * that was reported durable must be there, nothing else may be, and everything derived must agree with the batches.
 */
import t from 'tap'
import type { Operation } from '../sim/disk.ts'
import { type Loss, losses } from '../sim/disk-nodes.ts'
import { type SimHost, simHost } from '../sim/host.ts'
import { append, isDurable, openLogs, wrongWith } from './harness.ts'
import { type History, histories, newWorld, play, type World } from './histories.ts'

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
