/**
 * ListConfigResources, versions 0-1.
 *
 * - v0, once ListClientMetricsResources: the names of all client metrics subscriptions.
 * - v1 (KIP-1142): topics, brokers, brokers as loggers, client metrics subscriptions, and groups that have settings of their
 *   own; all of them, or those of the types asked for. Another type is UNSUPPORTED_VERSION.
 */
import { Errors, KafkaError } from '../../protocol/errors.ts'
import { listConfigResources } from '../../protocol/messages/74-list-config-resources.ts'
import { resourceTypes } from '../config/effective.ts'
import type { MetadataState } from '../metadata/state.ts'
import { defineHandler } from './define.ts'

type NamesOf = (metadata: MetadataState) => Iterable<string>

const brokerIds: NamesOf = ({ brokers }) => [...brokers.keys()].map(String)
const clientMetrics: NamesOf = metadata => metadata.resourcesWithConfigs(resourceTypes.clientMetrics)

const listings = new Map<number, NamesOf>([
  [resourceTypes.topic, ({ topics }) => topics.keys()],
  [resourceTypes.broker, brokerIds],
  [resourceTypes.brokerLogger, brokerIds],
  [resourceTypes.clientMetrics, clientMetrics],
  [resourceTypes.group, metadata => metadata.resourcesWithConfigs(resourceTypes.group)],
])

export const handler = defineHandler(listConfigResources, '0-1', (request, { version, broker: { metadata } }) => {
  const asked = version === 0 ? [resourceTypes.clientMetrics] : [...new Set(request.resourceTypes)]
  const types = asked.length > 0 ? asked : [...listings.keys()]
  const configResources = types.flatMap(resourceType => {
    const listing = listings.get(resourceType)
    if (!listing) throw new KafkaError(Errors.UNSUPPORTED_VERSION)
    return [...listing(metadata)].map(resourceName => ({ resourceType, resourceName }))
  })
  return { errorCode: Errors.NONE, configResources }
})
