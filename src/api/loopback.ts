/** This node asking its own controller: the same handlers, without a socket between. */
import { decodeResponse } from '../../protocol/compile.ts'
import { Errors, KafkaError } from '../../protocol/errors.ts'
import { decodeResponseHeader, encodeRequestFrame } from '../../protocol/header.ts'
import type { AnyApi, DecodedResponseOf, RequestInputOf } from '../../protocol/schema.ts'
import type { Serve } from '../network/connection.ts'
import type { ListenerIdentity, Peer } from '../network/peer.ts'
import type { AdvertisedApi } from './request.ts'

const listener: ListenerIdentity = {
  name: '',
  securityProtocol: 'PLAINTEXT',
  advertisedHost: 'localhost',
  advertisedPort: 0,
  kind: 'controller',
  privileged: true,
}

const self: Peer = {
  connectionId: 0,
  listener,
  remoteAddress: '127.0.0.1',
  remotePort: 0,
  localPort: 0,
  principal: 'User:ANONYMOUS',
  softwareName: 'ottla',
  softwareVersion: 'unknown',
}

const sizeBytes = 4

/**
 * Asks in the highest version that is served. The body makes the way over the wire's form, so a handler meets what it would
 * meet of any other node. Throws KafkaError UNSUPPORTED_VERSION for an API that is not served to controllers' peers.
 */
export async function loopback<A extends AnyApi>(
  serve: Serve,
  advertised: readonly AdvertisedApi[],
  api: A,
  body: RequestInputOf<A>,
): Promise<DecodedResponseOf<A>> {
  const version = advertised.find(({ apiKey }) => apiKey === api.key)?.maxVersion
  if (version === undefined) throw new KafkaError(Errors.UNSUPPORTED_VERSION, `${api.name} is not served here`)
  const request = Buffer.concat(encodeRequestFrame(api, version, 0, 'loopback', body)).subarray(sizeBytes)
  const sent: (() => void)[] = []
  const answer = await serve(request, self, { release() {}, whenSent: run => sent.push(run) })
  const frame = Buffer.concat(answer ?? []).subarray(sizeBytes)
  for (const run of sent) run()
  const { bodyOffset } = decodeResponseHeader(api, version, frame)
  return decodeResponse(api, version, frame, bodyOffset)
}
