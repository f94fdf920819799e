/** The hash of keys by vectors that OpenSSL gives, and the map of offsets over it. */
import t from 'tap'
import { KeyHash } from '../../../src/log/compaction/key-hash.ts'
import { OffsetMap, offsetMapEntryBytes } from '../../../src/log/compaction/offset-map.ts'

const counting = (length: number) => Buffer.from(Array.from({ length }, (_, at) => at & 0xff))

/** `openssl mac -macopt hexkey:000102...0f -macopt size:16 -macopt c-rounds:1 -macopt d-rounds:3 SIPHASH`, by length. */
const vectors: readonly (readonly [number, string])[] = [
  [0, 'e77ebcb22788a5befd62db6add303001'],
  [1, 'fc6f370460d3eda85e0573cc2b2ff063'],
  [7, '1084b923f2aae0c3a62f2ec80848ab77'],
  [8, 'aa12fee1d5e3dab4724f16ab35f9c799'],
  [9, '81ddb8042cf33994f4720e0094137c42'],
  [15, 'c17e5505b2bd526c2921cdec1e7e0109'],
  [16, 'd0a8d95715518eebb513b0f83d9e1793'],
  [63, '4c5800e34efe426f079f6b0aa75260ad'],
]

t.test('SipHash-1-3 of 128 bits', async t => {
  const hash = new KeyHash(counting(16))
  for (const [length, expected] of vectors) {
    // Not at the beginning of a buffer, and not at its end.
    const bytes = Buffer.concat([Buffer.from([9, 9, 9]), counting(length), Buffer.from([7, 7])])
    hash.of(bytes, 3, length)
    const out = Buffer.alloc(16)
    for (const [word, value] of hash.words.entries()) out.writeInt32LE(value, word * 4)
    t.equal(out.toString('hex'), expected, `${length} bytes`)
  }
})

t.test('a map that is full to its limit finds every key, and no other', async t => {
  const map = new OffsetMap(counting(16), { bytesMax: 1000 * offsetMapEntryBytes, loadFactor: 0.9, keysMax: 1e9 })
  t.equal(map.capacity, 900)
  t.equal(map.heldBytes, 1000 * offsetMapEntryBytes)
  for (let round = 0; round < 2; round++) {
    for (let at = 0; at < 900; at++) {
      const key = Buffer.from(`key ${at}`)
      map.put(key, 0, key.length, round * 2 ** 40 + at)
    }
  }
  t.equal(map.size, 900)
  for (let at = 0; at < 900; at++) {
    const key = Buffer.from(`..key ${at}`)
    if (map.get(key, 2, key.length - 2) !== 2 ** 40 + at) t.fail(`key ${at} is lost`)
  }
  for (let at = 900; at < 2000; at++) {
    const key = Buffer.from(`key ${at}`)
    if (map.get(key, 0, key.length) !== -1) t.fail(`key ${at} was never put`)
  }
  t.equal(map.get(Buffer.alloc(0), 0, 0), -1)
})

t.test('a map takes no more memory than its keys need', async t => {
  const map = new OffsetMap(counting(16), { bytesMax: 128 << 20, loadFactor: 0.9, keysMax: 10 })
  t.equal(map.heldBytes, 20 * offsetMapEntryBytes)
  for (let at = 0; at < map.capacity; at++) map.put(Buffer.from([at]), 0, 1, at)
  t.equal(map.get(Buffer.from([3]), 0, 1), 3)
})
