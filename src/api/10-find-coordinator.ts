/**
 * FindCoordinator, versions 0-6.
 *
 * - Key type 0, groups, and 1, transactional ids. The topic that holds their state is created when the first one asks, and
 *   the same answer already names the coordinator; COORDINATOR_NOT_AVAILABLE while the topic cannot be created or its
 *   partition has no leader.
 * - v1 key types; share partitions (2) have no coordinator here: INVALID_REQUEST.
 * - v4 many keys at once.
 */
import { Errors, type KafkaError } from '../../protocol/errors.ts'
import { findCoordinator } from '../../protocol/messages/10-find-coordinator.ts'
import type { RequestOf, ResponseOf } from '../../protocol/schema.ts'
import { defineHandler } from './define.ts'
import { brokerEndpoint } from './leader-hint.ts'
import type { RequestContext } from './request.ts'

type Request = RequestOf<typeof findCoordinator>
type Response = ResponseOf<typeof findCoordinator>
type Coordinator = Response['coordinators'][number]

const manyKeysFrom = 4
const groupKeyType = 0
const transactionKeyType = 1

export const handler = defineHandler(
  findCoordinator,
  '0-6',
  async (request, context) => {
    const keys = keysOf(request, context.version)
    const { coordinators, transactions } = context.broker
    if (request.keyType === groupKeyType) {
      const error = await coordinators.ensureOffsetsTopic()
      const find = (key: string) => locate(key, error, coordinators.coordinatorOfGroup(key), context)
      return respond(keys.map(find), context.version)
    }
    if (request.keyType === transactionKeyType) {
      const error = await transactions.ensureTopic()
      const find = (key: string) =>
        key === ''
          ? nowhere(key, Errors.INVALID_REQUEST, 'a transactional id is not empty')
          : locate(key, error, transactions.coordinatorOf(key), context)
      return respond(keys.map(find), context.version)
    }
    const message = `coordinators of key type ${request.keyType} are not served`
    return respond(
      keys.map(key => nowhere(key, Errors.INVALID_REQUEST, message)),
      context.version,
    )
  },
  {
    failed: (request, error: KafkaError, { version }) =>
      respond(
        keysOf(request, version).map(key => nowhere(key, error.code, error.detail)),
        version,
      ),
  },
)

function keysOf(request: Request, version: number): readonly string[] {
  return version >= manyKeysFrom ? request.coordinatorKeys : [request.key]
}

function locate(key: string, error: number, brokerId: number, context: RequestContext): Coordinator {
  if (error !== Errors.NONE) {
    return nowhere(key, Errors.COORDINATOR_NOT_AVAILABLE, 'the topic of its state could not be created')
  }
  const endpoint = brokerEndpoint(context, brokerId)
  if (!endpoint) return nowhere(key, Errors.COORDINATOR_NOT_AVAILABLE, 'the coordinator is not available')
  const { nodeId, host, port } = endpoint
  return { key, nodeId, host, port, errorCode: Errors.NONE, errorMessage: null }
}

function nowhere(key: string, errorCode: number, errorMessage: string | null): Coordinator {
  return { key, nodeId: -1, host: '', port: -1, errorCode, errorMessage }
}

function respond(coordinators: Coordinator[], version: number): Response {
  if (version >= manyKeysFrom) return { ...withoutKey(nowhere('', Errors.NONE, null)), coordinators }
  return { ...withoutKey(coordinators[0]), coordinators: [] }
}

/** Up to version 3 the answer itself is the one coordinator. */
function withoutKey({ nodeId, host, port, errorCode, errorMessage }: Coordinator) {
  return { nodeId, host, port, errorCode, errorMessage }
}
