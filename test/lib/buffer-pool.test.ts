import t from 'tap'
import { BufferPool } from '../../src/lib/buffer-pool.ts'

t.test('a buffer that was given back is taken again by a read of about its size', async t => {
  const pool = new BufferPool(8 << 20)
  const first = pool.take(1 << 20)
  t.ok(first.length >= 1 << 20)
  pool.give(first)
  t.equal(pool.keptBytes, first.length)
  t.not(pool.take((1 << 20) * 2), first, 'too small')
  t.equal(pool.take((1 << 20) - 100), first)
  t.equal(pool.keptBytes, 0)
  t.not(pool.take(1 << 20), first, 'one buffer is never out twice')
})

t.test('at most a fifth of a buffer is unused', async t => {
  const pool = new BufferPool(0)
  for (const bytes of [65536, 65537, 100_000, (1 << 20) + 4096, (1 << 20) - 1, 5 << 20]) {
    const { length } = pool.take(bytes)
    t.ok(length >= bytes && length <= bytes * 1.25, `${bytes}: ${length}`)
  }
})

t.test('no more is kept than allowed', async t => {
  const pool = new BufferPool(1 << 20)
  const taken = [pool.take(1 << 19), pool.take(1 << 19), pool.take(1 << 19)]
  for (const buffer of taken) pool.give(buffer)
  t.equal(pool.keptBytes, 1 << 20)
})

t.test('small buffers are not pooled', async t => {
  const pool = new BufferPool(1 << 20)
  pool.give(pool.take(1000))
  t.equal(pool.keptBytes, 0)
})

t.test('giving back twice is a bug that is found at once', async t => {
  const pool = new BufferPool(1 << 20)
  const buffer = pool.take(1 << 17)
  pool.give(buffer)
  t.throws(() => pool.give(buffer), /given back once/)
  t.throws(() => pool.give(Buffer.alloc(1 << 17)), /given back once/)
})
