import t from 'tap'
import { Errors } from '../../protocol/errors.ts'
import { metadata } from '../../protocol/index.ts'
import { zeroUuid } from '../../protocol/schema.ts'
import { makeTopics, startWhole } from '../e2e/whole-broker.ts'

const plain = {
  allowAutoTopicCreation: false,
  includeClusterAuthorizedOperations: false,
  includeTopicAuthorizedOperations: false,
}
const unknownId = 'AAAAAAAAAAAAAAAAAAAAAg'

t.test('a topic asked for by id has a name that is null or empty', async t => {
  const client = await (await startWhole(t)).connect()
  const ids = await makeTopics(client, { orders: {} })
  const topicId = ids.get('orders') ?? zeroUuid
  for (const name of [null, '']) {
    t.match(await client.call(metadata, 13, { ...plain, topics: [{ name, topicId }] }), {
      topics: [{ errorCode: Errors.NONE, name: 'orders', topicId }],
    })
    t.match(await client.call(metadata, 13, { ...plain, topics: [{ name, topicId: unknownId }] }), {
      topics: [{ errorCode: Errors.UNKNOWN_TOPIC_ID, name: null, topicId: unknownId }],
    })
  }
  t.match(await client.call(metadata, 13, { ...plain, topics: [{ name: 'orders', topicId: zeroUuid }] }), {
    topics: [{ errorCode: Errors.NONE, name: 'orders', topicId }],
  })
})

t.test('why a topic was not created is told', async t => {
  const settings = { 'default.replication.factor': '2', 'offsets.topic.replication.factor': '2' }
  const client = await (await startWhole(t, settings)).connect()
  const topics = ['orders', '__consumer_offsets', 'no/name'].map(name => ({ name, topicId: zeroUuid }))
  const answer = await client.call(metadata, 13, { ...plain, topics, allowAutoTopicCreation: true })
  t.same(
    answer?.topics.map(({ name, errorCode }) => [name, errorCode]),
    [
      ['orders', Errors.INVALID_REPLICATION_FACTOR],
      ['__consumer_offsets', Errors.INVALID_REPLICATION_FACTOR],
      ['no/name', Errors.INVALID_TOPIC_EXCEPTION],
    ],
  )
})
