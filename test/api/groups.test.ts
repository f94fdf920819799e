/** The group APIs of a whole broker, at every version that it advertises. */
import t from 'tap'
import { Errors } from '../../protocol/errors.ts'
import {
  type AnyApi,
  createTopics,
  type DecodedResponseOf,
  deleteGroups,
  deleteTopics,
  describeGroups,
  findCoordinator,
  heartbeat,
  joinGroup,
  leaveGroup,
  listGroups,
  metadata,
  offsetCommit,
  offsetDelete,
  offsetFetch,
  type RequestInputOf,
  syncGroup,
} from '../../protocol/index.ts'
import { zeroUuid } from '../../protocol/uuid.ts'
import { type RunningBroker, startBroker } from '../../src/index.ts'
import { subscription } from '../coordinator/group/scenario.ts'
import { RawClient } from '../network/raw-client.ts'

class Client {
  readonly #raw: RawClient

  constructor(raw: RawClient) {
    this.#raw = raw
  }

  static async to(broker: RunningBroker): Promise<Client> {
    return new Client(await RawClient.connect(broker.port))
  }

  async call<A extends AnyApi>(api: A, version: number, request: RequestInputOf<A>): Promise<DecodedResponseOf<A>> {
    const response = await this.#raw.call(api, version, request)
    if (response === null) throw new Error(`${api.name} v${version}: the connection was closed`)
    return response
  }

  close(): void {
    this.#raw.destroy()
  }
}

async function withBroker(
  run: (client: Client, broker: RunningBroker) => Promise<void>,
  dataDir?: string,
): Promise<void> {
  await using broker = await startBroker({ dataDir })
  const client = await Client.to(broker)
  await run(client, broker)
  client.close()
}

async function topic(client: Client, name: string, partitions = 2): Promise<string> {
  const topics = [{ name, numPartitions: partitions, replicationFactor: 1, assignments: [], configs: [] }]
  const response = await client.call(createTopics, 7, { topics, timeoutMs: 5000 })
  return response.topics[0].topicId
}

/** Groups have a coordinator only after somebody asked for it. */
const locate = (client: Client, key: string) =>
  client.call(findCoordinator, 1, { key, keyType: 0, coordinatorKeys: [] })

const none = Errors.NONE
const versions = (low: number, high: number) => Array.from({ length: high - low + 1 }, (_, i) => low + i)

t.test('FindCoordinator', async t => {
  await withBroker(async (client, broker) => {
    for (const version of versions(0, 6)) {
      const many = version >= 4
      const request = many ? { key: '', coordinatorKeys: ['g', 'h'] } : { key: 'g', coordinatorKeys: [] }
      const response = await client.call(findCoordinator, version, request)
      const found = many ? response.coordinators : [response]
      t.equal(found.length, many ? 2 : 1)
      for (const { errorCode, host, port, nodeId } of found) {
        t.same(
          { errorCode, nodeId, address: `${host}:${port}` },
          { errorCode: none, nodeId: 1, address: broker.bootstrap },
        )
      }
    }
    const shares = await client.call(findCoordinator, 6, { key: '', keyType: 2, coordinatorKeys: ['x'] })
    t.match(shares.coordinators, [{ key: 'x', errorCode: Errors.INVALID_REQUEST, nodeId: -1 }])
    const { topics } = await client.call(metadata, 9, {
      topics: null,
      allowAutoTopicCreation: false,
      includeClusterAuthorizedOperations: false,
      includeTopicAuthorizedOperations: false,
    })
    t.match(topics, [{ name: '__consumer_offsets', isInternal: true }])
  })
})

t.test('the life of a member, with every version of JoinGroup', async t => {
  await withBroker(async client => {
    await locate(client, 'g')
    for (const version of versions(0, 9)) {
      const groupId = `group-${version}`
      const join = {
        groupId,
        sessionTimeoutMs: 10_000,
        rebalanceTimeoutMs: 10_000,
        memberId: '',
        protocolType: 'consumer',
        protocols: [{ name: 'range', metadata: subscription('t') }],
      }
      let joined = await client.call(joinGroup, version, join)
      t.equal(joined.errorCode, version >= 4 ? Errors.MEMBER_ID_REQUIRED : none)
      t.match(joined.memberId, /^test-/)
      if (version >= 4) joined = await client.call(joinGroup, version, { ...join, memberId: joined.memberId })
      const { memberId, generationId } = joined
      t.match(joined, { errorCode: none, generationId: 1, leader: memberId, protocolName: 'range' })
      t.equal(joined.protocolType, version >= 7 ? 'consumer' : null)
      t.same(joined.members[0].metadata, subscription('t'))
      const assignments = [{ memberId, assignment: Buffer.from('mine') }]
      const sync = { groupId, generationId, memberId, assignments }
      const named = { protocolType: 'consumer', protocolName: 'range' }
      const synced = await client.call(syncGroup, Math.min(version, 5), { ...sync, ...named })
      t.match(synced, { errorCode: none, assignment: Buffer.from('mine') })
      const beat = await client.call(heartbeat, Math.min(version, 4), { groupId, generationId, memberId })
      t.equal(beat.errorCode, none)
      const leaving = Math.min(version, 5)
      const left = await client.call(leaveGroup, leaving, { groupId, memberId, members: [{ memberId }] })
      t.equal(left.errorCode, none)
      t.equal(left.members.length, leaving >= 3 ? 1 : 0)
      const again = await client.call(leaveGroup, leaving, { groupId, memberId, members: [{ memberId }] })
      const code = leaving >= 3 ? again.members[0].errorCode : again.errorCode
      t.equal(code, Errors.UNKNOWN_MEMBER_ID)
    }
  })
})

t.test('errors of members in the shape of each version', async t => {
  await withBroker(async client => {
    const bad = { memberId: '', protocolType: 'consumer', protocols: [], rebalanceTimeoutMs: 1 }
    const before = await client.call(joinGroup, 5, { ...bad, groupId: 'g', sessionTimeoutMs: 10_000 })
    t.equal(before.errorCode, Errors.NOT_COORDINATOR, 'nobody asked for a coordinator yet')
    await locate(client, 'g')
    for (const version of versions(0, 9)) {
      const short = await client.call(joinGroup, version, { ...bad, groupId: 'g', sessionTimeoutMs: 10, memberId: 'm' })
      t.match(short, { errorCode: Errors.INVALID_SESSION_TIMEOUT, memberId: 'm', generationId: -1 })
      t.equal(short.protocolName, version >= 7 ? null : '')
      const nameless = await client.call(joinGroup, version, { ...bad, groupId: '', sessionTimeoutMs: 10_000 })
      t.equal(nameless.errorCode, Errors.INVALID_GROUP_ID)
    }
    for (const version of versions(0, 5)) {
      const request = { groupId: '', generationId: 1, memberId: 'm', assignments: [], members: [] }
      t.equal((await client.call(syncGroup, version, request)).errorCode, Errors.INVALID_GROUP_ID)
      t.equal((await client.call(leaveGroup, version, request)).errorCode, Errors.INVALID_GROUP_ID)
      const unknown = await client.call(syncGroup, version, { ...request, groupId: 'nobody' })
      t.equal(unknown.errorCode, Errors.UNKNOWN_MEMBER_ID)
    }
  })
})

t.test('OffsetCommit and OffsetFetch, every version with every other', async t => {
  await withBroker(async client => {
    const topicId = await topic(client, 'a')
    await locate(client, 'g')
    for (const version of versions(2, 10)) {
      const partition = (partitionIndex: number) => ({
        partitionIndex,
        committedOffset: version * 100,
        committedLeaderEpoch: 0,
        committedMetadata: `v${version}`,
      })
      const wanted = [0, 1, 9]
      const topics = [
        { name: 'a', topicId, partitions: wanted.map(partition) },
        { name: 'nope', topicId: 'x'.repeat(21).concat('A'), partitions: [partition(0)] },
      ]
      const committed = await client.call(offsetCommit, version, { groupId: 'g', memberId: '', topics })
      const unknown = version >= 10 ? Errors.UNKNOWN_TOPIC_ID : Errors.UNKNOWN_TOPIC_OR_PARTITION
      t.same(
        committed.topics.map(({ partitions }) => partitions.map(({ errorCode }) => errorCode)),
        [[none, none, Errors.UNKNOWN_TOPIC_OR_PARTITION], [unknown]],
      )
      if (version >= 10) t.equal(committed.topics[0].topicId, topicId)
      for (const reading of versions(1, 10)) await fetchAt(client, reading, topicId, version)
    }
  })

  async function fetchAt(client: Client, version: number, topicId: string, written: number) {
    const names = [{ name: 'a', topicId, partitionIndexes: [0, 7] }]
    const single = version < 8
    const response = await client.call(offsetFetch, version, {
      groupId: 'g',
      topics: single ? names : [],
      groups: [
        { groupId: 'g', topics: names },
        { groupId: 'nobody', topics: names },
      ],
    })
    const topics = single ? response.topics : response.groups[0].topics
    const offset = { committedOffset: written * 100, metadata: `v${written}`, errorCode: none }
    const leaderEpoch = written >= 6 && version >= 5 ? 0 : -1
    t.match(topics[0].partitions, [
      { partitionIndex: 0, committedLeaderEpoch: leaderEpoch, ...offset },
      { partitionIndex: 7, committedOffset: -1, committedLeaderEpoch: -1, metadata: '', errorCode: none },
    ])
    if (!single)
      t.match(response.groups[1], { errorCode: none, topics: [{ partitions: [{ committedOffset: -1 }, {}] }] })
  }
})

t.test('OffsetFetch of all topics, of unknown groups and of unknown ids', async t => {
  await withBroker(async client => {
    const topicId = await topic(client, 'a')
    await locate(client, 'g')
    const partitions = [{ partitionIndex: 1, committedOffset: 5, committedMetadata: null }]
    await client.call(offsetCommit, 5, { groupId: 'g', memberId: '', topics: [{ name: 'a', topicId, partitions }] })
    for (const version of versions(2, 10)) {
      const all = await client.call(offsetFetch, version, {
        groupId: 'g',
        topics: null,
        groups: [
          { groupId: 'g', topics: null },
          { groupId: 'nobody', topics: null },
        ],
      })
      const topics = version < 8 ? all.topics : all.groups[0].topics
      t.match(topics, [{ partitions: [{ partitionIndex: 1, committedOffset: 5, metadata: '' }] }])
      if (version >= 8) t.same(all.groups[1].topics, [])
      if (version >= 10) t.equal(all.groups[0].topics[0].topicId, topicId)
    }
    for (const version of versions(1, 10)) {
      const names = [{ name: 'a', topicId, partitionIndexes: [0] }]
      const request = { groupId: 'nobody', topics: names, groups: [{ groupId: 'nobody', topics: names }] }
      const answer = await client.call(offsetFetch, version, request)
      const [fetched] = version < 8 ? answer.topics : answer.groups[0].topics
      t.match(fetched.partitions, [{ committedOffset: -1, metadata: '', errorCode: none }], `v${version}`)
      t.equal(answer.errorCode, none)
    }
    const unknown = [{ name: '', topicId: 'x'.repeat(21).concat('A'), partitionIndexes: [0] }]
    const byId = await client.call(offsetFetch, 10, {
      groupId: '',
      topics: [],
      groups: [{ groupId: 'g', topics: unknown }],
    })
    t.match(byId.groups[0].topics[0].partitions, [{ committedOffset: -1, errorCode: Errors.UNKNOWN_TOPIC_ID }])
  })
})

t.test('before anybody asked for a coordinator OffsetFetch says so in the way of each version', async t => {
  await withBroker(async client => {
    for (const version of versions(1, 10)) {
      const names = [{ name: 'a', topicId: zeroUuid, partitionIndexes: [0] }]
      const answer = await client.call(offsetFetch, version, {
        groupId: 'g',
        topics: names,
        groups: [{ groupId: 'g', topics: names }],
      })
      const codes = {
        partition: answer.topics[0]?.partitions[0]?.errorCode ?? none,
        request: answer.errorCode,
        group: answer.groups[0]?.errorCode ?? none,
      }
      const where = version < 2 ? 'partition' : version < 8 ? 'request' : 'group'
      t.same(codes, { partition: none, request: none, group: none, [where]: Errors.NOT_COORDINATOR }, `v${version}`)
    }
  })
})

t.test('the offsets of a deleted topic go with it', async t => {
  await withBroker(async client => {
    await topic(client, 'a')
    await locate(client, 'g')
    const partitions = [{ partitionIndex: 0, committedOffset: 5, committedMetadata: null }]
    const commit = () =>
      client.call(offsetCommit, 5, {
        groupId: 'g',
        memberId: '',
        topics: [{ name: 'a', topicId: zeroUuid, partitions }],
      })
    await commit()
    await client.call(deleteTopics, 5, { topicNames: ['a'], topics: [], timeoutMs: 5000 })
    await topic(client, 'a')
    const all = await client.call(offsetFetch, 5, { groupId: 'g', topics: null, groups: [] })
    t.same(all.topics, [])
  })
})

t.test('describe, list and delete', async t => {
  await withBroker(async client => {
    await topic(client, 'a')
    await locate(client, 'g')
    const partitions = [{ partitionIndex: 0, committedOffset: 5, committedMetadata: null }]
    await client.call(offsetCommit, 5, {
      groupId: 'g',
      memberId: '',
      topics: [{ name: 'a', topicId: zeroUuid, partitions }],
    })
    for (const version of versions(0, 6)) {
      const request = { groups: ['nobody', 'g'], includeAuthorizedOperations: version >= 3 }
      const { groups } = await client.call(describeGroups, version, request)
      const known = version >= 6
      t.match(groups, [
        { groupId: 'nobody', groupState: 'Dead', errorCode: known ? Errors.GROUP_ID_NOT_FOUND : none },
        { groupId: 'g', groupState: 'Empty', errorCode: none, protocolType: '' },
      ])
      t.equal(groups[0].errorMessage, known ? 'Group nobody not found.' : null)
      t.equal(groups[1].authorizedOperations > 0, version >= 3)
    }
    for (const version of versions(0, 5)) {
      const all = await client.call(listGroups, version, { statesFilter: [], typesFilter: [] })
      t.match(all, { errorCode: none, groups: [{ groupId: 'g', protocolType: '' }] })
      t.equal(all.groups[0].groupState, version >= 4 ? 'Empty' : '')
      t.equal(all.groups[0].groupType, version >= 5 ? 'classic' : '')
      const filter = { statesFilter: version >= 4 ? ['STABLE'] : [], typesFilter: [] }
      t.equal((await client.call(listGroups, version, filter)).groups.length, version >= 4 ? 0 : 1)
    }
    const topics = ['a', 'nope'].map(name => ({ name, partitions: [{ partitionIndex: 0 }] }))
    const removed = await client.call(offsetDelete, 0, { groupId: 'g', topics })
    t.same(
      removed.topics.map(({ partitions: [{ errorCode }] }) => errorCode),
      [none, Errors.UNKNOWN_TOPIC_OR_PARTITION],
    )
    t.equal((await client.call(offsetDelete, 0, { groupId: 'h', topics })).errorCode, Errors.GROUP_ID_NOT_FOUND)
    for (const version of versions(0, 2)) {
      const groupId = `g${version}`
      await client.call(offsetCommit, 5, {
        groupId,
        memberId: '',
        topics: [{ name: 'a', topicId: zeroUuid, partitions }],
      })
      const deleted = await client.call(deleteGroups, version, { groupsNames: [groupId, 'nobody'] })
      t.same(
        deleted.results.map(({ errorCode }) => errorCode),
        [none, Errors.GROUP_ID_NOT_FOUND],
      )
    }
  })
})

t.test('a restart keeps groups and offsets', async t => {
  const dataDir = t.testdir()
  const join = {
    groupId: 'g',
    sessionTimeoutMs: 30_000,
    rebalanceTimeoutMs: 30_000,
    memberId: '',
    protocolType: 'consumer',
    protocols: [{ name: 'range', metadata: subscription('a') }],
  }
  let memberId = ''
  await withBroker(async client => {
    await topic(client, 'a')
    await locate(client, 'g')
    const joined = await client.call(joinGroup, 3, join)
    memberId = joined.memberId
    const assignments = [{ memberId, assignment: Buffer.from('mine') }]
    await client.call(syncGroup, 3, { groupId: 'g', generationId: 1, memberId, assignments })
    const partitions = [{ partitionIndex: 0, committedOffset: 42, committedMetadata: 'here' }]
    const committing = { groupId: 'g', memberId, generationIdOrMemberEpoch: 1 }
    await client.call(offsetCommit, 7, { ...committing, topics: [{ name: 'a', topicId: zeroUuid, partitions }] })
  }, dataDir)
  await withBroker(async client => {
    const beat = { groupId: 'g', generationId: 1, memberId }
    let { errorCode } = await client.call(heartbeat, 3, beat)
    while (errorCode === Errors.COORDINATOR_LOAD_IN_PROGRESS)
      errorCode = (await client.call(heartbeat, 3, beat)).errorCode
    t.equal(errorCode, none)
    const synced = await client.call(syncGroup, 3, { groupId: 'g', generationId: 1, memberId, assignments: [] })
    t.equal(String(synced.assignment), 'mine')
    const all = await client.call(offsetFetch, 7, { groupId: 'g', topics: null, groups: [] })
    t.match(all.topics, [{ name: 'a', partitions: [{ partitionIndex: 0, committedOffset: 42, metadata: 'here' }] }])
  }, dataDir)
})
