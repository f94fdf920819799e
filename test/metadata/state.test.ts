import fc from 'fast-check'
import t from 'tap'
import { decodeRecord, encodeRecord, type MetadataRecord } from '../../src/metadata/records.ts'
import { recordsOf } from '../../src/metadata/snapshot.ts'
import { MetadataState } from '../../src/metadata/state.ts'
import { broker, contents, partition, partitionChange, record, replay } from './history.ts'

const idA = 'AAAAAAAAAAAAAAAAAAAAAg'
const idB = 'AAAAAAAAAAAAAAAAAAAAAw'

t.test('topics and partitions', async t => {
  const state = replay([
    record('topic', { name: 'a', topicId: idA }),
    record('config', { resourceType: 2, resourceName: 'a', name: 'retention.ms', value: '5' }),
    partition(idA, 0),
    partition(idA, 1, { replicas: [1, 2], isr: [1, 2] }),
  ])
  t.equal(state.partitionsCount, 2)
  t.equal(state.topicName(idA), 'a')
  t.equal(state.topicId('a'), idA)
  t.same(state.partition('a', 1)?.isr, [1, 2])
  t.equal(state.partition('a', 2), null)
  t.equal(state.partition('b', 0), null)
  t.equal(state.lastOffset, 3)
  replay([partitionChange(idA, 1, { isr: [2], leader: 2 })], state)
  t.match(state.partition('a', 1), { leader: 2, leaderEpoch: 1, partitionEpoch: 1, isr: [2], replicas: [1, 2] })
  replay([partitionChange(idA, 1, { isr: [2, 1] })], state)
  t.match(state.partition('a', 1), { leader: 2, leaderEpoch: 1, partitionEpoch: 2 })
  replay([partitionChange(idA, 1, { leader: 2 })], state)
  t.match(state.partition('a', 1), { leader: 2, leaderEpoch: 2 }, 'the same leader again opens an epoch too')
  replay([record('removeTopic', { topicId: idA })], state)
  t.equal(state.topics.size, 0)
  t.equal(state.configsOf(2, 'a').size, 0, 'configs go with their topic')
})

t.test('brokers', async t => {
  const state = replay([broker(1), broker(2, { brokerEpoch: -1 })])
  t.equal(state.brokers.get(2)?.epoch, 1, 'the offset, when the record does not say')
  t.same(state.aliveBrokers(), [])
  const change = { brokerId: 1, brokerEpoch: 7, inControlledShutdown: 0, logDirs: [], cordonedLogDirs: null }
  replay([record('brokerRegistrationChange', { ...change, fenced: -1 })], state)
  t.same(
    state.aliveBrokers().map(({ id }) => id),
    [1],
  )
  replay([record('brokerRegistrationChange', { ...change, fenced: 0, inControlledShutdown: 1 }, 1)], state)
  t.match(state.brokers.get(1), { fenced: false, inControlledShutdown: true })
  replay([record('fenceBroker', { id: 1, epoch: 7 })], state)
  t.ok(state.brokers.get(1)?.fenced)
  replay([record('unregisterBroker', { brokerId: 1, brokerEpoch: 7 })], state)
  t.notOk(state.brokers.has(1))
})

t.test('records about what is not there change nothing', async t => {
  const before = contents(new MetadataState())
  const state = replay([
    partition(idA, 0),
    partitionChange(idA, 0, { leader: 1 }),
    record('removeTopic', { topicId: idA }),
    record('fenceBroker', { id: 9, epoch: 1 }),
    record('unregisterBroker', { brokerId: 9, brokerEpoch: 1 }),
    record('removeAccessControlEntry', { id: idA }),
    record('removeUserScramCredential', { name: 'x', mechanism: 1 }),
    record('removeDelegationToken', { tokenId: 'x' }),
    record('clearElr', { topicName: 'x' }),
    record('config', { resourceType: 2, resourceName: 'x', name: 'a', value: null }),
    record('noOp', {}),
  ])
  t.same(contents(state), before)
})

t.test('a metadata transaction is applied as a whole or not at all', async t => {
  const state = replay([
    record('beginTransaction', { name: 'x' }),
    record('featureLevel', { name: 'f', featureLevel: 3 }),
  ])
  t.ok(state.inTransaction)
  t.equal(state.features.size, 0)
  replay([record('endTransaction', {})], state)
  t.notOk(state.inTransaction)
  t.equal(state.features.get('f'), 3)
  replay(
    [
      record('beginTransaction', { name: null }),
      record('featureLevel', { name: 'f', featureLevel: 0 }),
      record('abortTransaction', { reason: null }),
    ],
    state,
  )
  t.equal(state.features.get('f'), 3)
})

t.test('listeners hear of each change', async t => {
  const state = new MetadataState()
  const heard: string[] = []
  const stop = state.listen({
    topicCreated: ({ name }) => heard.push(`created ${name}`),
    topicDeleted: ({ name, partitions }) => heard.push(`deleted ${name} of ${partitions.length}`),
    partitionChanged: ({ name }, { index, leaderEpoch }, before) =>
      heard.push(`${name}-${index} epoch ${leaderEpoch}, before ${before?.leaderEpoch ?? 'none'}`),
    configChanged: (type, resource, name) => heard.push(`config ${type} ${resource} ${name}`),
    brokerChanged: (id, broker) => heard.push(`broker ${id} ${broker?.fenced ?? 'gone'}`),
    featureChanged: (name, level) => heard.push(`${name} ${level}`),
  })
  replay(
    [
      record('topic', { name: 'a', topicId: idA }),
      partition(idA, 0),
      partitionChange(idA, 0, { leader: 1 }),
      record('config', { resourceType: 4, resourceName: '', name: 'x', value: '1' }),
      broker(1),
      record('featureLevel', { name: 'f', featureLevel: 1 }),
      record('unregisterBroker', { brokerId: 1, brokerEpoch: 7 }),
      record('removeTopic', { topicId: idA }),
    ],
    state,
  )
  stop()
  replay([broker(2)], state)
  t.same(heard, [
    'created a',
    'a-0 epoch 0, before none',
    'a-0 epoch 1, before 0',
    'config 4  x',
    'broker 1 true',
    'f 1',
    'broker 1 gone',
    'deleted a of 1',
  ])
})

const names = fc.constantFrom('a', 'b')
const ids = fc.constantFrom(idA, idB)
const lists = fc.uniqueArray(fc.integer({ min: 1, max: 3 }), { maxLength: 3 })
const step: fc.Arbitrary<MetadataRecord> = fc.oneof(
  fc.record({ name: names, topicId: ids }).map(value => record('topic', value)),
  ids.map(topicId => record('removeTopic', { topicId })),
  fc.tuple(ids, fc.nat(2), lists).map(([id, index, replicas]) => partition(id, index, { replicas, isr: replicas })),
  fc
    .tuple(ids, fc.nat(2), lists, fc.integer({ min: -2, max: 3 }))
    .map(([id, index, isr, leader]) => partitionChange(id, index, { isr, leader, eligibleLeaderReplicas: isr })),
  fc
    .tuple(fc.constantFrom(2, 4, 16, 32), names, names, fc.option(names))
    .map(([resourceType, resourceName, name, value]) => record('config', { resourceType, resourceName, name, value })),
  fc.tuple(fc.nat(3), fc.boolean()).map(([id, fenced]) => broker(id, { fenced })),
  fc.nat(3).map(id => record('unfenceBroker', { id, epoch: 7 })),
  fc.nat(3).map(brokerId => record('unregisterBroker', { brokerId, brokerEpoch: 7 })),
  fc.tuple(names, fc.nat(2)).map(([name, featureLevel]) => record('featureLevel', { name, featureLevel })),
  fc
    .tuple(fc.option(names), names, fc.boolean())
    .map(([entityName, key, remove]) =>
      record('clientQuota', { entity: [{ entityType: 'user', entityName }], key, value: 1.5, remove }),
    ),
  fc.nat(1000).map(id => record('producerIds', { brokerId: 1, brokerEpoch: 7, nextProducerId: 1000 + id })),
  names.map(name =>
    record('userScramCredential', {
      name,
      mechanism: 1,
      salt: Buffer.from('salt'),
      storedKey: Buffer.from('stored'),
      serverKey: Buffer.from('server'),
      iterations: 4096,
    }),
  ),
  names.map(name => record('removeUserScramCredential', { name, mechanism: 1 })),
  ids.map(id =>
    record('accessControlEntry', {
      id,
      resourceType: 2,
      resourceName: 'a',
      patternType: 3,
      principal: 'User:x',
      host: '*',
      operation: 3,
      permissionType: 3,
    }),
  ),
  ids.map(id => record('removeAccessControlEntry', { id })),
)

/** Partitions without a hole before them, each topic under one name: what a controller really writes. */
function sensible(state: MetadataState, next: MetadataRecord): boolean {
  if (next.kind === 'topic') return !state.topics.has(next.value.name) && !state.topicsById.has(next.value.topicId)
  if (next.kind !== 'partition') return true
  const count = state.topicsById.get(next.value.topicId)?.partitions.length ?? -1
  return next.value.partitionId <= count
}

t.test('a snapshot of any history makes the same state again', async t => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), steps => {
      const state = replay([record('featureLevel', { name: 'metadata.version', featureLevel: 30 })])
      for (const next of steps) if (sensible(state, next)) replay([next], state)
      const again = replay([...recordsOf(state)].map(each => decodeRecord(encodeRecord(each))))
      t.same(contents(again), contents(state))
    }),
    { numRuns: 100 },
  )
})

t.test('a snapshot takes the place of what was known, and only what differs is told', t => {
  const before = [
    record('featureLevel', { name: 'f', featureLevel: 1 }),
    record('featureLevel', { name: 'gone', featureLevel: 1 }),
    broker(1),
    broker(2),
    record('topic', { name: 'kept', topicId: 'AAAAAAAAAAAAAAAAAAAAAQ' }),
    partition('AAAAAAAAAAAAAAAAAAAAAQ', 0),
    partition('AAAAAAAAAAAAAAAAAAAAAQ', 1),
    record('topic', { name: 'deleted', topicId: 'AAAAAAAAAAAAAAAAAAAAAg' }),
    partition('AAAAAAAAAAAAAAAAAAAAAg', 0),
    record('topic', { name: 'made again', topicId: 'AAAAAAAAAAAAAAAAAAAAAw' }),
    record('config', { resourceType: 2, resourceName: 'kept', name: 'a', value: '1' }),
    record('config', { resourceType: 2, resourceName: 'kept', name: 'b', value: '1' }),
    record('producerIds', { brokerId: 1, brokerEpoch: 1, nextProducerId: 1000 }),
  ]
  const after = [
    record('featureLevel', { name: 'f', featureLevel: 2 }),
    broker(1),
    broker(3),
    record('topic', { name: 'kept', topicId: 'AAAAAAAAAAAAAAAAAAAAAQ' }),
    partition('AAAAAAAAAAAAAAAAAAAAAQ', 0),
    partition('AAAAAAAAAAAAAAAAAAAAAQ', 1, { leaderEpoch: 3 }),
    record('topic', { name: 'made again', topicId: 'AAAAAAAAAAAAAAAAAAAABA' }),
    partition('AAAAAAAAAAAAAAAAAAAABA', 0),
    record('config', { resourceType: 2, resourceName: 'kept', name: 'a', value: '2' }),
    record('producerIds', { brokerId: 1, brokerEpoch: 1, nextProducerId: 5000 }),
  ]
  const state = replay(before)
  const told: string[] = []
  state.listen({
    topicCreated: ({ name }) => told.push(`created ${name}`),
    topicDeleted: ({ name }) => told.push(`deleted ${name}`),
    partitionChanged: (topic, { index }) => told.push(`partition ${topic.name}-${index}`),
    configChanged: (_type, name, key) => told.push(`config ${name} ${key}`),
    brokerChanged: (id, now) => told.push(`broker ${id} ${now ? 'is there' : 'is gone'}`),
    featureChanged: (name, level) => told.push(`feature ${name} ${level}`),
  })
  state.replaceWith(after, 99, 4, 5)
  t.same(contents(state), contents(replay(after)))
  t.match(state, { lastOffset: 99, lastEpoch: 4, lastTimestampMs: 5 })
  t.same(told, [
    'feature gone 0',
    'deleted deleted',
    'deleted made again',
    'broker 2 is gone',
    'config kept b',
    'feature f 2',
    'broker 3 is there',
    'partition kept-1',
    'created made again',
    'partition made again-0',
    'config kept a',
  ])
  t.end()
})
