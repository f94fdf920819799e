import type { ClientTraits } from '../telemetry/subscriptions.ts'
import type { RequestContext } from './request.ts'

/** What telemetry subscriptions go by, of the client that asks. */
export function traitsOf(clientInstanceId: string, { clientId, peer }: RequestContext): ClientTraits {
  return {
    client_instance_id: clientInstanceId,
    client_id: clientId,
    client_software_name: peer.softwareName,
    client_software_version: peer.softwareVersion,
    client_source_address: peer.remoteAddress,
    client_source_port: String(peer.remotePort),
  }
}
