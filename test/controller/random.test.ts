import t from 'tap'
import { RandomCluster } from './random-cluster.ts'

const seeds = Number(process.env.SEEDS ?? 250)
const steps = 120

t.test('whatever happens, every partition keeps what was promised of it', async t => {
  for (let seed = 1; seed <= seeds; seed++) {
    const cluster = new RandomCluster(seed)
    let problem: string | null = null
    for (let i = 0; i < steps && !problem; i++) problem = cluster.step()
    problem ??= cluster.settle()
    if (problem) return t.fail(`seed ${seed}: ${problem}\n${cluster.trace.slice(-12).join('\n')}`)
  }
  t.pass(`${seeds} clusters of ${steps} steps`)
})
