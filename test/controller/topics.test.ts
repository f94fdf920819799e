import t from 'tap'
import { Errors } from '../../protocol/errors.ts'
import type { CreatedTopic, DeletedTopic, NewTopic } from '../../src/controller/events.ts'
import { collisionKey, topicNameProblem } from '../../src/controller/topic-names.ts'
import { Decider } from './decide.ts'

const topic = (name: string, more: Partial<NewTopic> = {}): NewTopic => ({
  name,
  partitionsCount: 1,
  replicationFactor: 1,
  assignments: [],
  configs: [],
  ...more,
})

function create(decider: Decider, topics: NewTopic[], validateOnly = false) {
  const { records, reply } = decider.ask({ question: 'createTopics', topics, validateOnly })
  return { records, reply, topics: (reply as { answer: readonly CreatedTopic[] }).answer }
}

function remove(decider: Decider, topics: { name: string | null; topicId: string | null }[]) {
  const { records, reply } = decider.ask({ question: 'deleteTopics', topics })
  return { records, topics: (reply as { answer: readonly DeletedTopic[] }).answer }
}

function cluster(...ids: number[]): Decider {
  const decider = new Decider({ 'num.partitions': '2' }).begin()
  decider.brokers(...ids)
  return decider
}

t.test('the records of a topic, in the order and versions of Apache Kafka', async t => {
  const decider = cluster(1)
  const { records, topics } = create(decider, [
    topic('a', { partitionsCount: 2, configs: [{ name: 'retention.ms', value: '5' }] }),
  ])
  const [{ topicId }] = topics
  t.match(topics, [{ name: 'a', errorCode: Errors.NONE, partitionsCount: 2, replicationFactor: 1 }])
  t.match(records, [
    { kind: 'topic', version: 0, value: { name: 'a', topicId } },
    { kind: 'config', value: { resourceType: 2, resourceName: 'a', name: 'retention.ms', value: '5' } },
    { kind: 'partition', version: 2, value: { partitionId: 0, topicId, replicas: [1], isr: [1], leader: 1 } },
    { kind: 'partition', version: 2, value: { partitionId: 1, leaderEpoch: 0, partitionEpoch: 0 } },
  ])
  t.equal(records.length, 4)
  const directory = decider.state.brokers.get(1)?.logDirs[0]
  t.same(decider.state.partition('a', 0)?.directories, [directory])
})

t.test('older metadata versions get older records', async t => {
  const decider = new Decider().begin(16)
  decider.brokers(1)
  t.match(
    create(decider, [topic('a')]).records.map(({ kind, version }) => [kind, version]),
    [
      ['topic', 0],
      ['partition', 0],
    ],
  )
  t.match(
    decider.records.find(({ kind }) => kind === 'registerBroker'),
    { version: 2 },
  )
})

t.test('defaults, and nothing written when only validating', async t => {
  const decider = cluster(1)
  const wish = topic('a', { partitionsCount: -1, replicationFactor: -1 })
  const { records, topics } = create(decider, [wish], true)
  t.same(records, [])
  t.match(topics, [{ partitionsCount: 2, replicationFactor: 1, topicId: 'AAAAAAAAAAAAAAAAAAAAAA' }])
  t.equal(create(decider, [wish]).records.length, 3)
})

t.test('replicas go round the brokers', async t => {
  const decider = cluster(1, 2, 3)
  create(decider, [topic('a', { partitionsCount: 6, replicationFactor: 2 })])
  const partitions = decider.state.topics.get('a')?.partitions ?? []
  for (const id of [1, 2, 3]) {
    t.equal(partitions.filter(({ leader }) => leader === id).length, 2, `leaderships of ${id}`)
    t.equal(partitions.filter(({ replicas }) => replicas.includes(id)).length, 4, `replicas of ${id}`)
  }
  const [failed] = create(decider, [topic('b', { replicationFactor: 4 })]).topics
  t.equal(failed.errorCode, Errors.INVALID_REPLICATION_FACTOR)
})

t.test('a fenced broker gets no leadership', async t => {
  const decider = cluster(1)
  decider.brokers(2)
  decider.stop(2)
  const assigned = (brokerIds: number[]) =>
    topic(`t${brokerIds.join('')}`, {
      partitionsCount: -1,
      replicationFactor: -1,
      assignments: [{ partitionIndex: 0, brokerIds }],
    })
  t.match(create(decider, [assigned([2, 1])]).records.at(-1), { value: { leader: 1, isr: [1], replicas: [2, 1] } })
  t.equal(create(decider, [assigned([2])]).topics[0].errorCode, Errors.INVALID_REPLICA_ASSIGNMENT)
})

t.test('too much at once', async t => {
  const decider = cluster(1)
  const { reply } = create(decider, [topic('a', { partitionsCount: 9999 }), topic('b', { partitionsCount: 2 })])
  t.match(reply, { error: Errors.POLICY_VIOLATION })
  t.equal(decider.state.topics.size, 0)
})

t.test('within one request, too, names must not collide', async t => {
  const { topics } = create(cluster(1), [topic('a.b'), topic('a_b'), topic('a.b.c')])
  t.same(
    topics.map(({ errorCode }) => errorCode),
    [Errors.NONE, Errors.INVALID_TOPIC_EXCEPTION, Errors.NONE],
  )
})

t.test('deletion by name and by id', async t => {
  const decider = cluster(1)
  create(decider, [topic('a'), topic('b'), topic('c')])
  const id = decider.state.topicId('b')
  const { records, topics } = remove(decider, [
    { name: 'a', topicId: null },
    { name: null, topicId: id },
    { name: 'x', topicId: null },
    { name: null, topicId: 'AAAAAAAAAAAAAAAAAAAACA' },
    { name: null, topicId: null },
    { name: 'c', topicId: 'AAAAAAAAAAAAAAAAAAAACA' },
  ])
  t.equal(records.length, 2)
  t.match(topics, [
    { name: 'a', errorCode: Errors.NONE },
    { name: 'b', topicId: id, errorCode: Errors.NONE },
    { name: 'x', errorCode: Errors.UNKNOWN_TOPIC_OR_PARTITION },
    { errorCode: Errors.UNKNOWN_TOPIC_ID },
    { errorCode: Errors.INVALID_REQUEST },
    { name: 'c', errorCode: Errors.INVALID_REQUEST },
  ])
  t.same([...decider.state.topics.keys()], ['c'])
  const both = remove(decider, [
    { name: 'c', topicId: null },
    { name: null, topicId: decider.state.topicId('c') },
  ])
  t.same(
    both.topics.map(({ errorCode }) => errorCode),
    [Errors.NONE, Errors.INVALID_REQUEST],
    'once by name and once by id',
  )
})

t.test('names', async t => {
  for (const good of ['a', 'a.b_c-D9', 'x'.repeat(249), '...']) t.equal(topicNameProblem(good), null, good)
  for (const bad of ['', '.', '..', 'x'.repeat(250), 'a/b', '../a', 'a\0', 'ä', 'a b', 'a\n']) {
    t.ok(topicNameProblem(bad), JSON.stringify(bad))
  }
  t.equal(collisionKey('a.b_c'), collisionKey('a_b.c'))
})
