/** Many lives of a transactional id from many seeds. A failure prints its seed and the end of its story. */
import t from 'tap'
import { Life, type LifeOptions } from './histories.ts'

const steps = 250

/** The first seed with a problem, and its life. */
function firstProblem(seeds: number, options: LifeOptions) {
  let written = 0
  for (let seed = 1; seed <= seeds; seed++) {
    const life = new Life(seed, options)
    life.run(steps)
    written += life.partitions.reduce((sum, partition) => sum + partition.written.length, 0)
    const problems = life.problems()
    if (problems.length > 0) return { seed, problems, story: life.story, written }
  }
  return { seed: 0, problems: [], story: [], written }
}

for (const generation of [1, 2] as const) {
  t.test(`transactions of generation ${generation} are whole, and as the client was told`, async t => {
    const { seed, problems, story, written } = firstProblem(400, { generation })
    t.same(problems, [], `seed ${seed}\n${story.slice(-60).join('\n')}`)
    t.comment(`${written} writes`)
    t.ok(written > 10_000)
  })
}

t.test('the check finds it when late requests of the first generation are served', async t => {
  const { problems } = firstProblem(400, { generation: 1, servesLate: true })
  t.match(problems, [/transaction \d+ (is torn|was (aborted|committed))/])
})
