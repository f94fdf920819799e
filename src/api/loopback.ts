/** This node asking itself, as one that comes in by a listener of a kind: the same handlers, without a socket between. */
import { decodeResponse } from '../../protocol/compile.ts'
import { Errors, KafkaError } from '../../protocol/errors.ts'
import { decodeResponseHeader, encodeRequestFrame } from '../../protocol/header.ts'
import type { AnyApi, DecodedResponseOf, ListenerKind, RequestInputOf } from '../../protocol/schema.ts'
import type { Peer } from '../network/peer.ts'
import type { Dispatcher } from './dispatch.ts'

function self(kind: ListenerKind): Peer {
  return {
    connectionId: 0,
    listener: {
      name: '',
      securityProtocol: 'PLAINTEXT',
      advertisedHost: 'localhost',
      advertisedPort: 0,
      kind,
      privileged: true,
    },
    remoteAddress: '127.0.0.1',
    remotePort: 0,
    localPort: 0,
    principal: 'User:ANONYMOUS',
    softwareName: 'ottla',
    softwareVersion: 'unknown',
  }
}

const selves = { broker: self('broker'), controller: self('controller') }

const sizeBytes = 4

/**
 * Asks in the highest version that is served, up to `maxVersion`. The body makes the way over the wire's form, so a handler
 * meets what it would meet of any other node. Throws KafkaError UNSUPPORTED_VERSION for an API that is not served to controllers' peers.
 */
export async function loopback<A extends AnyApi>(
  dispatcher: Dispatcher,
  kind: ListenerKind,
  api: A,
  body: RequestInputOf<A>,
  maxVersion = Number.POSITIVE_INFINITY,
): Promise<DecodedResponseOf<A>> {
  const served = dispatcher.advertised(kind).find(({ apiKey }) => apiKey === api.key)
  if (served === undefined) throw new KafkaError(Errors.UNSUPPORTED_VERSION, `${api.name} is not served here`)
  const version = Math.min(served.maxVersion, maxVersion)
  const request = Buffer.concat(encodeRequestFrame(api, version, 0, 'loopback', body)).subarray(sizeBytes)
  const sent: (() => void)[] = []
  const answer = await dispatcher.serve(request, selves[kind], {
    release() {},
    whenSent: run => sent.push(run),
    throttle() {},
  })
  const frame = Buffer.concat(answer ?? []).subarray(sizeBytes)
  for (const run of sent) run()
  const { bodyOffset } = decodeResponseHeader(api, version, frame)
  return decodeResponse(api, version, frame, bodyOffset)
}
