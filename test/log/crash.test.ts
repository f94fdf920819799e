/** A log whose power fails: at every operation of a few lives, and somewhere in many. */
import t from 'tap'
import { crashLife } from './crash-model.ts'

t.test('at every operation', async t => {
  for (const seed of [1, 2]) {
    let crashAt = 1
    while (await crashLife(seed, crashAt)) crashAt++
    t.ok(crashAt > 50, `${crashAt} operations`)
  }
})

t.test('somewhere in many lives', async t => {
  for (let seed = 100; seed < 180; seed++) await crashLife(seed, 1 + ((seed * 37) % 250))
  t.pass()
})
