import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import t from 'tap'
import { MemoryDisk } from '../../src/host/memory.ts'
import {
  decodeProducerSnapshot,
  encodeProducerSnapshot,
  ProducerSnapshots,
  producerSnapshotName,
} from '../../src/log/producer-snapshot.ts'
import type { ProducerSnapshotEntry } from '../../src/log/producer-state.ts'
import { SimLogger } from '../sim/host.ts'

const entries: ProducerSnapshotEntry[] = [
  {
    producerId: 4001,
    epoch: 3,
    lastSequence: 17,
    lastOffset: 2 ** 40,
    offsetDelta: 4,
    timestamp: 1_767_225_600_000,
    coordinatorEpoch: 2,
    currentTxnFirstOffset: 2 ** 40 - 9,
  },
  {
    producerId: 4002,
    epoch: 0,
    lastSequence: -1,
    lastOffset: -1,
    offsetDelta: 0,
    timestamp: -1,
    coordinatorEpoch: -1,
    currentTxnFirstOffset: -1,
  },
]

t.test('bytes', async t => {
  const bytes = encodeProducerSnapshot(entries)
  t.same(decodeProducerSnapshot(bytes), entries)
  t.same(decodeProducerSnapshot(encodeProducerSnapshot([])), [])
  for (let at = 0; at < bytes.length; at++) {
    t.equal(decodeProducerSnapshot(bytes.subarray(0, at)), null, `cut at ${at}`)
    const flipped = Buffer.from(bytes)
    flipped[at] ^= 1
    t.equal(decodeProducerSnapshot(flipped), null, `byte ${at} changed`)
  }
})

t.test("the layout is Kafka's", async t => {
  const path = new URL('../../../test/data/vectors/records.jsonl.gz', import.meta.url)
  const lines = gunzipSync(readFileSync(path)).toString().split('\n')
  const vectors = lines.filter(line => line.includes('"ProducerSnapshot"')).map(line => JSON.parse(line))
  t.ok(vectors.length >= 3)
  const vector = vectors.find(({ variant }) => variant === 'empty-inner')
  const zeros: ProducerSnapshotEntry = {
    producerId: 0,
    epoch: 0,
    lastSequence: 0,
    lastOffset: 0,
    offsetDelta: 0,
    timestamp: 0,
    coordinatorEpoch: 0,
    currentTxnFirstOffset: 0,
  }
  const ours = encodeProducerSnapshot([zeros])
  ours.fill(0, 2, 6)
  t.equal(ours.toString('hex'), vector.framedHex, 'but for the checksum, which the vector leaves out')
})

t.test('the files of a partition', async t => {
  const host = { disk: new MemoryDisk(), log: new SimLogger() }
  await host.disk.makeDirectory('/p-0')
  const snapshots = new ProducerSnapshots(host, '/p-0')
  await snapshots.load()
  t.equal(await snapshots.newestUpTo(100), null)
  for (const offset of [0, 10, 20, 30]) await snapshots.write(offset, entries.slice(0, offset / 10))
  await snapshots.write(20, entries)
  t.equal(producerSnapshotName(10), '00000000000000000010.snapshot')

  const again = new ProducerSnapshots(host, '/p-0')
  await again.load()
  t.same(again.offsets, [0, 10, 20, 30])
  t.same(await again.newestUpTo(29), { offset: 20, entries })
  t.equal((await again.newestUpTo(19))?.offset, 10)

  const bad = await host.disk.open(`/p-0/${producerSnapshotName(20)}`, 'append')
  await bad.truncate(bad.size - 1)
  t.equal((await again.newestUpTo(29))?.offset, 10, 'a broken one is passed over')
  t.equal(await host.disk.exists(`/p-0/${producerSnapshotName(20)}`), false)
  t.equal(host.log.at('warn').length, 1)

  await again.write(40, entries)
  await again.removeBefore(35, new Set([10]))
  t.same(again.offsets, [10, 30, 40])
  await again.removeAfter(10)
  t.same(again.offsets, [10])
  await again.removeAll()
  t.same(await host.disk.list('/p-0'), [])
})
