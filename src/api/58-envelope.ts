/**
 * Envelope, version 0.
 *
 * - A broker passes on what a client asked: the request as it came, whose it is, and from which address. Served on the
 *   listeners of controllers; answered with the answer as the client gets it.
 * - Only what brokers forward may be inside (INVALID_REQUEST), in a version that is served here (UNSUPPORTED_VERSION).
 * - An unreadable principal is PRINCIPAL_DESERIALIZATION_FAILURE, an address of another length INVALID_REQUEST.
 * - When this node is not the active controller, or stopped to be it before the answer, the whole is NOT_CONTROLLER: the
 *   broker looks for the controller and asks again.
 * - Left out: v0 the check of cluster permissions, since requests are not authorized.
 */
import { Errors, KafkaError } from '../../protocol/errors.ts'
import { envelope } from '../../protocol/messages/58-envelope.ts'
import { ParseError } from '../../protocol/reader.ts'
import { decodeVersioned } from '../../protocol/stored/framing.ts'
import { defaultPrincipalData } from '../../protocol/stored/principal.ts'
import { addressText } from '../lib/address-bytes.ts'
import { defineHandler } from './define.ts'

export const handler = defineHandler(
  envelope,
  '0',
  async (request, context) => {
    // What others forward need not wait for this.
    context.release()
    const remoteAddress = addressText(request.clientHostAddress)
    if (remoteAddress === null) throw new KafkaError(Errors.INVALID_REQUEST)
    const peer = { ...context.peer, principal: principalOf(request.requestPrincipal), remoteAddress }
    const responseData = await context.serveForwarded(request.requestData, peer)
    return { responseData, errorCode: Errors.NONE }
  },
  { listeners: ['controller'], failed: (_request, error) => ({ responseData: null, errorCode: error.code }) },
)

function principalOf(bytes: Buffer | null): string {
  if (bytes === null) throw new KafkaError(Errors.PRINCIPAL_DESERIALIZATION_FAILURE)
  try {
    const { type, name } = decodeVersioned(defaultPrincipalData, bytes)
    return `${type}:${name}`
  } catch (error) {
    if (!(error instanceof ParseError)) throw error
    throw new KafkaError(Errors.PRINCIPAL_DESERIALIZATION_FAILURE)
  }
}
