import t from 'tap'
import {
  apiByKey,
  apiByName,
  apiName,
  apisOf,
  apiVersions,
  controlledShutdown,
  currentVersions,
  decodeMessage,
  decodeRequest,
  decodeRequestHeader,
  decodeResponse,
  decodeResponseHeader,
  encodeMessage,
  encodeRequestFrame,
  encodeResponseFrame,
  fetch,
  initProducerId,
  knowsVersion,
  leaderAndIsr,
  metadata,
  ParseError,
  produce,
  requestHeader,
  saslHandshake,
} from '../../protocol/index.ts'

/** The frame without its size, which is checked. */
function body(chunks: readonly Buffer[]): Buffer {
  const all = Buffer.concat(chunks)
  if (all.readInt32BE(0) !== all.length - 4) throw new Error(`size ${all.readInt32BE(0)} of ${all.length} bytes`)
  return all.subarray(4)
}

t.test('a request goes through as a frame', async t => {
  for (const version of [0, 8, 9, 12]) {
    const frame = body(
      encodeRequestFrame(metadata, version, 77, 'client', { topics: [], includeTopicAuthorizedOperations: false }),
    )
    const header = decodeRequestHeader(frame)
    t.match(header, { apiKey: 3, apiVersion: version, correlationId: 77, clientId: 'client' })
    t.same(decodeRequest(metadata, version, frame, header.bodyOffset).topics, [])
  }
  const frame = body(
    encodeRequestFrame(metadata, 12, 1, null, { topics: null, includeTopicAuthorizedOperations: false }),
  )
  t.equal(decodeRequestHeader(frame).clientId, null)
})

t.test('a response goes through as a frame', async t => {
  for (const version of [8, 9]) {
    const frame = body(
      encodeResponseFrame(metadata, version, -5, {
        brokers: [],
        errorCode: 0,
        clusterId: 'c',
        topics: [],
        controllerId: 3,
      }),
    )
    const header = decodeResponseHeader(metadata, version, frame)
    t.equal(header.correlationId, -5)
    t.equal(header.bodyOffset, version < 9 ? 4 : 5)
    t.equal(decodeResponse(metadata, version, frame, header.bodyOffset).controllerId, 3)
  }
})

t.test('the response of ApiVersions has the old header in every version', async t => {
  for (const version of [0, 3, 4]) {
    const frame = body(encodeResponseFrame(apiVersions, version, 1, { errorCode: 0, apiKeys: [] }))
    t.equal(decodeResponseHeader(apiVersions, version, frame).bodyOffset, 4)
  }
})

t.test('large records are not copied into the frame', async t => {
  const records = Buffer.alloc(1 << 20)
  const chunks = encodeRequestFrame(produce, 9, 1, 'c', {
    acks: 1,
    timeoutMs: 1,
    topicData: [{ name: 't', topicId: 'AAAAAAAAAAAAAAAAAAAAAA', partitionData: [{ index: 0, records }] }],
  })
  t.ok(chunks.includes(records))
  const frame = body(chunks)
  const decoded = decodeRequest(produce, 9, frame, decodeRequestHeader(frame).bodyOffset)
  t.equal(decoded.topicData[0].partitionData[0].records?.buffer, frame.buffer)
})

t.test('request headers as the table writes them are read the same', async t => {
  const value = { requestApiKey: 3, requestApiVersion: 12, correlationId: 9, clientId: 'é' }
  const frame = encodeMessage(requestHeader, 2, value)
  t.match(decodeRequestHeader(frame), { apiKey: 3, apiVersion: 12, correlationId: 9, clientId: 'é' })
  t.same(decodeMessage(requestHeader, 2, frame), value)
  const old = encodeMessage(requestHeader, 0, { ...value, requestApiKey: 7, requestApiVersion: 0 })
  t.match(decodeRequestHeader(old), { apiKey: 7, apiVersion: 0, clientId: null, bodyOffset: 8 })
})

t.test('unknown keys and versions still have a readable header', async t => {
  const unknown = encodeMessage(requestHeader, 1, {
    requestApiKey: 999,
    requestApiVersion: 3,
    correlationId: 4,
    clientId: 'x',
  })
  t.match(decodeRequestHeader(unknown), { apiKey: 999, correlationId: 4, clientId: 'x' })
  const future = Buffer.concat([
    encodeMessage(requestHeader, 2, { requestApiKey: 18, requestApiVersion: 99, correlationId: 4, clientId: 'x' }),
  ])
  t.match(decodeRequestHeader(future), { apiKey: 18, apiVersion: 99, clientId: 'x' })
})

t.test('headers that are cut short are refused', async t => {
  const frame = body(
    encodeRequestFrame(metadata, 12, 77, 'client', { topics: [], includeTopicAuthorizedOperations: false }),
  )
  const { bodyOffset } = decodeRequestHeader(frame)
  for (let length = 0; length < bodyOffset; length++) {
    t.throws(() => decodeRequestHeader(frame.subarray(0, length)), ParseError)
  }
  t.throws(() => decodeResponseHeader(metadata, 12, Buffer.alloc(3)), ParseError)
})

t.test('looking up APIs and versions', async t => {
  t.equal(apiByKey(0), produce)
  t.equal(apiByKey(93), undefined)
  t.equal(apiByKey(-1), undefined)
  t.equal(apiByName('Fetch'), fetch)
  t.equal(apiByName('fetch'), undefined)
  t.equal(apiName(1), 'Fetch')
  t.equal(apiName(1000), 'Unknown(1000)')
  t.ok(apisOf('broker').includes(produce))
  t.notOk(apisOf('controller').includes(produce))
  t.ok(apisOf('controller').includes(saslHandshake))
  t.notOk(apisOf('broker').includes(controlledShutdown))
  t.ok(knowsVersion(produce, 0))
  t.notOk(knowsVersion(produce, 14))
  t.same(currentVersions(produce), { low: 3, high: 13 })
  t.same(currentVersions(initProducerId), { low: 0, high: 5 })
  t.same(currentVersions(initProducerId, true), { low: 0, high: 6 })
  t.equal(currentVersions(leaderAndIsr), null)
})
