/** A whole broker, simulated, with two power failures in each life. */
import t from 'tap'
import { brokerLife, brokerLives } from './broker-life.ts'

const lives = 25

t.test('power failures of a whole broker', async t => {
  const acknowledged = await brokerLives(1, lives)
  t.ok(acknowledged > 10 * lives, `${acknowledged} batches acknowledged`)
})

t.test('the same seed gives the same life', async t => {
  const [one, two] = [await brokerLife(5, [300, 200], 6), await brokerLife(5, [300, 200], 6)]
  t.same(one.trace, two.trace)
})
