/** Broken and hostile frames against real sockets and the real dispatcher. Whatever comes, the next client is served. */
import t from 'tap'
import { decodeResponse } from '../../protocol/compile.ts'
import { Errors } from '../../protocol/errors.ts'
import {
  apiVersions,
  brokerRegistration,
  describeAcls,
  encodeRequestFrame,
  fetchSnapshot,
  heartbeat,
  metadata,
  produce,
  vote,
} from '../../protocol/index.ts'
import { RawClient } from '../network/raw-client.ts'
import { behaviours, startHarness } from './harness.ts'

/** Header version 1 (not flexible) and a body. */
function request(apiKey: number, version: number, body: Uint8Array = Buffer.alloc(0), correlationId = 7): Buffer {
  const header = Buffer.alloc(10)
  header.writeInt16BE(apiKey, 0)
  header.writeInt16BE(version, 2)
  header.writeInt32BE(correlationId, 4)
  header.writeInt16BE(-1, 8)
  return Buffer.concat([header, body])
}

const noOperations = { includeClusterAuthorizedOperations: false, includeTopicAuthorizedOperations: false }

async function alive(port: number): Promise<boolean> {
  const client = await RawClient.connect(port)
  const answer = await client.call(heartbeat, 0, { groupId: 'g', generationId: 1, memberId: 'm' })
  client.destroy()
  return answer?.errorCode === 0
}

const int32 = (value: number) => {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value)
  return bytes
}

t.test('frames that close the connection without an answer', async t => {
  const { port, listeners } = await startHarness(t)
  const metadataV1 = (count: number) => request(metadata.key, 1, int32(count))
  const cases: Record<string, Buffer> = {
    'size -1': int32(-1),
    'smallest size': int32(-(2 ** 31)),
    'size above the limit': int32(100 * 1024 * 1024 + 1),
    'largest size': int32(2 ** 31 - 1),
    HTTP: Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n'),
    'TLS hello': Buffer.from('16030100f8010000f40303', 'hex'),
    'size 0': int32(0),
    'shorter than a header': Buffer.concat([int32(7), Buffer.alloc(7)]),
    'client id longer than the frame': framed(
      Buffer.concat([request(3, 0).subarray(0, 8), Buffer.from('7fff', 'hex')]),
    ),
    'client id of negative length': framed(Buffer.concat([request(3, 0).subarray(0, 8), Buffer.from('fffe', 'hex')])),
    'unknown API key': framed(request(1000, 0)),
    'negative API key': framed(request(-1, 0)),
    'version above the range': framed(request(metadata.key, 99)),
    'negative version': framed(request(metadata.key, -1)),
    'Produce 2, advertised and refused': framed(request(produce.key, 2)),
    'an API of controllers: Vote': framed(request(vote.key, 0)),
    'an API of controllers: FetchSnapshot': framed(request(fetchSnapshot.key, 0)),
    'an API of controllers: BrokerRegistration': framed(request(brokerRegistration.key, 0)),
    'body cut short': framed(request(metadata.key, 1, Buffer.alloc(2))),
    'array count 2^31-1': framed(metadataV1(2 ** 31 - 1)),
    'array count below -1': framed(metadataV1(-2)),
    'as many elements as bytes are left': framed(Buffer.concat([metadataV1(1000), Buffer.alloc(1000)])),
    'negative length of a string that is not null': framed(request(heartbeat.key, 0, Buffer.from('fffe', 'hex'))),
    'null where no null may be': framed(request(heartbeat.key, 0, Buffer.from('ffff', 'hex'))),
    'string that is no UTF-8': framed(request(heartbeat.key, 0, Buffer.from('0002c328000000010001', 'hex'))),
    'varint of 6 bytes': framed(request(metadata.key, 9, Buffer.from('00ffffffffff01', 'hex'))),
    'varint whose fifth byte overflows': framed(request(metadata.key, 9, Buffer.from('00ffffffff7f', 'hex'))),
    'a million unknown tags': framed(request(apiVersions.key, 3, Buffer.from('0002610261c0843d', 'hex'))),
    'tag of 2^31 bytes': framed(request(heartbeat.key, 4, Buffer.from('000267000000010267000163ffffffff07', 'hex'))),
    'ApiVersions whose body is cut short': framed(request(apiVersions.key, 3, Buffer.from('0005', 'hex'))),
  }
  for (const [name, bytes] of Object.entries(cases)) {
    const client = await RawClient.connect(port)
    client.send(bytes)
    t.equal(await client.next(), null, name)
    await client.closed
  }
  t.ok(await alive(port))
  t.equal(listeners.heldBytes, 0)
})

function framed(body: Buffer): Buffer {
  return Buffer.concat([int32(body.length), body])
}

t.test('what speaks another protocol is told once by address', async t => {
  const { port, lines } = await startHarness(t)
  for (const text of ['GET / HTTP/1.1\r\n', 'POST / HTTP/1.1\r\n', '\x16\x03\x01\x02\x00\x01\x00']) {
    const client = await RawClient.connect(port)
    client.send(Buffer.from(text, 'latin1'))
    await client.closed
  }
  const warnings = lines.filter(({ level }) => level === 'warn').map(({ message }) => message)
  t.equal(warnings.length, 2)
  t.match(warnings[0], 'looks like HTTP')
  t.match(warnings[1], 'looks like TLS')
})

t.test('an announced frame costs nothing until it arrives', async t => {
  const { port, listeners } = await startHarness(t)
  const clients = await Promise.all(Array.from({ length: 20 }, () => RawClient.connect(port)))
  for (const client of clients) client.send(int32(100 * 1024 * 1024), Buffer.alloc(10))
  t.ok(await alive(port))
  t.equal(listeners.heldBytes, 20 * 14)
  for (const client of clients) client.destroy()
})

t.test('half a frame is cut off at its deadline', async t => {
  const { port } = await startHarness(t, { frameDeadlineMs: 50, sweepMs: 20 })
  const client = await RawClient.connect(port)
  client.send(int32(100))
  t.equal(await client.next(), null)
})

t.test('ApiVersions of a version to come is answered in version 0', async t => {
  const { port } = await startHarness(t)
  for (const version of [5, 99, 32767, -1]) {
    const client = await RawClient.connect(port)
    client.sendFrame(request(apiVersions.key, version, Buffer.from('whatever')))
    const frame = await client.next()
    t.ok(frame, String(version))
    if (frame === null) continue
    t.equal(frame.readInt32BE(0), 7)
    const answer = decodeResponse(apiVersions, 0, frame, 4)
    t.equal(answer.errorCode, Errors.UNSUPPORTED_VERSION)
    t.same(answer.apiKeys, [{ apiKey: 18, minVersion: 0, maxVersion: 4 }])
    const again = await client.call(apiVersions, 4, { clientSoftwareName: 'a', clientSoftwareVersion: '1' })
    t.equal(again?.errorCode, Errors.NONE, 'on the same connection')
    client.destroy()
  }
})

t.test('ApiVersions checks how the client names itself', async t => {
  const { port } = await startHarness(t)
  const client = await RawClient.connect(port)
  const ask = async (clientSoftwareName: string, clientSoftwareVersion = '1') =>
    (await client.call(apiVersions, 3, { clientSoftwareName, clientSoftwareVersion }))?.errorCode
  for (const good of ['a', 'kafkajs', 'apache-kafka-java', 'a.b-c', '9', 'a'.repeat(256)])
    t.equal(await ask(good), 0, good)
  const bad = ['', '-a', 'a-', '.a', 'a.', 'a b', 'a\n', 'ä', 'a_b', `${'-'.repeat(200)}`, 'a'.repeat(257), 'a\u0000']
  for (const each of bad) {
    t.equal(await ask(each), Errors.INVALID_REQUEST, JSON.stringify(each))
    t.equal(await ask('a', each), Errors.INVALID_REQUEST, JSON.stringify(each))
  }
  client.destroy()
})

t.test('what ApiVersions tells, by version', async t => {
  const { port } = await startHarness(t)
  const client = await RawClient.connect(port)
  for (let version = 0; version <= 4; version++) {
    const answer = await client.call(apiVersions, version, { clientSoftwareName: 'a', clientSoftwareVersion: '1' })
    t.match(answer, {
      errorCode: 0,
      apiKeys: [
        { apiKey: 0, minVersion: 0, maxVersion: 13 },
        { apiKey: 3, minVersion: 0, maxVersion: 13 },
        { apiKey: 12, minVersion: 0, maxVersion: 4 },
        { apiKey: 18, minVersion: 0, maxVersion: 4 },
        { apiKey: 29, minVersion: 1, maxVersion: 3 },
      ],
      finalizedFeaturesEpoch: version >= 3 ? 42 : -1,
      finalizedFeatures: version >= 3 ? [{ name: 'metadata.version', maxVersionLevel: 30, minVersionLevel: 30 }] : [],
    })
    const supported = answer?.supportedFeatures.map(({ name }) => name)
    t.same(supported, version < 3 ? [] : version === 3 ? ['metadata.version'] : ['metadata.version', 'group.version'])
  }
  client.destroy()
})

t.test('correlation ids, client ids and trailing bytes', async t => {
  const { port } = await startHarness(t)
  const client = await RawClient.connect(port)
  for (const correlationId of [-1, 0, 0, 2 ** 31 - 1, -(2 ** 31)]) {
    t.ok(await client.call(heartbeat, 4, { groupId: 'g', generationId: 1, memberId: 'm' }, correlationId))
  }
  const clientIds: (string | null)[] = [null, '', 'x'.repeat(5000), 'line\nbreak']
  for (const clientId of clientIds) {
    client.send(
      ...encodeRequestFrame(metadata, 2, 3, clientId, { topics: null, allowAutoTopicCreation: true, ...noOperations }),
    )
    const frame = await client.next()
    t.equal(frame && decodeResponse(metadata, 2, frame, 4).clusterId, clientId ?? '')
  }
  client.sendFrame(Buffer.concat([request(metadata.key, 2, int32(-1)), Buffer.from('and more')]))
  t.ok(await client.next())
  client.destroy()
})

t.test('ten thousand requests at once, and nobody reads the answers for a while', async t => {
  const { port } = await startHarness(t)
  const client = await RawClient.connect(port)
  client.pauseReading()
  const one = Buffer.concat(encodeRequestFrame(heartbeat, 0, 1, 'c', { groupId: 'g', generationId: 1, memberId: 'm' }))
  client.send(...Array.from({ length: 10_000 }, () => one))
  t.ok(await alive(port))
  client.destroy()
  const reader = await RawClient.connect(port)
  reader.send(...Array.from({ length: 10_000 }, () => one))
  let answers = 0
  while (answers < 10_000 && (await reader.next())) answers += 1
  t.equal(answers, 10_000)
  reader.destroy()
})

t.test('failures of a handler', async t => {
  const { port, lines } = await startHarness(t)
  const client = await RawClient.connect(port)
  const ask = (groupId: string) => client.call(heartbeat, 4, { groupId, generationId: 1, memberId: 'm' })
  t.equal((await ask(behaviours.kafkaError))?.errorCode, Errors.REBALANCE_IN_PROGRESS)
  t.equal((await ask(behaviours.bug))?.errorCode, Errors.UNKNOWN_SERVER_ERROR)
  t.equal(lines.filter(({ level }) => level === 'error').length, 1, 'a bug is logged')
  const acls = await client.call(describeAcls, 1, {
    resourceTypeFilter: 1,
    resourceNameFilter: null,
    patternTypeFilter: 1,
    principalFilter: null,
    hostFilter: null,
    operation: 1,
    permissionType: 1,
  })
  t.match(acls, { errorCode: Errors.UNKNOWN_SERVER_ERROR, resources: [] }, 'one that throws at once too')
  t.equal(await ask(behaviours.close), null)
  t.ok(await alive(port))
})
