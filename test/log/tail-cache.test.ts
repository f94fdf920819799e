import t from 'tap'
import { ownBytes, TailCache, TailCacheBudget } from '../../src/log/tail-cache.ts'

function add(cache: TailCache, baseOffset: number, bytes = 100): void {
  cache.add({ baseOffset, lastOffset: baseOffset + 1, position: 0, bytes: Buffer.alloc(bytes) })
}

t.test('finds the batch that holds an offset', async t => {
  const cache = new TailCache(new TailCacheBudget(1000), 1000, 0)
  t.equal(cache.find(0), -1)
  for (const offset of [10, 12, 20]) add(cache, offset)
  t.equal(cache.find(9), -1)
  t.equal(cache.at(cache.find(10))?.baseOffset, 10)
  t.equal(cache.at(cache.find(13))?.baseOffset, 12)
  t.equal(cache.at(cache.find(15))?.baseOffset, 20, 'the first after a gap')
  t.equal(cache.at(cache.find(21))?.baseOffset, 20)
  t.equal(cache.find(22), -1)
})

t.test('drops the oldest, but nothing that waits for the disk', async t => {
  const budget = new TailCacheBudget(10_000)
  const cache = new TailCache(budget, 300, 0)
  for (let offset = 0; offset < 10; offset += 2) add(cache, offset)
  t.equal(cache.heldBytes, 500, 'all of it is unwritten')
  cache.unpinTo(6)
  add(cache, 10)
  t.equal(cache.heldBytes, 300)
  t.equal(cache.find(5), -1)
  t.not(cache.find(6), -1)
  t.equal(budget.heldBytes, 300)
  cache.clear(12)
  t.equal(budget.heldBytes, 0)
  t.equal(cache.find(10), -1)
})

t.test('one budget for all: the oldest of any log goes first', async t => {
  const budget = new TailCacheBudget(1000)
  const caches = [0, 1, 2, 3].map(() => new TailCache(budget, 400, 0))
  let most = 0
  for (let round = 0; round < 3000; round++) {
    const cache = caches[round % 4]
    add(cache, round * 2)
    cache.unpinTo(round * 2 + 2)
    most = Math.max(most, budget.heldBytes)
  }
  t.ok(most <= 1000)
  const held = caches.reduce((sum, cache) => sum + cache.heldBytes, 0)
  t.equal(held, budget.heldBytes)
  for (const cache of caches) t.ok(cache.heldBytes >= 200, 'a fair share')
  for (const cache of caches) cache.clear(0)
  t.equal(budget.heldBytes, 0)
  for (let offset = 0; offset < 40; offset += 2) add(caches[0], offset)
  caches[0].unpinTo(100)
  add(caches[1], 0)
  t.ok(budget.heldBytes <= 1000)
})

t.test('a small view of a large buffer is copied', async t => {
  const large = Buffer.allocUnsafeSlow(10_000)
  const most = large.subarray(0, 9_000)
  t.equal(ownBytes(most), most)
  const small = large.subarray(10, 110)
  t.not(ownBytes(small).buffer, small.buffer)
  t.same(ownBytes(small), small)
})
