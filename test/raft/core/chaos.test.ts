/**
 * Many clusters, each with its own faults out of one seed. `OTTLA_SEED=n` runs one of them, `OTTLA_SEEDS=n` so many, from
 * a random one on.
 */
import t from 'tap'
import { chaos } from './chaos.ts'
import type { ClusterOptions } from './cluster.ts'
import { Violation } from './cluster.ts'

const single = process.env.OTTLA_SEED
const count = single ? 1 : Number(process.env.OTTLA_SEEDS ?? 30)
const first = single ? Number(single) : Math.floor(Math.random() * 2 ** 31)

function optionsOf(seed: number): ClusterOptions {
  const kraftVersion = seed % 2 === 0 ? 0 : 1
  const voters = [3, 3, 5, 2, 4][seed % 5]
  return {
    seed,
    nodes: voters + (seed % 3 === 0 ? 1 : 0),
    voters,
    kraftVersion,
    lossPerMille: [0, 50, 200][seed % 3],
    duplicatePerMille: seed % 4 === 0 ? 100 : 0,
    delayMaxMs: [3, 30, 150][seed % 3],
  }
}

t.test(`nothing that was committed is lost, from seed ${first}`, async t => {
  const sum = { committed: 0, elections: 0, truncations: 0, snapshots: 0, changes: 0, crashes: 0 }
  for (let seed = first; seed < first + count; seed++) {
    const result = chaos(optionsOf(seed))
    for (const name of Object.keys(sum) as (keyof typeof sum)[]) sum[name] += result[name]
  }
  t.comment(JSON.stringify(sum))
  if (!single) t.ok(sum.elections > count && sum.committed > count, 'there were elections, and records')
})

t.test('records acknowledged before they are synced are missed', async t => {
  const found = () => {
    for (let seed = 1; seed <= 400; seed++) chaos({ ...optionsOf(seed), bug: 'acknowledge-unsynced' })
  }
  t.throws(found, Violation)
})
