/** Conversions for old clients run one after another, and let others run in between. */
import t from 'tap'
import { Conversions } from '../../src/api/conversions.ts'
import { nodeHost } from '../../src/host/node.ts'

t.test('one at a time, in order, whatever becomes of them', async t => {
  const conversions = new Conversions(nodeHost().clock)
  const events: string[] = []
  const work = (name: string, fails = false) =>
    conversions.run(async () => {
      events.push(`${name} begins`)
      await conversions.pause()
      await conversions.pause()
      events.push(`${name} ends`)
      if (fails) throw new Error(name)
      return name
    })
  const a = work('a')
  const b = work('b', true)
  const c = work('c')
  await t.rejects(b, { message: 'b' })
  t.equal(await a, 'a')
  t.equal(await c, 'c')
  t.same(
    events,
    ['a', 'b', 'c'].flatMap(name => [`${name} begins`, `${name} ends`]),
  )
})
