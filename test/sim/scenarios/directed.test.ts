/** Schedules in which certain bugs show: all is well without them, and they are seen with them. */
import t from 'tap'
import { bugs } from '../bugs.ts'

t.setTimeout(240_000)

const calm = new Set<unknown>()

for (const { name, scenario, plant } of bugs) {
  if (!scenario) continue
  t.test(name, async t => {
    if (!calm.has(scenario)) await scenario(1)
    calm.add(scenario)
    const remove = plant()
    await t.rejects(scenario(1))
    remove()
  })
}
