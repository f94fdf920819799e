import t from 'tap'
import { Errors } from '../../protocol/errors.ts'
import { zeroUuid } from '../../protocol/schema.ts'
import { handler } from '../../src/api/03-metadata.ts'
import type { RequestContext } from '../../src/api/request.ts'

const topic = { name: 'orders', id: 'AAAAAAAAAAAAAAAAAAAAAQ', partitions: [] }

const context = {
  version: 13,
  broker: {
    clusterId: 'c',
    config: { autoCreateTopicsEnable: true },
    metadata: {
      aliveBrokers: () => [],
      isInternal: () => false,
      topics: new Map([[topic.name, topic]]),
      topicsById: new Map([[topic.id, topic]]),
    },
  },
} as unknown as RequestContext

const request = (topics: { name: string | null; topicId: string }[]) => ({
  topics,
  allowAutoTopicCreation: true,
  includeClusterAuthorizedOperations: false,
  includeTopicAuthorizedOperations: false,
})

t.test('a topic asked for by id has a name that is null or empty', async t => {
  for (const name of [null, '']) {
    t.match(await handler.handle(request([{ name, topicId: topic.id }]), context), {
      topics: [{ errorCode: 0, name: 'orders', topicId: topic.id }],
    })
    t.match(await handler.handle(request([{ name, topicId: 'AAAAAAAAAAAAAAAAAAAAAg' }]), context), {
      topics: [{ errorCode: Errors.UNKNOWN_TOPIC_ID, name: null, topicId: 'AAAAAAAAAAAAAAAAAAAAAg' }],
    })
  }
})

t.test('a topic asked for by name', async t => {
  t.match(await handler.handle(request([{ name: 'orders', topicId: zeroUuid }]), context), {
    topics: [{ errorCode: 0, name: 'orders', topicId: topic.id }],
  })
})
