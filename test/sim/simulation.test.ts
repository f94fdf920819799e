import t from 'tap'
import { alone, drawOptions } from './options.ts'
import { SimRandom } from './random.ts'
import { type Report, Simulation } from './simulation.ts'

/** More of them: `npm run sim -- --alone --seeds 1000`. */
const seeds = [1, 2, 3]

function play(seed: number): Promise<Report> {
  return new Simulation(seed, alone(drawOptions(new SimRandom(seed).fork()))).play()
}

t.test('one broker, clients and faults: nothing that was acknowledged is lost', async t => {
  for (const seed of seeds) {
    const { problem, acknowledged, trace } = await play(seed)
    t.equal(problem, null, `seed ${seed}`, { trace: trace.slice(-40) })
    t.ok(acknowledged > 0)
  }
})

t.test('the same seed gives the same world', async t => {
  const [first, second] = [await play(4), await play(4)]
  t.equal(first.hash, second.hash)
  t.equal(first.events, second.events)
})
