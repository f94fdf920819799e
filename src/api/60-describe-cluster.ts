/**
 * DescribeCluster, versions 0-2.
 *
 * - Brokers with their addresses on the listener the client came in by, in the order of their ids.
 * - The controller id is that of a broker that is alive, since clients send controller requests there.
 * - v1 endpoint type: UNSUPPORTED_ENDPOINT_TYPE for an unknown one, MISMATCHED_ENDPOINT_TYPE for controllers, which are not
 *   described on a client listener. v2 tells fenced brokers too when asked.
 * - While nothing restricts access, the authorized operations are all there are.
 */
import { Errors, KafkaError } from '../../protocol/errors.ts'
import { describeCluster } from '../../protocol/messages/60-describe-cluster.ts'
import { allOperations, operationsNotAsked } from './authorized-operations.ts'
import { defineHandler } from './define.ts'
import { brokerEndpoint } from './leader-hint.ts'

const endpointTypeBroker = 1
const endpointTypeController = 2

export const handler = defineHandler(describeCluster, '0-2', (request, context) => {
  const { endpointType, includeFencedBrokers, includeClusterAuthorizedOperations } = request
  if (endpointType === endpointTypeController) {
    throw new KafkaError(Errors.MISMATCHED_ENDPOINT_TYPE, 'this listener describes brokers, not controllers')
  }
  if (endpointType !== endpointTypeBroker) {
    throw new KafkaError(Errors.UNSUPPORTED_ENDPOINT_TYPE, `endpoint type ${endpointType} does not exist`)
  }
  const { metadata, clusterId, nodeId } = context.broker
  const brokers = []
  for (const { id, fenced, rack, endpoints } of [...metadata.brokers.values()].sort((a, b) => a.id - b.id)) {
    if (fenced && !includeFencedBrokers) continue
    const named = endpoints.find(({ name }) => name === context.peer.listener.name)
    const endpoint = fenced ? named : brokerEndpoint(context, id)
    if (!endpoint) continue
    brokers.push({ brokerId: id, host: endpoint.host, port: endpoint.port, rack, isFenced: fenced })
  }
  return {
    errorCode: Errors.NONE,
    clusterId,
    controllerId: nodeId,
    brokers,
    clusterAuthorizedOperations: includeClusterAuthorizedOperations ? allOperations.cluster : operationsNotAsked,
  }
})
