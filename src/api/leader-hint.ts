/** Who leads a partition and where to find them, for answers that send a client on (KIP-951). */
import type { Peer } from '../network/peer.ts'
import type { RequestContext } from './request.ts'

export interface LeaderHint {
  leaderId: number
  leaderEpoch: number
}

export interface BrokerEndpoint {
  nodeId: number
  host: string
  port: number
  rack: string | null
}

/** The leader that metadata knows of; -1, -1 when it knows none. */
export function leaderHint(context: RequestContext, topic: string, index: number): LeaderHint {
  const partition = context.broker.metadata.partition(topic, index)
  return { leaderId: partition?.leader ?? -1, leaderEpoch: partition?.leaderEpoch ?? -1 }
}

/** Endpoints of the named brokers on the listener that the client came in by; those without one are left out. */
export function nodeEndpoints(context: RequestContext, brokerIds: readonly number[]): BrokerEndpoint[] {
  return [...new Set(brokerIds)].flatMap(id => brokerEndpoint(context, id) ?? [])
}

/**
 * Where a client of this listener reaches a broker; null when that broker is fenced or has no such listener. For this
 * broker itself the listener knows best (a port of 0 is settled there).
 */
export function brokerEndpoint(context: RequestContext, brokerId: number): BrokerEndpoint | null {
  const broker = context.broker.metadata.brokers.get(brokerId)
  if (!broker || broker.fenced) return null
  const { listener }: Peer = context.peer
  if (brokerId === context.broker.nodeId) {
    return { nodeId: brokerId, host: listener.advertisedHost, port: listener.advertisedPort, rack: broker.rack }
  }
  const endpoint = broker.endpoints.find(({ name }) => name === listener.name)
  return endpoint ? { nodeId: brokerId, host: endpoint.host, port: endpoint.port, rack: broker.rack } : null
}
