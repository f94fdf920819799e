/** Random histories of a compacted log, with transactions, tombstones and every codec, beside a model of it. */
import t from 'tap'
import { compressionReady } from '../../../protocol/records/compression.ts'
import { life } from './random.ts'

t.before(() => compressionReady)

t.test('what is left is the latest value of each key', async t => {
  for (let seed = 1; seed <= 15; seed++) await life(seed, 120)
  t.pass()
})
