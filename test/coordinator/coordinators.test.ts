import { readFileSync } from 'node:fs'
import t from 'tap'
import { Errors } from '../../protocol/errors.ts'
import { zeroUuid } from '../../protocol/uuid.ts'
import { Coordinators } from '../../src/coordinator/coordinators.ts'
import { defaultGroupSettings } from '../../src/coordinator/group/settings.ts'
import { InternalTopic } from '../../src/coordinator/internal-topic.ts'
import { javaHashCode, partitionOf } from '../../src/coordinator/partition-of.ts'
import { offsetsTopic } from '../../src/metadata/internal-topics.ts'
import { MetadataState } from '../../src/metadata/state.ts'
import { FakeLog } from '../machine/fake-log.ts'
import { simHost } from '../sim/host.ts'
import { FakeCluster } from './group/fake-cluster.ts'
import { commit, fetchAll, heartbeat, join } from './group/scenario.ts'

interface KeyVector {
  readonly id: string
  readonly javaHashCode: number
  readonly partition: Readonly<Record<string, number>>
}

const vectors = new URL('../../../test/data/vectors/primitives.json', import.meta.url)
const idOf = (letter: string) => `${letter.repeat(21)}A`

function world(partitions = 4) {
  const host = simHost(1)
  const metadata = new MetadataState()
  let offset = 0
  const topic = (name: string, topicId: string, count: number, leader = 1) => {
    metadata.apply({ kind: 'topic', version: 0, value: { name, topicId } }, offset++)
    for (let partitionId = 0; partitionId < count; partitionId++) {
      const value = {
        partitionId,
        topicId,
        replicas: [leader],
        isr: [leader],
        removingReplicas: [],
        addingReplicas: [],
        leader,
        leaderRecoveryState: 0,
        leaderEpoch: 0,
        partitionEpoch: 0,
        directories: [],
        eligibleLeaderReplicas: null,
        lastKnownElr: null,
      }
      metadata.apply({ kind: 'partition', version: 1, value }, offset++)
    }
  }
  const creations: (() => void)[] = []
  const coordinators = new Coordinators({
    host,
    metadata,
    cluster: new FakeCluster(),
    settings: { groups: defaultGroupSettings, commitTimeoutMs: 5000 },
    topic: new InternalTopic({
      name: offsetsTopic,
      metadata,
      partitionsCount: partitions,
      create: () =>
        new Promise(resolve => {
          creations.push(() => {
            topic(offsetsTopic, idOf('o'), partitions)
            resolve(Errors.NONE)
          })
        }),
    }),
  })
  return {
    host,
    metadata,
    coordinators,
    creations,
    topic,
    remove: (topicId: string) => {
      metadata.apply({ kind: 'removeTopic', version: 0, value: { topicId } }, offset++)
    },
  }
}

t.test('keys go to partitions as in Java', async t => {
  const { coordinatorPartition } = JSON.parse(readFileSync(vectors, 'utf8')) as { coordinatorPartition: KeyVector[] }
  for (const { id, javaHashCode: hash, partition } of coordinatorPartition) {
    t.equal(javaHashCode(id), hash, id)
    for (const [count, index] of Object.entries(partition)) t.equal(partitionOf(id, Number(count)), index, id)
  }
})

t.test('a group is coordinated where its partition is led', async t => {
  const { coordinators, creations } = world(50)
  t.equal(coordinators.coordinatorOfGroup('my-group'), -1)
  t.equal(coordinators.partitionOfGroup('my-group'), 12)
  const first = coordinators.ensureOffsetsTopic()
  const second = coordinators.ensureOffsetsTopic()
  t.equal(creations.length, 1, 'one attempt for both')
  creations[0]()
  t.same(await Promise.all([first, second]), [Errors.NONE, Errors.NONE])
  t.equal(await coordinators.ensureOffsetsTopic(), Errors.NONE)
  t.equal(creations.length, 1)
  t.equal(coordinators.coordinatorOfGroup('my-group'), 1)
})

t.test('the number of partitions is that of the topic as it is, whatever the settings say now', async t => {
  const { coordinators, topic } = world(50)
  topic(offsetsTopic, idOf('o'), 5)
  t.equal(coordinators.partitionOfGroup('my-group'), 2)
})

t.test('a partition that is not led here', async t => {
  const { coordinators } = world(1)
  t.match(await coordinators.ask(heartbeat('m', 1)), { errorCode: Errors.NOT_COORDINATOR })
  coordinators.onPartitionLeader(0, new FakeLog())
  t.match(await coordinators.ask(heartbeat('m', 1)), { errorCode: Errors.UNKNOWN_MEMBER_ID })
  coordinators.onPartitionLost(0)
  t.match(await coordinators.ask(heartbeat('m', 1)), { errorCode: Errors.NOT_COORDINATOR })
  t.same(await coordinators.deleteGroups(['g', 'h']), [
    { groupId: 'g', errorCode: Errors.NOT_COORDINATOR },
    { groupId: 'h', errorCode: Errors.NOT_COORDINATOR },
  ])
  t.match(await coordinators.describe(['g']), [{ groupId: 'g', errorCode: Errors.NOT_COORDINATOR }])
  t.match(await coordinators.list({ kind: 'list', states: new Set(), types: new Set() }), { errorCode: 0, groups: [] })
})

t.test('parked members hear of the loss', async t => {
  const { coordinators } = world(1)
  coordinators.onPartitionLeader(0, new FakeLog())
  const parked = coordinators.ask(join({ memberIdRequired: false }))
  coordinators.close()
  t.match(await parked, { kind: 'join', errorCode: Errors.NOT_COORDINATOR })
})

t.test('a new leadership begins with what the log says', async t => {
  const { coordinators } = world(1)
  const log = new FakeLog()
  coordinators.onPartitionLeader(0, log)
  await coordinators.ask(commit({ t: 5 }))
  const parked = coordinators.ask(join({ memberIdRequired: false }))
  coordinators.onPartitionLeader(0, log)
  t.match(await parked, { errorCode: Errors.NOT_COORDINATOR })
  t.match(await coordinators.list({ kind: 'list', states: new Set(), types: new Set() }), {
    errorCode: Errors.COORDINATOR_LOAD_IN_PROGRESS,
  })
  let fetched = await coordinators.ask(fetchAll())
  while (fetched.errorCode === Errors.COORDINATOR_LOAD_IN_PROGRESS) fetched = await coordinators.ask(fetchAll())
  t.match(fetched.topics, [{ name: 't', partitions: [{ committedOffset: 5 }] }])
})

t.test('describe and delete keep the order that was asked for, across partitions', async t => {
  const { coordinators, topic } = world(4)
  topic(offsetsTopic, idOf('o'), 4)
  for (let i = 0; i < 4; i++) coordinators.onPartitionLeader(i, new FakeLog())
  const names = ['a', 'b', 'c', 'd', 'e', 'f']
  for (const groupId of names) await coordinators.ask(commit({ t: 1 }, { groupId }))
  t.same(
    (await coordinators.describe([...names, 'a', 'nobody'])).map(({ groupId }) => groupId),
    [...names, 'a', 'nobody'],
  )
  const all = await coordinators.list({ kind: 'list', states: new Set(), types: new Set() })
  t.same(all.groups.map(({ groupId }) => groupId).sort(), names)
  t.same(await coordinators.deleteGroups(['f', 'nobody', 'a']), [
    { groupId: 'f', errorCode: Errors.NONE },
    { groupId: 'nobody', errorCode: Errors.GROUP_ID_NOT_FOUND },
    { groupId: 'a', errorCode: Errors.NONE },
  ])
})

t.test('a topic that is deleted while the coordinator loads takes its offsets along', async t => {
  const { coordinators, topic, remove } = world(1)
  topic('t', idOf('t'), 1)
  const log = new FakeLog()
  coordinators.onPartitionLeader(0, log)
  await coordinators.ask(commit({ t: 5, u: 6 }))
  coordinators.onPartitionLeader(0, log)
  remove(idOf('t'))
  const fetch = () => coordinators.ask(fetchAll())
  let fetched = await fetch()
  while (fetched.errorCode !== Errors.NONE || fetched.topics.length > 1) fetched = await fetch()
  t.match(fetched.topics, [{ name: 'u', topicId: zeroUuid }])
})

t.test('requests that are wrong in themselves', async t => {
  const { coordinators } = world(1)
  coordinators.onPartitionLeader(0, new FakeLog())
  const { INVALID_GROUP_ID, INVALID_SESSION_TIMEOUT, UNKNOWN_MEMBER_ID } = Errors
  t.match(await coordinators.ask(join({ groupId: '' })), { errorCode: INVALID_GROUP_ID })
  t.match(await coordinators.ask(join({ sessionTimeoutMs: 5999 })), { errorCode: INVALID_SESSION_TIMEOUT })
  t.match(await coordinators.ask(join({ sessionTimeoutMs: 1_800_001 })), { errorCode: INVALID_SESSION_TIMEOUT })
  t.match(await coordinators.ask({ ...heartbeat('m', 1), groupId: '' }), { errorCode: INVALID_GROUP_ID })
  t.match(await coordinators.ask(heartbeat('m', 1)), { errorCode: UNKNOWN_MEMBER_ID })
  const nameless = await coordinators.ask(commit({ t: 1 }, { groupId: '' }))
  t.equal(nameless.topics[0].partitions[0].errorCode, Errors.NONE, 'old consumers commit to the nameless group')
})
