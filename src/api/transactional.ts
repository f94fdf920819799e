/** What the requests of transactional producers have in common. */
import { type ErrorCode, Errors } from '../../protocol/errors.ts'
import { CloseConnection } from '../network/peer.ts'

/** Clients of versions before `knownFrom` know a fenced producer by an older name. */
export function fencedCode(errorCode: ErrorCode, version: number, knownFrom: number): ErrorCode {
  return errorCode === Errors.PRODUCER_FENCED && version < knownFrom ? Errors.INVALID_PRODUCER_EPOCH : errorCode
}

/** The first version of AddPartitionsToTxn, AddOffsetsToTxn and EndTxn whose clients know PRODUCER_FENCED. */
export const producerFencedFrom = 2

/**
 * The client has given this connection up and asked again by another. If it still reads here, which no client known to us
 * does, a closed connection has it start over.
 */
export function refuseLate(apiName: string): never {
  throw new CloseConnection(`${apiName} of a producer that has moved to a newer connection`)
}
