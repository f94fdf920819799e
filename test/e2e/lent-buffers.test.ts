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
  // Its answer is larger than what the system takes at once: the rest waits in its buffers while the others read.
  const slow = await RawClient.connect(port)
  slow.pauseReading()
  const late = fetchFrom(slow, topicId, [0, 0, 0, 0], batches)
  const seen = await Promise.all(
    Array.from({ length: 6 }, (_, reader) => readAll(port, topicId, [1, 3, batches][reader % 3])),
  )
  for (const count of seen) t.equal(count, partitions * batches)
  slow.resumeReading()
  t.equal(verify(await late, [0, 0, 0, 0]), partitions * batches)
  slow.destroy()
})

function fetchFrom(client: RawClient, topicId: string, from: readonly number[], pieces: number) {
  return client.call(fetch, 16, {
    maxWaitMs: 100,
    minBytes: 1,
    maxBytes: 50 << 20,
    sessionEpoch: -1,
    topics: [
      {
        topic: '',
        topicId,
        partitions: from.map((fetchOffset, partition) => ({
          partition,
          fetchOffset,
          partitionMaxBytes: (valueBytes + 100) * pieces,
        })),
      },
    ],
    forgottenTopicsData: [],
  })
}

/** Reads everything from all partitions together, `pieces` batches a partition at a time, and compares it. */
async function readAll(port: number, topicId: string, pieces: number): Promise<number> {
  const client = await RawClient.connect(port)
  const next = Array.from({ length: partitions }, () => 0)
  let count = 0
  while (next.some(offset => offset < batches)) count += verify(await fetchFrom(client, topicId, next, pieces), next)
  client.destroy()
  return count
}

/** How many records are in the answer, all with the bytes they were written with; moves `next` behind them. */
function verify(answer: Awaited<ReturnType<typeof fetchFrom>>, next: number[]): number {
  let count = 0
  for (const { partitionIndex, errorCode, records } of answer?.responses[0].partitions ?? []) {
    if (errorCode !== 0) throw new Error(`partition ${partitionIndex}: error ${errorCode}`)
    const bytes = records ?? Buffer.alloc(0)
    for (let at = 0; at < bytes.length; at += 12 + bytes.readInt32BE(at + 8)) {
      for (const { offset, value } of readRecords(bytes, at)) {
        if (!value?.equals(valueAt(partitionIndex, offset))) {
          throw new Error(`partition ${partitionIndex}, offset ${offset}: not its bytes`)
        }
        next[partitionIndex] = offset + 1
        count += 1
      }
    }
  }
  return count
}
