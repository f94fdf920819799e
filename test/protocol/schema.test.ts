import t from 'tap'
import {
  codecOf,
  decodeMessage,
  decodeRequest,
  describeGroups,
  encodeMessage,
  encodeRequest,
  encodeResponse,
  fetch,
  joinGroup,
  parseVersions,
  produce,
  type RequestOf,
  type ResponseOf,
} from '../../protocol/index.ts'
import { array, int32, message, string, struct } from '../../protocol/schema.ts'

/** Fails to compile when the types are not the same. */
function sameType<A, B>(_equal: [A] extends [B] ? ([B] extends [A] ? true : false) : false): void {}

t.test('ranges of versions', async t => {
  t.same(parseVersions('3'), { low: 3, high: 3 })
  t.same(parseVersions('3-5'), { low: 3, high: 5 })
  t.same(parseVersions('3+'), { low: 3, high: 32767 })
  const none = parseVersions('none')
  t.ok(none.high < none.low)
})

t.test('inferred types', async t => {
  sameType<RequestOf<typeof produce>['transactionalId'], string | null>(true)
  sameType<RequestOf<typeof produce>['acks'], number>(true)
  sameType<RequestOf<typeof produce>['topicData'][0]['partitionData'][0]['records'], Buffer | null>(true)
  sameType<ResponseOf<typeof produce>['throttleTimeMs'], number | undefined>(true)
  sameType<ResponseOf<typeof joinGroup>['protocolName'], string | null | undefined>(false)
  sameType<ResponseOf<typeof joinGroup>['members'][0]['metadata'], Buffer>(true)
  t.pass()
})

t.test('what a version lacks is its default when decoded', async t => {
  const frame = Buffer.concat(
    encodeRequest(fetch, 4, { maxWaitMs: 1, minBytes: 2, topics: [], forgottenTopicsData: [] }),
  )
  const request = decodeRequest(fetch, 4, frame)
  t.match(request, { sessionId: 0, sessionEpoch: -1, rackId: '', clusterId: null, forgottenTopicsData: [] })
  t.same(request.replicaState, { replicaId: -1, replicaEpoch: -1 })
  t.equal(request.maxBytes, 0x7fffffff)
})

t.test('decoded values share no arrays and no structures', async t => {
  const frame = Buffer.concat(
    encodeRequest(fetch, 4, { maxWaitMs: 1, minBytes: 2, topics: [], forgottenTopicsData: [] }),
  )
  const one = decodeRequest(fetch, 4, frame)
  const two = decodeRequest(fetch, 4, frame)
  t.not(one.forgottenTopicsData, two.forgottenTopicsData)
  t.not(one.replicaState, two.replicaState)
})

const table = message(
  'Table',
  '0-2',
  { flexible: '2+' },
  {
    name: string('0+', { nullable: '1+' }),
    list: array('0+', 'int32', { nullable: '1+', default: null }),
    inner: struct('0+', { a: int32('0+', { default: 5 }) }, { nullable: '1+', default: null }),
    late: string('2+', { nullable: '2+', default: null, tag: 3 }),
  },
)

t.test('null is written as empty where the version knows no null', async t => {
  t.equal(encodeMessage(table, 0, { name: null }).toString('hex'), `0000${'00000000'}00000005`)
  t.equal(encodeMessage(table, 1, { name: null }).toString('hex'), 'ffffffffffffff')
  t.same(decodeMessage(table, 1, encodeMessage(table, 1, { name: null })), {
    name: null,
    list: null,
    inner: null,
    late: null,
  })
  const response: ResponseOf<typeof joinGroup> = {
    errorCode: 0,
    generationId: 1,
    protocolName: null,
    leader: 'l',
    memberId: 'm',
    members: [],
  }
  t.doesNotThrow(() => encodeResponse(joinGroup, 0, response))
})

t.test('fields that a version lacks are ignored when encoding', async t => {
  t.equal(
    encodeMessage(table, 1, { name: 'a', late: 'ignored' }).toString('hex'),
    encodeMessage(table, 1, { name: 'a' }).toString('hex'),
  )
  const tagged = encodeMessage(table, 2, { name: 'a', late: 'x' })
  t.equal(tagged.toString('hex'), '026100ff0103020278')
  t.equal(decodeMessage(table, 2, tagged).late, 'x')
})

t.test('versions that a table does not have', async t => {
  t.throws(() => codecOf(produce.request, 14), RangeError)
  t.throws(() => codecOf(produce.request, -1), RangeError)
  t.throws(() => encodeRequest(describeGroups, 7, { groups: [], includeAuthorizedOperations: false }), RangeError)
})
