import t from 'tap'
import { TokenBucket } from '../../src/lib/token-bucket.ts'

t.test('tokens come back', async t => {
  const bucket = new TokenBucket(2, 10, 0)
  t.ok(bucket.isFull(0))
  bucket.spend(10, 0)
  t.equal(bucket.waitMs(0), 0, 'none are owed')
  bucket.spend(5, 0)
  t.equal(bucket.waitMs(0), 2500)
  t.equal(bucket.waitMs(2000), 500)
  t.equal(bucket.waitMs(2500), 0)
  t.notOk(bucket.isFull(7000))
  t.ok(bucket.isFull(7500))
  bucket.spend(10, 100_000)
  t.equal(bucket.waitMs(100_000), 0, 'never more than the burst')
  bucket.spend(1, 100_000)
  t.equal(bucket.waitMs(100_000), 500)
})

t.test('another limit', async t => {
  const bucket = new TokenBucket(2, 10, 0)
  bucket.spend(14, 0)
  bucket.limit(1, 3, 1000)
  t.equal(bucket.waitMs(1000), 2000)
  t.ok(bucket.isFull(6000))
})
