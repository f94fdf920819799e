import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { fetch } from '../../protocol/index.ts'
import { buildBatch, readRecords } from '../../protocol/records/index.ts'
import { startBroker } from '../../src/index.ts'
import { RawClient } from '../network/raw-client.ts'
import { makeTopics, produceTo } from './whole-broker.ts'

const partitions = 4
const batches = 40
const valueBytes = 90_000

/** Its partition and place in every word, so that bytes of another read show. */
function valueAt(partition: number, batch: number): Buffer {
  return Buffer.alloc(valueBytes, `${partition}/${batch} `)
}

t.test('readers of cold data that share buffers see their own bytes', async t => {
  const dataDir = mkdtempSync(join(tmpdir(), 'ottla-lent-'))
  t.teardown(() => rmSync(dataDir, { recursive: true, force: true }))
  const first = await startBroker({ dataDir })
  const writer = await RawClient.connect(Number(first.bootstrap.split(':')[1]))
  const ids = await makeTopics(writer, { cold: { partitions } })
  for (let batch = 0; batch < batches; batch++) {
    for (let partition = 0; partition < partitions; partition++) {
      const records = buildBatch({ records: [{ key: null, value: valueAt(partition, batch) }] })
      await produceTo(writer, 'cold', records, { partition })
    }
  }
  writer.destroy()
  await first.close()

  const broker = await startBroker({ dataDir })
  t.teardown(() => broker.close())
  const port = Number(broker.bootstrap.split(':')[1])
  const topicId = ids.get('cold') ?? ''
  const seen = await Promise.all(Array.from({ length: 6 }, (_, reader) => readAll(port, topicId, 1 + (reader % 3))))
  for (const count of seen) t.equal(count, partitions * batches)
})

/** Reads everything from all partitions together, `pieces` batches a partition at a time, and compares it. */
async function readAll(port: number, topicId: string, pieces: number): Promise<number> {
  const client = await RawClient.connect(port)
  const next = Array.from({ length: partitions }, () => 0)
  let count = 0
  while (next.some(offset => offset < batches)) {
    const answer = await client.call(fetch, 16, {
      maxWaitMs: 100,
      minBytes: 1,
      maxBytes: 50 << 20,
      sessionEpoch: -1,
      topics: [
        {
          topic: '',
          topicId,
          partitions: next.map((fetchOffset, partition) => ({
            partition,
            fetchOffset,
            partitionMaxBytes: (valueBytes + 100) * pieces,
          })),
        },
      ],
      forgottenTopicsData: [],
    })
    for (const data of answer?.responses[0].partitions ?? []) {
      if (data.errorCode !== 0) throw new Error(`partition ${data.partitionIndex}: error ${data.errorCode}`)
      const records = data.records ?? Buffer.alloc(0)
      for (let at = 0; at < records.length; at += 12 + records.readInt32BE(at + 8)) {
        for (const { offset, value } of readRecords(records, at)) {
          const expected = valueAt(data.partitionIndex, offset)
          if (!value?.equals(expected))
            throw new Error(`partition ${data.partitionIndex}, offset ${offset}: not its bytes`)
          next[data.partitionIndex] = offset + 1
          count += 1
        }
      }
    }
  }
  client.destroy()
  return count
}
