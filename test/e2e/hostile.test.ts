/** Broken and hostile records and requests against a whole broker. */
import t from 'tap'
import { Errors } from '../../protocol/errors.ts'
import {
  type AnyApi,
  alterConfigs,
  createPartitions,
  createTopics,
  type DecodedResponseOf,
  deleteTopics,
  describeConfigs,
  encodeRequestFrame,
  fetch,
  findCoordinator,
  incrementalAlterConfigs,
  initProducerId,
  joinGroup,
  metadata,
  offsetCommit,
  produce,
  type RequestInputOf,
  zeroUuid,
} from '../../protocol/index.ts'
import {
  attributesAt,
  baseOffsetAt,
  crcAt,
  lastOffsetDeltaAt,
  lengthAt,
  magicAt,
  recordsAt,
  recordsCountAt,
  storeCrc,
} from '../../protocol/records/batch.ts'
import { buildBatch, type NewBatch } from '../../protocol/records/builder.ts'
import { compress } from '../../protocol/records/compression.ts'
import type { RawClient } from '../network/raw-client.ts'
import { makeTopics, produceTo, startWhole } from './whole-broker.ts'

const now = () => Date.now()

function batch(fields: Partial<NewBatch> = {}): Buffer {
  return buildBatch({ records: [{ key: Buffer.from('k'), value: Buffer.from('v') }], baseTimestamp: now(), ...fields })
}

/** A good batch, changed by `change`; with a right checksum again unless `keepCrc`. */
function changed(change: (bytes: Buffer) => void, { keepCrc = false, fields = {} as Partial<NewBatch> } = {}): Buffer {
  const bytes = batch(fields)
  change(bytes)
  if (!keepCrc) storeCrc(bytes)
  return bytes
}

/** The same batch with other bytes where its records are. */
function withRecords(records: Buffer, codecId = 0): Buffer {
  const bytes = Buffer.concat([batch().subarray(0, recordsAt), records])
  bytes.writeInt32BE(bytes.length - 12, lengthAt)
  bytes.writeInt16BE(codecId, attributesAt)
  storeCrc(bytes)
  return bytes
}

t.test('records', async t => {
  const broker = await startWhole(t, { 'message.max.bytes': '10000' })
  const client = await broker.connect()
  await makeTopics(client, {
    plain: {},
    compacted: { configs: { 'cleanup.policy': 'compact' } },
    recent: { configs: { 'message.timestamp.before.max.ms': '1000', 'message.timestamp.after.max.ms': '1000' } },
  })
  const { CORRUPT_MESSAGE, INVALID_RECORD, MESSAGE_TOO_LARGE, UNSUPPORTED_COMPRESSION_TYPE, INVALID_TIMESTAMP } = Errors
  const cases: Record<string, [Buffer | null, ...number[]]> = {
    'R1 checksum': [changed(bytes => bytes.writeInt32BE(1, crcAt), { keepCrc: true }), CORRUPT_MESSAGE],
    'R2 length below the minimum': [changed(bytes => bytes.writeInt32BE(10, lengthAt)), CORRUPT_MESSAGE],
    'R2 negative length': [changed(bytes => bytes.writeInt32BE(-1, lengthAt), { keepCrc: true }), CORRUPT_MESSAGE],
    'R2 length beyond the buffer': [
      changed(bytes => bytes.writeInt32BE(1000, lengthAt), { keepCrc: true }),
      CORRUPT_MESSAGE,
      INVALID_RECORD,
    ],
    'R2 magic 3': [changed(bytes => bytes.writeInt8(3, magicAt)), CORRUPT_MESSAGE, INVALID_RECORD],
    'R2 magic 1': [changed(bytes => bytes.writeInt8(1, magicAt)), CORRUPT_MESSAGE, INVALID_RECORD],
    'R2 two batches': [Buffer.concat([batch(), batch()]), INVALID_RECORD],
    'R2 no batch': [Buffer.alloc(0), INVALID_RECORD, CORRUPT_MESSAGE],
    'R2 null': [null, INVALID_RECORD, CORRUPT_MESSAGE],
    'R2 a few bytes': [Buffer.alloc(5), INVALID_RECORD, CORRUPT_MESSAGE],
    'R3 base offset': [changed(bytes => bytes.writeBigInt64BE(5n, baseOffsetAt)), INVALID_RECORD],
    'R3 last offset delta': [changed(bytes => bytes.writeInt32BE(5, lastOffsetDeltaAt)), INVALID_RECORD],
    'R3 no records counted': [
      changed(bytes => {
        bytes.writeInt32BE(0, recordsCountAt)
        bytes.writeInt32BE(-1, lastOffsetDeltaAt)
      }),
      INVALID_RECORD,
    ],
    'R3 more counted than there are': [
      changed(bytes => {
        bytes.writeInt32BE(1000, recordsCountAt)
        bytes.writeInt32BE(999, lastOffsetDeltaAt)
      }),
      INVALID_RECORD,
      CORRUPT_MESSAGE,
    ],
    'R3 2^31-1 counted': [
      changed(bytes => {
        bytes.writeInt32BE(2 ** 31 - 1, recordsCountAt)
        bytes.writeInt32BE(2 ** 31 - 2, lastOffsetDeltaAt)
      }),
      INVALID_RECORD,
      CORRUPT_MESSAGE,
    ],
    'R3 bytes behind the last record': [
      withRecords(Buffer.concat([batch().subarray(recordsAt), Buffer.alloc(9)])),
      INVALID_RECORD,
    ],
    'R4 control batch': [batch({ control: true }), INVALID_RECORD],
    'R4 producer id without a sequence': [batch({ producerId: 5, producerEpoch: 0, baseSequence: -1 }), INVALID_RECORD],
    'R5 too large': [batch({ records: [{ key: null, value: Buffer.alloc(20_000) }] }), MESSAGE_TOO_LARGE],
    'R6 codec 5': [withRecords(batch().subarray(recordsAt), 5), INVALID_RECORD],
    'R6 codec 7': [withRecords(batch().subarray(recordsAt), 7), INVALID_RECORD],
    'R9 record of negative length': [withRecords(Buffer.from('01', 'hex')), INVALID_RECORD, CORRUPT_MESSAGE],
    'R9 header count below zero': [withRecords(Buffer.from('0c000000010101', 'hex')), INVALID_RECORD, CORRUPT_MESSAGE],
    'R9 header key null': [withRecords(Buffer.from('1000000001010201', 'hex')), INVALID_RECORD, CORRUPT_MESSAGE],
    'R9 key longer than the record': [
      withRecords(Buffer.from('0c0000007e0100', 'hex')),
      INVALID_RECORD,
      CORRUPT_MESSAGE,
    ],
  }
  for (const [name, [records, ...codes]] of Object.entries(cases)) {
    const answer = await produceTo(client, 'plain', records)
    t.ok(answer && codes.includes(answer.errorCode), `${name}: ${answer?.errorCode}`)
    t.equal(answer?.baseOffset, -1)
  }
  const zstdEarly = await produceTo(client, 'plain', batch({ codecId: 4 }), { version: 6 })
  t.equal(zstdEarly?.errorCode, UNSUPPORTED_COMPRESSION_TYPE, 'R6 zstd below version 7')

  const keyless = await produceTo(client, 'compacted', batch({ records: [{ key: null, value: Buffer.from('v') }] }))
  t.match(keyless, { errorCode: INVALID_RECORD, recordErrors: [{ batchIndex: 0 }] }, 'R8 no key on a compacted topic')
  const squeezed = batch({ codecId: 1, records: [{ key: null, value: Buffer.from('v') }] })
  t.match(await produceTo(client, 'compacted', squeezed), { errorCode: INVALID_RECORD }, 'R8 in a compressed batch')
  t.equal((await produceTo(client, 'recent', batch({ baseTimestamp: 1 })))?.errorCode, INVALID_TIMESTAMP, 'R8 too old')
  t.equal(
    (await produceTo(client, 'recent', batch({ baseTimestamp: 2 ** 50 })))?.errorCode,
    INVALID_TIMESTAMP,
    'R8 too new',
  )

  t.equal((await produceTo(client, 'plain', batch()))?.baseOffset, 0, 'none of it has left a trace')
  t.same(broker.errors(), [])
})

t.test('compressed garbage and bombs', async t => {
  const broker = await startWhole(t)
  const client = await broker.connect()
  await makeTopics(client, { compacted: { configs: { 'cleanup.policy': 'compact' } } })
  const bomb = compress(1, Buffer.alloc(260 * 1024 * 1024))
  t.ok(bomb.length < 1_000_000)
  for (const codec of [1, 2, 3, 4]) {
    const garbage = await produceTo(client, 'compacted', withRecords(Buffer.alloc(200, 7), codec))
    t.equal(garbage?.errorCode, Errors.INVALID_RECORD, `codec ${codec}`)
    const whole = compress(codec, batch().subarray(recordsAt))
    const cut = await produceTo(client, 'compacted', withRecords(whole.subarray(0, whole.length - 3), codec))
    t.equal(cut?.errorCode, Errors.INVALID_RECORD, `codec ${codec}, cut short`)
  }
  const exploded = await produceTo(client, 'compacted', withRecords(bomb, 1))
  t.equal(exploded?.errorCode, Errors.INVALID_RECORD)
  t.same(broker.errors(), [])
})

t.test('producers', async t => {
  const broker = await startWhole(t)
  const client = await broker.connect()
  await makeTopics(client, { plain: {} })
  const init = await client.call(initProducerId, 4, {
    transactionalId: null,
    transactionTimeoutMs: 1000,
    producerId: -1,
    producerEpoch: -1,
  })
  t.equal(init?.errorCode, 0)
  const producerId = init?.producerId ?? -1
  const send = async (baseSequence: number, fields: Partial<NewBatch> = {}) => {
    const answer = await produceTo(client, 'plain', batch({ producerId, producerEpoch: 0, baseSequence, ...fields }))
    return answer && [answer.errorCode, answer.baseOffset]
  }
  t.same(await send(0), [0, 0])
  t.same(await send(1), [0, 1])
  t.same(await send(0), [0, 0], 'R10 a repeated batch is answered with its first offset')
  t.same(await send(5), [Errors.OUT_OF_ORDER_SEQUENCE_NUMBER, -1], 'R10 gap')
  t.same(await send(0, { producerEpoch: 1 }), [0, 2])
  t.same(await send(2), [Errors.INVALID_PRODUCER_EPOCH, -1], 'R10 old epoch')
  t.same(await send(0, { producerId: 99_999 }), [0, 3], 'R10 unknown producer')
  for (const acks of [-2, 2, 32767]) {
    t.equal((await produceTo(client, 'plain', batch(), { acks }))?.errorCode, Errors.INVALID_REQUIRED_ACKS, 'R11')
  }
  const internal = await produceTo(client, '__consumer_offsets', batch())
  t.ok(internal && internal.errorCode !== 0, 'R12 internal topics')
  const quiet = await broker.connect()
  t.equal(await produceTo(quiet, 'missing', batch(), { acks: 0 }), null, 'R11 acks=0 and an error: closed')
  t.same(broker.errors(), [])
})

t.test('topics', async t => {
  const broker = await startWhole(t)
  const client = await broker.connect()
  const create = async (name: string, numPartitions = 1, replicationFactor = 1, more: object = {}) => {
    const topic = { name, numPartitions, replicationFactor, assignments: [], configs: [], ...more }
    const answer = await client.call(createTopics, 7, { topics: [topic], timeoutMs: 5000 })
    return answer?.topics[0].errorCode
  }
  const badNames = ['', '.', '..', 'a/b', '../../etc', 'a\u0000b', '..%2f', 'ä', 'a b', 'a:b', 'x'.repeat(250), '\n']
  for (const name of badNames) t.equal(await create(name), Errors.INVALID_TOPIC_EXCEPTION, `Q1 ${JSON.stringify(name)}`)
  t.equal(await create('x'.repeat(249)), 0)
  t.equal(await create('a.b'), 0)
  t.equal(await create('a_b'), Errors.INVALID_TOPIC_EXCEPTION, 'Q1 a collision')
  t.equal(await create('a.b'), Errors.TOPIC_ALREADY_EXISTS)
  for (const count of [0, -2, -(2 ** 31)]) t.equal(await create('q2', count), Errors.INVALID_PARTITIONS, `Q2 ${count}`)
  const many = await create('q2', 2 ** 31 - 1)
  t.ok(many === Errors.INVALID_PARTITIONS || many === Errors.POLICY_VIOLATION, `Q2 2^31-1 partitions: ${many}`)
  for (const factor of [0, -2, 2, 32767]) {
    t.equal(await create('q2', 1, factor), Errors.INVALID_REPLICATION_FACTOR, `Q2 factor ${factor}`)
  }
  const assignments = [
    [{ partitionIndex: 1, brokerIds: [1] }],
    [{ partitionIndex: 0, brokerIds: [] }],
    [{ partitionIndex: 0, brokerIds: [1, 1] }],
    [{ partitionIndex: 0, brokerIds: [77] }],
    [{ partitionIndex: -1, brokerIds: [1] }],
  ]
  for (const each of assignments) {
    t.equal(await create('q2', -1, -1, { assignments: each }), Errors.INVALID_REPLICA_ASSIGNMENT, JSON.stringify(each))
  }
  for (const config of [
    { name: 'no.such', value: '1' },
    { name: 'retention.ms', value: 'x' },
    { name: 'retention.ms', value: null },
  ]) {
    t.equal(await create('q2', 1, 1, { configs: [config] }), Errors.INVALID_CONFIG, JSON.stringify(config))
  }
  const twice = { name: 'q3', numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] }
  const answer = await client.call(createTopics, 7, { topics: [twice, twice], timeoutMs: 5000 })
  t.same(
    answer?.topics.map(({ errorCode }) => errorCode),
    [Errors.INVALID_REQUEST],
    'Q3',
  )
  for (const name of badNames.filter(each => each !== '')) {
    t.match(
      await client.call(metadata, 12, {
        topics: [{ topicId: zeroUuid, name }],
        allowAutoTopicCreation: true,
        includeClusterAuthorizedOperations: false,
        includeTopicAuthorizedOperations: false,
      }),
      { topics: [{ errorCode: Errors.INVALID_TOPIC_EXCEPTION }] },
      `Metadata of ${JSON.stringify(name)}`,
    )
  }
  const gone = await client.call(deleteTopics, 6, {
    topics: [{ name: '../x', topicId: zeroUuid }],
    topicNames: [],
    timeoutMs: 5000,
  })
  t.equal(gone?.responses[0].errorCode, Errors.UNKNOWN_TOPIC_OR_PARTITION)
  const more = await client.call(createPartitions, 3, {
    topics: [{ name: 'a.b', count: 2 ** 31 - 1, assignments: null }],
    timeoutMs: 5000,
    validateOnly: false,
  })
  t.not(more?.results[0].errorCode, 0)
  t.same(broker.errors(), [])
})

t.test('fetches', async t => {
  const broker = await startWhole(t)
  const client = await broker.connect()
  await makeTopics(client, { plain: {} })
  await produceTo(client, 'plain', batch())
  const huge = 2 ** 31 - 1
  const ask = (fields: Partial<RequestInputOf<typeof fetch>>, partition: object = {}) =>
    call(client, fetch, 12, {
      replicaId: -1,
      maxWaitMs: 0,
      minBytes: 1,
      topics: [
        {
          topic: 'plain',
          topicId: zeroUuid,
          partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: huge, ...partition }],
        },
      ],
      forgottenTopicsData: [],
      ...fields,
    })
  const everything = await ask({ maxBytes: huge, maxWaitMs: huge, minBytes: 1 })
  t.equal(everything?.responses[0].partitions[0].errorCode, 0, 'Q4')
  t.ok(everything?.responses[0].partitions[0].records)
  for (const limit of [0, -1, -(2 ** 31)]) {
    const little = await ask({ maxBytes: limit }, { partitionMaxBytes: limit })
    t.equal(little?.responses[0].partitions[0].errorCode, 0, `byte limit ${limit}`)
  }
  const wide = await ask({
    topics: [
      {
        topic: 'plain',
        topicId: zeroUuid,
        partitions: Array.from({ length: 20_000 }, (_, partition) => ({
          partition,
          fetchOffset: 0,
          partitionMaxBytes: 1,
        })),
      },
    ],
  })
  t.equal(wide?.responses[0].partitions.length, 20_000, 'Q4 many partitions')
  const follower = await ask({ replicaId: 7 })
  t.not(follower?.responses[0].partitions[0].errorCode, 0, 'Q5 one who claims to be a follower')
  t.equal((await ask({ sessionId: 12345, sessionEpoch: 1 }))?.errorCode, Errors.FETCH_SESSION_ID_NOT_FOUND, 'Q6')
  const session = await ask({ sessionId: 0, sessionEpoch: 0 })
  const wrong = await ask({ sessionId: session?.sessionId, sessionEpoch: 9 })
  t.equal(wrong?.errorCode, Errors.INVALID_FETCH_SESSION_EPOCH, 'Q6')
  const older = await ask({}, { currentLeaderEpoch: 1000 })
  t.equal(older?.responses[0].partitions[0].errorCode, Errors.UNKNOWN_LEADER_EPOCH, 'Q7')
  for (const fetchOffset of [-1, 2, 2 ** 53 - 1, -(2 ** 63)]) {
    const outside = await ask({}, { fetchOffset })
    t.equal(outside?.responses[0].partitions[0].errorCode, Errors.OFFSET_OUT_OF_RANGE, `Q7 offset ${fetchOffset}`)
  }
  t.same(broker.errors(), [])
})

function call<A extends AnyApi>(
  client: RawClient,
  api: A,
  version: number,
  request: RequestInputOf<A>,
): Promise<DecodedResponseOf<A> | null> {
  return client.call(api, version, request)
}

t.test('groups', async t => {
  const broker = await startWhole(t)
  const client = await broker.connect()
  await makeTopics(client, { plain: {} })
  const join = async (groupId: string, sessionTimeoutMs = 10_000, metadataBytes = 0) => {
    const answer = await client.call(joinGroup, 5, {
      groupId,
      sessionTimeoutMs,
      rebalanceTimeoutMs: 10_000,
      memberId: '',
      groupInstanceId: null,
      protocolType: 'consumer',
      protocols: [{ name: 'range', metadata: Buffer.alloc(metadataBytes) }],
    })
    return answer?.errorCode
  }
  await client.call(findCoordinator, 0, { key: 'g', coordinatorKeys: [] })
  t.equal(await join(''), Errors.INVALID_GROUP_ID, 'Q8')
  t.equal(await join('g', 0), Errors.INVALID_SESSION_TIMEOUT, 'Q8')
  t.equal(await join('g', 2 ** 31 - 1), Errors.INVALID_SESSION_TIMEOUT, 'Q8')
  const commit = await client.call(offsetCommit, 7, {
    groupId: 'admin',
    generationIdOrMemberEpoch: -1,
    memberId: '',
    topics: [
      {
        name: 'plain',
        topicId: zeroUuid,
        partitions: [{ partitionIndex: 0, committedOffset: 1, committedMetadata: 'x'.repeat(5000) }],
      },
    ],
  })
  t.equal(commit?.topics[0].partitions[0].errorCode, Errors.OFFSET_METADATA_TOO_LARGE, 'Q8')
  t.same(broker.errors(), [])
})

t.test('configurations', async t => {
  const broker = await startWhole(t)
  const client = await broker.connect()
  await makeTopics(client, { plain: {} })
  const alter = async (
    resourceType: number,
    resourceName: string,
    name: string,
    value: string | null,
    configOperation = 0,
  ) => {
    const configs = [{ name, configOperation, value }]
    const answer = await client.call(incrementalAlterConfigs, 1, {
      resources: [{ resourceType, resourceName, configs }],
      validateOnly: false,
    })
    return answer?.responses[0].errorCode
  }
  t.equal(await alter(2, 'plain', 'no.such', '1'), Errors.INVALID_CONFIG, 'Q12')
  t.equal(await alter(2, 'plain', 'retention.ms', 'soon'), Errors.INVALID_CONFIG)
  t.equal(await alter(2, 'missing', 'retention.ms', '1'), Errors.UNKNOWN_TOPIC_OR_PARTITION)
  t.equal(await alter(4, '1', 'node.id', '7'), Errors.INVALID_REQUEST, 'Q12 read-only')
  t.not(await alter(99, 'x', 'y', 'z'), 0)
  t.not(await alter(2, 'plain', 'retention.ms', '1', 9), 0, 'an operation that does not exist')
  t.not(await alter(2, 'plain', 'retention.ms', '1', 2), 0, 'append to what is no list')
  const old = await client.call(alterConfigs, 2, {
    resources: [{ resourceType: 4, resourceName: '1', configs: [{ name: 'ssl.keystore.password', value: 'secret' }] }],
    validateOnly: true,
  })
  t.ok(old)
  const described = await client.call(describeConfigs, 4, {
    resources: [{ resourceType: 4, resourceName: '1', configurationKeys: null }],
    includeSynonyms: true,
    includeDocumentation: false,
  })
  for (const { name, isSensitive, value } of described?.results[0].configs ?? []) {
    if (isSensitive) t.equal(value, null, `${name} is secret`)
    else if (/password/.test(name)) t.fail(`${name} is not marked as secret`)
  }
  t.notOk(JSON.stringify(broker.lines).includes('secret"'), 'nor is it logged')
  t.same(broker.errors(), [])
})

t.test('the number of connections is limited, also while the broker runs', async t => {
  const broker = await startWhole(t)
  const client = await broker.connect()
  const limit = async (name: string, value: string) => {
    const answer = await client.call(incrementalAlterConfigs, 1, {
      resources: [{ resourceType: 4, resourceName: '', configs: [{ name, configOperation: 0, value }] }],
      validateOnly: false,
    })
    t.equal(answer?.responses[0].errorCode, 0)
  }
  const isLetIn = async () => {
    const other = await broker.connect()
    const answer = await other.call(findCoordinator, 0, { key: 'g', coordinatorKeys: [] })
    other.destroy()
    return answer !== null
  }
  t.ok(await isLetIn())
  await limit('max.connections.per.ip', '1')
  t.notOk(await isLetIn())
  await limit('max.connections.per.ip.overrides', '127.0.0.1:50')
  t.ok(await isLetIn())
  await limit('max.connections', '1')
  t.notOk(await isLetIn())
})

t.test('a crowd that says nothing sensible does not disturb a client', async t => {
  const broker = await startWhole(t)
  const client = await broker.connect()
  await makeTopics(client, { plain: {} })
  const noise = [
    Buffer.from('GET / HTTP/1.1\r\n\r\n'),
    Buffer.from('7fffffff', 'hex'),
    Buffer.from('00000064', 'hex'),
    Buffer.concat(encodeRequestFrame(produce, 13, 1, null, { acks: 0, timeoutMs: 0, topicData: [] })).subarray(0, 20),
  ]
  const crowd = await Promise.all(Array.from({ length: 200 }, () => broker.connect()))
  for (const [i, each] of crowd.entries()) each.send(noise[i % noise.length])
  for (let i = 0; i < 20; i++) t.equal((await produceTo(client, 'plain', batch()))?.baseOffset, i)
  for (const each of crowd) each.destroy()
  t.same(broker.errors(), [])
})
