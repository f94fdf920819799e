/** Random lives of a log, each with two crashes and a look at what is left. `npm run crash -- simulated n` runs more. */
import t from 'tap'
import { crashLives } from './crash-model.ts'

t.test('power failures', async t => {
  await crashLives(1, 80, 'power failure', 'every write is synced')
  t.pass()
})

t.test('power failures where the page cache counts', async t => {
  await crashLives(1, 40, 'power failure', 'the page cache counts')
  t.pass()
})

t.test('kill -9 where the page cache counts', async t => {
  await crashLives(1, 40, 'kill', 'the page cache counts')
  t.pass()
})
