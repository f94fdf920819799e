import t from 'tap'
import { bugs } from './bugs.ts'
import { alone, drawOptions, type SimOptions } from './options.ts'
import { SimRandom } from './random.ts'
import { type Report, Simulation } from './simulation.ts'

t.setTimeout(240_000)

/** A minute of a cluster each. More of them: `npm run sim -- --seeds 1000`. */
const clusters = [1, 2, 4, 6]
const brokers = [1]
/** Bugs that a single seed finds, and which one; for all of them: `npm run sim -- --bug all`. */
const found = { 'skip-sync': 1, 'ack-early': 2 }

function play(seed: number, adapt: (options: SimOptions) => SimOptions = options => options): Promise<Report> {
  return new Simulation(seed, adapt(drawOptions(new SimRandom(seed).fork()))).play()
}

t.test('a cluster, clients and faults: nothing that was acknowledged is lost, and all is well in the end', async t => {
  for (const seed of clusters) {
    const { problem, acknowledged, trace } = await play(seed)
    t.equal(problem, null, `seed ${seed}`, { trace: trace.slice(-40) })
    t.ok(acknowledged > 0)
  }
})

t.test('the same of one broker alone', async t => {
  for (const seed of brokers) {
    const { problem, trace } = await play(seed, alone)
    t.equal(problem, null, `seed ${seed}`, { trace: trace.slice(-40) })
  }
})

t.test('the same seed gives the same world', async t => {
  const [first, second] = [await play(1), await play(1)]
  t.equal(first.hash, second.hash)
  t.equal(first.events, second.events)
})

t.test('bugs are seen', async t => {
  for (const { name, plant } of bugs) {
    const seed = Object.entries(found).find(([planted]) => planted === name)?.[1]
    if (seed === undefined) continue
    const remove = plant()
    const { problem } = await play(seed)
    remove()
    t.not(problem, null, name)
  }
})
