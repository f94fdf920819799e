/** What the byte limits of a Fetch let through. */
import t from 'tap'
import { fetch, zeroUuid } from '../../protocol/index.ts'
import { buildBatch } from '../../protocol/records/builder.ts'
import { makeTopics, produceTo, startWhole } from './whole-broker.ts'

t.test('a batch larger than its limit goes out first, however busy the other partitions are', async t => {
  const client = await (await startWhole(t)).connect()
  await makeTopics(client, { limits: { partitions: 2 } })
  const large = buildBatch({ records: [{ key: null, value: Buffer.alloc(10_000) }] })
  const small = buildBatch({ records: [{ key: null, value: Buffer.alloc(10) }] })
  await produceTo(client, 'limits', large, { partition: 0 })
  await produceTo(client, 'limits', small, { partition: 1 })
  const answer = await client.call(fetch, 11, {
    replicaId: -1,
    maxWaitMs: 0,
    minBytes: 1,
    topics: [
      {
        topic: 'limits',
        topicId: zeroUuid,
        partitions: [0, 1].map(partition => ({ partition, fetchOffset: 0, partitionMaxBytes: 1000 })),
      },
    ],
    forgottenTopicsData: [],
  })
  const [first, second] = answer?.responses[0].partitions ?? []
  t.equal(first.records?.length, large.length, 'the whole large batch')
  t.equal(second.records?.length, small.length, 'and the small one beside it')
})
