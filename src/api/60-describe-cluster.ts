/**
 * DescribeCluster, versions 0-2.
 *
 * - Brokers with their addresses on the listener the client came in by, in the order of their ids.
 * - The controller id is that of a broker that is alive, since clients send controller requests there.
 * - v1 endpoint type: brokers are described on listeners of brokers, controllers on those of controllers; else
 *   MISMATCHED_ENDPOINT_TYPE, and UNSUPPORTED_ENDPOINT_TYPE for an unknown one. Controllers are those that have registered,
 *   and the controller id is that of the active one (KIP-919).
 * - v2 tells fenced brokers too when asked.
 * - While nothing restricts access, the authorized operations are all there are.
 */
import { Errors, KafkaError } from '../../protocol/errors.ts'
import { describeCluster } from '../../protocol/messages/60-describe-cluster.ts'
import type { ResponseOf } from '../../protocol/schema.ts'
import { allOperations, operationsNotAsked } from './authorized-operations.ts'
import { defineHandler } from './define.ts'
import { brokerEndpoint } from './leader-hint.ts'
import type { RequestContext } from './request.ts'

type DescribedNode = ResponseOf<typeof describeCluster>['brokers'][number]

const endpointTypeBroker = 1
const endpointTypeController = 2

export const handler = defineHandler(
  describeCluster,
  '0-2',
  (request, context) => {
    const { clusterId, nodeId, quorum } = context.broker
    const isController = context.peer.listener.kind === 'controller'
    checkEndpointType(request.endpointType, isController)
    return {
      errorCode: Errors.NONE,
      endpointType: request.endpointType,
      clusterId,
      controllerId: isController ? quorum.leaderId : nodeId,
      brokers: isController ? controllers(context) : brokers(context, request.includeFencedBrokers),
      clusterAuthorizedOperations: request.includeClusterAuthorizedOperations
        ? allOperations.cluster
        : operationsNotAsked,
    }
  },
  { listeners: ['broker', 'controller'] },
)

function checkEndpointType(endpointType: number, isController: boolean): void {
  if (endpointType !== endpointTypeBroker && endpointType !== endpointTypeController) {
    throw new KafkaError(Errors.UNSUPPORTED_ENDPOINT_TYPE, `endpoint type ${endpointType} does not exist`)
  }
  if (isController === (endpointType === endpointTypeController)) return
  const here = isController ? 'controllers, not brokers' : 'brokers, not controllers'
  throw new KafkaError(Errors.MISMATCHED_ENDPOINT_TYPE, `this listener describes ${here}`)
}

function brokers(context: RequestContext, includeFenced: boolean): DescribedNode[] {
  const { metadata } = context.broker
  return inOrder(metadata.brokers.values()).flatMap(({ id, fenced, rack, endpoints }) => {
    if (fenced && !includeFenced) return []
    const named = endpoints.find(({ name }) => name === context.peer.listener.name)
    const endpoint = fenced ? named : brokerEndpoint(context, id)
    return endpoint ? [{ brokerId: id, host: endpoint.host, port: endpoint.port, rack, isFenced: fenced }] : []
  })
}

function controllers(context: RequestContext): DescribedNode[] {
  return inOrder(context.broker.metadata.controllers.values()).flatMap(({ id, endpoints }) => {
    const endpoint = endpoints.find(({ name }) => name === context.peer.listener.name)
    return endpoint ? [{ brokerId: id, host: endpoint.host, port: endpoint.port, rack: null, isFenced: false }] : []
  })
}

function inOrder<T extends { readonly id: number }>(nodes: Iterable<T>): T[] {
  return [...nodes].sort((a, b) => a.id - b.id)
}
