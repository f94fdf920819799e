import t from 'tap'
import { OffsetIndex } from '../../src/log/offset-index.ts'
import { TimeIndex } from '../../src/log/time-index.ts'
import { abortedBetween, decodeAborted, encodeAborted } from '../../src/log/transaction-index.ts'

t.test('offset index', async t => {
  const index = new OffsetIndex(1000)
  t.equal(index.floorPosition(1000), 0, 'empty')
  for (let i = 1; i <= 50; i++) index.append(1000 + i * 10, i * 4096)
  t.equal(index.count, 50)
  t.equal(index.floorPosition(1009), 0)
  t.equal(index.floorPosition(1010), 4096)
  t.equal(index.floorPosition(1019), 4096)
  t.equal(index.floorPosition(9999), 50 * 4096)
  t.equal(index.lastPosition(), 50 * 4096)
  const bytes = index.encode()
  t.equal(bytes.length, 400)
  t.equal(bytes.subarray(0, 8).toString('hex'), '0000000a00001000', 'big-endian relative offset and position')
  t.equal(index.encode(49).length, 8)
  const copy = OffsetIndex.decode(1000, bytes, 1 << 20)
  t.equal(copy?.floorPosition(1255), 25 * 4096)
  index.truncateTo(1100)
  t.equal(index.count, 9)
  t.throws(() => index.append(999, 1), /outside segment/)
  t.throws(() => index.append(1000 + 2 ** 31, 1), /outside segment/)
})

t.test('bytes that are no offset index', async t => {
  const index = new OffsetIndex(0)
  index.append(5, 100)
  index.append(9, 200)
  const good = index.encode()
  t.ok(OffsetIndex.decode(0, good, 201))
  t.ok(OffsetIndex.decode(0, Buffer.alloc(0), 0))
  t.equal(OffsetIndex.decode(0, good.subarray(0, 15), 201), null, 'a part of an entry')
  t.equal(OffsetIndex.decode(0, good, 200), null, 'beyond the segment')
  t.equal(OffsetIndex.decode(0, Buffer.concat([good, Buffer.alloc(8)]), 201), null, 'preallocated')
  t.equal(OffsetIndex.decode(0, Buffer.concat([good, good]), 201), null, 'not ascending')
})

t.test('time index', async t => {
  const index = new TimeIndex(100)
  t.equal(index.lastTimestamp, -1)
  t.equal(index.scanFrom(5), 100)
  index.maybeAppend(-1, 100)
  index.maybeAppend(1000, 104)
  index.maybeAppend(1000, 108)
  index.maybeAppend(900, 110)
  index.maybeAppend(2000, 120)
  t.equal(index.count, 2)
  t.equal(index.lastTimestamp, 2000)
  t.equal(index.lastOffset, 120)
  t.equal(index.scanFrom(1000), 100, 'a record with that very timestamp may come first in its batch')
  t.equal(index.scanFrom(1001), 104)
  t.equal(index.scanFrom(2001), 120)
  const bytes = index.encode()
  t.equal(bytes.toString('hex'), '00000000000003e800000004' + '00000000000007d000000014')
  t.same(TimeIndex.decode(100, bytes)?.encode(), bytes)
  t.equal(TimeIndex.decode(100, bytes.subarray(1)), null)
  t.equal(TimeIndex.decode(100, Buffer.concat([bytes, Buffer.alloc(12)])), null)
  index.truncateTo(120)
  t.equal(index.lastTimestamp, 1000)
  for (let i = 0; i < 40; i++) index.maybeAppend(3000 + i, 130 + i)
  t.equal(index.count, 41)
})

t.test('transaction index', async t => {
  const all = [
    { producerId: 1, firstOffset: 10, lastOffset: 20, lastStableOffset: 15 },
    { producerId: 2, firstOffset: 15, lastOffset: 30, lastStableOffset: 31 },
    { producerId: 3, firstOffset: 40, lastOffset: 50, lastStableOffset: 51 },
  ]
  const bytes = encodeAborted(all)
  t.equal(bytes.length, 3 * 34)
  t.same(decodeAborted(10, bytes), all)
  t.equal(decodeAborted(10, bytes.subarray(0, 33)), null)
  t.equal(decodeAborted(10, Buffer.alloc(34)), null)
  t.equal(decodeAborted(10, Buffer.concat([bytes, bytes])), null)
  const ids = (from: number, to: number) => abortedBetween(all, from, to).transactions.map(one => one.producerId)
  t.same(ids(0, 100), [1, 2, 3])
  t.same(ids(21, 100), [2, 3])
  t.same(ids(0, 12), [1])
  t.same(ids(31, 40), [])
  t.equal(abortedBetween(all, 0, 31).complete, true)
  t.equal(abortedBetween(all, 0, 52).complete, false)
})
