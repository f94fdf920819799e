/** Groups of the consumer protocol through whole brokers: what metadata and settings do to them, and a coordinator that dies. */
import { startCluster } from 'ottla'
import t from 'tap'
import {
  consumerGroupHeartbeat,
  createPartitions,
  createTopics,
  deleteTopics,
  Errors,
  errorName,
  findCoordinator,
  incrementalAlterConfigs,
  offsetCommit,
  offsetFetch,
  type RequestInputOf,
  zeroUuid,
} from '../../protocol/index.ts'
import { RawClient } from '../network/raw-client.ts'
import { makeTopics, startWhole } from './whole-broker.ts'

t.setTimeout(90_000)

type Request = RequestInputOf<typeof consumerGroupHeartbeat>

const settings = {
  'group.consumer.min.heartbeat.interval.ms': '100',
  'group.consumer.assignment.interval.ms': '0',
}

/** A member that says everything each time, as one does that lost an answer, and does at once what it is told. */
class Member {
  readonly id: string
  readonly #topics: string[]
  #owned: { topicId: string; partitions: number[] }[] = []
  epoch = 0
  heartbeatIntervalMs = 0

  constructor(id: string, topics: string[]) {
    this.id = id
    this.#topics = topics
  }

  get partitions(): number[] {
    return this.#owned.flatMap(({ partitions }) => partitions).sort((a, b) => a - b)
  }

  async beat(client: RawClient, change: Partial<Request> = {}): Promise<string> {
    const answer = await client.call(consumerGroupHeartbeat, 1, {
      groupId: 'g',
      memberId: this.id,
      memberEpoch: this.epoch,
      rebalanceTimeoutMs: 30_000,
      subscribedTopicNames: this.#topics,
      topicPartitions: this.#owned,
      ...change,
    })
    if (!answer) return 'closed'
    if (answer.errorCode !== Errors.NONE) return errorName(answer.errorCode)
    this.epoch = answer.memberEpoch
    this.heartbeatIntervalMs = answer.heartbeatIntervalMs
    this.#owned = answer.assignment?.topicPartitions ?? this.#owned
    return 'NONE'
  }
}

/** Heartbeats of all until that holds. */
async function beatUntil(client: RawClient, members: readonly Member[], holds: () => boolean): Promise<void> {
  for (;;) {
    for (const member of members) {
      const error = await member.beat(client)
      if (error !== 'NONE') throw new Error(`${member.id}: ${error}`)
    }
    if (holds()) return
    await new Promise(resolve => setImmediate(resolve))
  }
}

async function coordinatorOf(client: RawClient, groupId: string) {
  for (;;) {
    const answer = await client.call(findCoordinator, 4, { keyType: 0, coordinatorKeys: [groupId] })
    const found = answer?.coordinators[0]
    if (found?.errorCode === Errors.NONE) return found
    await new Promise(resolve => setImmediate(resolve))
  }
}

t.test('topics and settings that change', async t => {
  const broker = await startWhole(t, settings)
  const client = await broker.connect()
  await makeTopics(client, { a: { partitions: 2 } })
  await coordinatorOf(client, 'g')
  const one = new Member('one', ['a', 'b'])
  await beatUntil(client, [one], () => one.partitions.length === 2)
  t.equal(one.heartbeatIntervalMs, 5000)

  await client.call(createPartitions, 3, {
    topics: [{ name: 'a', count: 4, assignments: null }],
    timeoutMs: 10_000,
    validateOnly: false,
  })
  await beatUntil(client, [one], () => one.partitions.length === 4)
  await makeTopics(client, { b: { partitions: 1 } })
  const two = new Member('two', ['a', 'b'])
  await beatUntil(
    client,
    [one, two],
    () => one.partitions.length + two.partitions.length === 5 && two.partitions.length > 1,
  )
  await client.call(deleteTopics, 6, { topics: [{ name: 'a', topicId: zeroUuid }], timeoutMs: 10_000 })
  await beatUntil(client, [one, two], () => one.partitions.length + two.partitions.length === 1)

  const change = (value: string) => [{ name: 'consumer.heartbeat.interval.ms', configOperation: 0, value }]
  const alter = async (value: string) => {
    const resources = [{ resourceType: 32, resourceName: 'g', configs: change(value) }]
    const answer = await client.call(incrementalAlterConfigs, 1, { resources, validateOnly: false })
    return errorName(answer?.responses[0].errorCode ?? -1)
  }
  t.equal(await alter('700'), 'NONE')
  await beatUntil(client, [one], () => one.heartbeatIntervalMs === 700)
  t.equal(await alter('99'), 'INVALID_CONFIG')
  t.same(broker.errors(), [])
  client.destroy()
})

t.test('a coordinator dies: members go on with what they own, at another', async t => {
  const cluster = await startCluster({
    brokers: 3,
    config: { ...settings, 'offsets.topic.num.partitions': 1, 'offsets.topic.replication.factor': 3 },
  })
  t.teardown(() => cluster.close())
  const connect = (bootstrap: string) => RawClient.connect(Number(bootstrap.split(':')[1]), bootstrap.split(':')[0])
  const first = await connect(cluster.brokers[0].bootstrap)
  const topics = [{ name: 't', numPartitions: 4, replicationFactor: 3, assignments: [], configs: [] }]
  const created = await first.call(createTopics, 7, { topics, timeoutMs: 10_000 })
  const topicId = created?.topics[0].topicId ?? ''
  const before = await coordinatorOf(first, 'g')
  first.destroy()

  let client = await connect(`${before.host}:${before.port}`)
  const [one, two] = [new Member('one', ['t']), new Member('two', ['t'])]
  await beatUntil(client, [one, two], () => one.partitions.length === 2 && two.partitions.length === 2)
  const owned = [one.partitions, two.partitions]
  const { epoch } = one
  const partitions = [{ partitionIndex: one.partitions[0], committedOffset: 17, committedMetadata: null }]
  const committed = await client.call(offsetCommit, 10, {
    groupId: 'g',
    generationIdOrMemberEpoch: epoch,
    memberId: 'one',
    topics: [{ topicId, partitions }],
  })
  t.equal(committed?.topics[0].partitions[0].errorCode, Errors.NONE)
  await cluster.stop(before.nodeId, { abrupt: true })
  client.destroy()

  const other = cluster.brokers.find(({ id }) => id !== before.nodeId)
  const asker = await connect(other?.bootstrap ?? '')
  let after = await coordinatorOf(asker, 'g')
  while (after.nodeId === before.nodeId) after = await coordinatorOf(asker, 'g')
  client = await connect(`${after.host}:${after.port}`)
  for (const member of [one, two]) {
    let error = await member.beat(client)
    while (['NOT_COORDINATOR', 'COORDINATOR_LOAD_IN_PROGRESS'].includes(error)) error = await member.beat(client)
    t.equal(error, 'NONE', member.id)
  }
  t.same([one.partitions, two.partitions], owned)
  t.equal(one.epoch, epoch)
  const fetched = await client.call(offsetFetch, 9, {
    groups: [
      {
        groupId: 'g',
        memberId: 'one',
        memberEpoch: epoch,
        topics: [{ name: 't', topicId, partitionIndexes: [one.partitions[0]] }],
      },
    ],
    requireStable: true,
  })
  t.equal(fetched?.groups[0].topics[0].partitions[0].committedOffset, 17)
  t.equal(await two.beat(client, { memberEpoch: -1 }), 'NONE')
  await beatUntil(client, [one], () => one.partitions.length === 4)
  for (const each of [client, asker]) each.destroy()
})
