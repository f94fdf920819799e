import t from 'tap'
import { Errors, KafkaError } from '../../protocol/errors.ts'
import {
  type AnyApi,
  createTopics,
  decodeRequest,
  decodeRequestHeader,
  decodeResponse,
  decodeResponseHeader,
  decodeVersioned,
  defaultPrincipalData,
  encodeRequestFrame,
  encodeResponseFrame,
  envelope,
  type RequestInputOf,
} from '../../protocol/index.ts'
import { handler as createTopicsHandler } from '../../src/api/19-create-topics.ts'
import { handler as envelopeHandler } from '../../src/api/58-envelope.ts'
import { Dispatcher } from '../../src/api/dispatch.ts'
import { Forwarding } from '../../src/api/forward.ts'
import type { Rooms } from '../../src/api/request.ts'
import { parseBrokerConfig } from '../../src/config/broker.ts'
import { addressBytes, addressText } from '../../src/lib/address-bytes.ts'
import { Watermark } from '../../src/lib/watermark.ts'
import { MetadataState } from '../../src/metadata/state.ts'
import type { Answer } from '../../src/network/connection.ts'
import type { ListenerIdentity, Peer } from '../../src/network/peer.ts'
import { ClientQuotas } from '../../src/quota/client-quotas.ts'
import { simHost } from '../sim/host.ts'

const turn = { release() {}, whenSent() {}, throttle() {} }
const newTopic = { name: 'a', numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] }
const create = { topics: [newTopic], timeoutMs: 1000, validateOnly: false }

function peerOf(kind: ListenerIdentity['kind']): Peer {
  return {
    connectionId: 1,
    listener: {
      name: 'L',
      securityProtocol: 'PLAINTEXT',
      advertisedHost: 'h',
      advertisedPort: 1,
      kind,
      privileged: false,
    },
    remoteAddress: '10.0.0.7',
    remotePort: 1,
    localPort: 1,
    principal: 'User:alice',
    softwareName: 'unknown',
    softwareVersion: 'unknown',
  }
}

/** A broker that forwards to a controller; `passed` sees every Envelope. */
function pair() {
  const host = simHost(1)
  const state = { isController: true, isHere: false, topics: new Map<string, object>() }
  const passed: { host: string | null; principal: string; clientId: string | null }[] = []
  const served = new Watermark(0)
  const controller = {
    createTopics: async () => {
      if (!state.isController) throw new KafkaError(Errors.NOT_CONTROLLER)
      const created = { name: 'a', topicId: 'AAAAAAAAAAAAAAAAAAAAAw', errorCode: 0, errorMessage: null }
      return [{ ...created, partitionsCount: 1, replicationFactor: 1, configs: new Map() }]
    },
  }
  const quotas = new ClientQuotas(parseBrokerConfig(new Map()), new MetadataState())
  const rooms = { host, controller, quotas, configs: { topicWith: () => [] }, metadata: { topics: state.topics } }
  const handlers = [createTopicsHandler, envelopeHandler]
  const far = new Dispatcher(handlers, { ...rooms, forwarding: null } as unknown as Rooms)
  const channel = {
    request: async <A extends AnyApi>(api: A, body: RequestInputOf<A>) => {
      const frame = Buffer.concat(encodeRequestFrame(api, 0, 9, 'broker', body)).subarray(4)
      const { bodyOffset } = decodeRequestHeader(frame)
      const { requestData, requestPrincipal, clientHostAddress } = decodeRequest(envelope, 0, frame, bodyOffset)
      const { type, name } = decodeVersioned(defaultPrincipalData, requestPrincipal ?? Buffer.alloc(0))
      const { clientId } = decodeRequestHeader(requestData)
      passed.push({ host: addressText(clientHostAddress), principal: `${type}:${name}`, clientId })
      const answer = body_(await far.serve(frame, peerOf('controller'), turn))
      return decodeResponse(api, 0, answer, decodeResponseHeader(api, 0, answer).bodyOffset)
    },
  }
  const forwarding = new Forwarding({ host, channel, isHere: () => state.isHere, served, timeoutMs: 1000 })
  const near = new Dispatcher(handlers, { ...rooms, forwarding } as unknown as Rooms)
  const ask = async (body: RequestInputOf<typeof createTopics> = create) => {
    const frame = Buffer.concat(encodeRequestFrame(createTopics, 7, 77, 'client', body)).subarray(4)
    const answer = body_(await near.serve(frame, peerOf('broker'), turn))
    const { correlationId, bodyOffset } = decodeResponseHeader(createTopics, 7, answer)
    t.equal(correlationId, 77)
    return decodeResponse(createTopics, 7, answer, bodyOffset)
  }
  return { host, state, passed, served, far, ask }
}

function body_(answer: Answer): Buffer {
  return Buffer.concat(answer ?? []).subarray(4)
}

t.test('the answer of the controller comes back as it is, when this broker shows what it tells', async t => {
  const { host, state, passed, served, ask } = pair()
  const asked = ask()
  await host.clock.advance(100)
  state.topics.set('a', {})
  served.advance(1)
  const { topics } = await host.clock.run(asked)
  t.equal(topics[0].topicId, 'AAAAAAAAAAAAAAAAAAAAAw')
  t.equal(host.clock.monotonic(), 100)
  t.same(passed, [{ host: '10.0.0.7', principal: 'User:alice', clientId: 'client' }])
})

t.test('what is not shown in time is not waited for any longer', async t => {
  const { host, ask } = pair()
  t.equal((await host.clock.run(ask())).topics[0].errorCode, 0)
  t.equal(host.clock.monotonic(), 2000)
  const validated = pair()
  await validated.host.clock.run(validated.ask({ ...create, validateOnly: true }))
  t.equal(validated.host.clock.monotonic(), 0)
})

t.test('here it is served without a detour; a controller that has just resigned passes it on', async t => {
  const { host, state, passed, ask } = pair()
  state.topics.set('a', {})
  state.isHere = true
  await host.clock.run(ask())
  t.equal(passed.length, 0)
  state.isController = false
  t.equal((await host.clock.run(ask())).topics[0].errorCode, Errors.UNKNOWN_SERVER_ERROR)
  t.equal(passed.length, 1)
})

t.test('what an Envelope may hold', async t => {
  const { far, state } = pair()
  const principal = Buffer.from([0, 0, 5, 85, 115, 101, 114, 2, 97, 0, 0])
  const inner = (api: AnyApi, version: number, body: object) =>
    Buffer.concat(encodeRequestFrame(api, version, 5, 'c', body as RequestInputOf<AnyApi>)).subarray(4)
  const ask = async (request: Partial<RequestInputOf<typeof envelope>>): Promise<number> => {
    const whole = {
      requestData: inner(createTopics, 7, create),
      requestPrincipal: principal,
      clientHostAddress: Buffer.from([127, 0, 0, 1]),
      ...request,
    }
    const frame = Buffer.concat(encodeRequestFrame(envelope, 0, 1, 'b', whole)).subarray(4)
    const answer = body_(await far.serve(frame, peerOf('controller'), turn))
    return decodeResponse(envelope, 0, answer, decodeResponseHeader(envelope, 0, answer).bodyOffset).errorCode
  }
  t.equal(await ask({}), Errors.NONE)
  t.equal(await ask({ requestPrincipal: null }), Errors.PRINCIPAL_DESERIALIZATION_FAILURE)
  t.equal(await ask({ requestPrincipal: Buffer.from([0, 9]) }), Errors.PRINCIPAL_DESERIALIZATION_FAILURE)
  t.equal(await ask({ clientHostAddress: Buffer.alloc(3) }), Errors.INVALID_REQUEST)
  t.equal(await ask({ requestData: Buffer.alloc(2) }), Errors.INVALID_REQUEST)
  t.equal(await ask({ requestData: inner(createTopics, 7, create).subarray(0, 20) }), Errors.INVALID_REQUEST)
  const nested = { requestData: Buffer.alloc(0), requestPrincipal: null, clientHostAddress: Buffer.alloc(4) }
  t.equal(await ask({ requestData: inner(envelope, 0, nested) }), Errors.INVALID_REQUEST)
  const newer = inner(createTopics, 7, create)
  newer.writeInt16BE(8, 2)
  t.equal(await ask({ requestData: newer }), Errors.UNSUPPORTED_VERSION)
  state.isController = false
  t.equal(await ask({}), Errors.NOT_CONTROLLER)
})

t.test('addresses', async t => {
  for (const text of ['127.0.0.1', '0.0.0.0', '::1', '::', 'fe80::1', '2001:db8::8:800:200c:417a', '1:2:3:4:5:6:7:8']) {
    t.equal(addressText(addressBytes(text)), text)
  }
  t.equal(addressText(addressBytes('::ffff:1.2.3.4')), '::ffff:102:304')
  t.equal(addressText(addressBytes('fe80::1%eth0')), 'fe80::1')
  t.equal(addressText(addressBytes('1:0:0:2:0:0:0:3')), '1:0:0:2::3')
  for (const text of ['', 'host', '1.2.3', '1.2.3.256', '1::2::3', '1:2:3:4:5:6:7', '12345::']) {
    t.equal(addressBytes(text).length, 0, text)
  }
  t.equal(addressText(Buffer.alloc(5)), null)
})

t.test('a frame that is not an answer is not passed on', async t => {
  const host = simHost(1)
  const answers = [
    { errorCode: Errors.INVALID_REQUEST, responseData: null },
    { errorCode: 0, responseData: null },
  ]
  const channel = {
    request: async <A extends AnyApi>(api: A) => {
      const frame = Buffer.concat(encodeResponseFrame(envelope, 0, 1, answers.pop() ?? answers[0])).subarray(4)
      return decodeResponse(api, 0, frame, decodeResponseHeader(api, 0, frame).bodyOffset)
    },
  }
  const forwarding = new Forwarding({ host, channel, isHere: () => false, served: new Watermark(0), timeoutMs: 1 })
  for (let i = 0; i < 2; i++) await t.rejects(forwarding.forward(Buffer.alloc(9), peerOf('broker')), KafkaError)
})
