/** Random lives of a compacted log. */
import { type SimHost, simHost } from '../../sim/host.ts'
import type { SimRandom } from '../../sim/random.ts'
import { CompactionWorld, deleteRetentionMs } from './model.ts'

const keys = 14

/** One random thing that happens. */
export async function step(world: CompactionWorld, random: SimRandom, say: (what: string) => void): Promise<void> {
  const choice = random.below(100)
  // An open transaction holds compaction up: none may stay so for good.
  if (random.oneIn(8))
    for (const id of world.producers.keys()) world.endTransaction(id, random.oneIn(2), random.oneIn(2))
  if (choice < 66) {
    for (let count = 1 + random.below(4); count > 0; count--) appendSome(world, random, say)
    await world.settle()
  } else if (choice < 74) {
    say('roll')
    await world.roll()
  } else if (choice < 88) {
    say(`compact from ${world.log.compaction.cleanedOffset} of ${world.log.segmentBaseOffsets}`)
    const round = await world.compact()
    say(`compacted to ${round?.endOffset}: ${world.log.segmentBaseOffsets}`)
  } else if (choice < 93) await world.host.clock.sleep(random.below(2 * deleteRetentionMs))
  else if (choice < 95) await world.logs.checkpoint()
  else if (choice < 97) {
    say('close')
    await world.logs.close()
    await world.open()
  } else await world.log.enforceRetention()
}

function appendSome(world: CompactionWorld, random: SimRandom, say: (what: string) => void): void {
  // Producers come and go: what the last one did must outlast the records.
  const id = 1 + random.below(3) + Math.floor(world.records.length / 60)
  const kind = random.below(8)
  if (kind < 2 && world.isInTransaction(id)) {
    const [commit, bump] = [random.oneIn(2), random.oneIn(2)]
    say(`${commit ? 'commit' : 'abort'} ${id} at ${world.log.logEndOffset}`)
    world.endTransaction(id, commit, bump)
    return
  }
  const records = Array.from({ length: 1 + random.below(5) }, () => ({
    key: `k${random.below(keys)}`,
    value: random.oneIn(4) ? null : `v${world.log.logEndOffset}-${'x'.repeat(random.below(80))}`,
  }))
  const codecId = random.oneIn(3) ? 1 + random.below(4) : 0
  const isPlain = kind === 1 || (kind < 4 && !world.isInTransaction(id))
  const shape =
    isPlain && !world.isInTransaction(id)
      ? kind === 1
        ? {}
        : { producerId: id }
      : { producerId: id, transactional: true }
  say(
    `${world.log.logEndOffset}: ${records.map(({ key, value }) => `${key}${value === null ? '!' : ''}`)} ${JSON.stringify(shape)}`,
  )
  world.append(records, { ...shape, codecId })
}

/** A life of so many steps, looked at after each compaction and at the end. Throws an Error that tells all of it. */
export async function life(seed: number, steps: number): Promise<CompactionWorld> {
  const host: SimHost = simHost(seed, { slowDisk: seed % 4 === 0 })
  const world = new CompactionWorld(host)
  const random = host.random.fork()
  const trace: string[] = []
  const say = (what: string) => void trace.push(`${host.clock.monotonic().toFixed(0)} ${what}`)
  await host.clock.run(host.disk.makeDirectory('/data'))
  try {
    await host.clock.run(world.open())
    for (let at = 0; at < steps; at++) {
      await host.clock.run(step(world, random, say))
      if (at % 5 === 4) await check(world, say)
    }
    await host.clock.run(world.roll())
    await host.clock.run(world.compact())
    await check(world, say)
    await host.clock.run(world.logs.close())
    await host.clock.run(world.open())
    await check(world, say)
    await host.clock.run(world.logs.close())
  } catch (error) {
    throw new Error(`seed ${seed}: ${(error as Error).message}\n${trace.join('\n')}`, { cause: error })
  }
  return world
}

async function check(world: CompactionWorld, say: (what: string) => void): Promise<void> {
  const wrong = await world.host.clock.run(world.wrong())
  const lines = world.host.log.at('error')
  if (lines.length > 0) throw new Error(`logged: ${lines[0]} ${JSON.stringify(world.host.log.lines.at(-1))}`)
  if (wrong) throw new Error(wrong)
  say('checked')
}
