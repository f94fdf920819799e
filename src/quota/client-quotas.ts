/** The quotas of clients, as the metadata of the cluster says them now. */
import type { BrokerConfig } from '../config/broker.ts'
import type { RateWindow } from '../lib/windowed-rate.ts'
import type { MetadataState } from '../metadata/state.ts'
import { ClientQuota } from './client-quota.ts'
import { MutationQuota } from './mutation-quota.ts'
import { QuotaLimits } from './quota-limits.ts'

export class ClientQuotas {
  /** Bytes that producers send. */
  readonly produce: ClientQuota
  /** Bytes that consumers are given. */
  readonly fetch: ClientQuota
  /** Time of the event loop: 100 is all of it. */
  readonly request: ClientQuota
  /** Partitions created and deleted. */
  readonly mutation: MutationQuota
  /** Connections a second of single addresses. */
  readonly connections = new QuotaLimits('connection_creation_rate')

  /** Of single addresses, for those who let connections in. */
  readonly connectionRates: { readonly window: RateWindow; ofAddress(address: string): number | null }

  constructor(config: BrokerConfig, metadata: Pick<MetadataState, 'quotas' | 'listen'>) {
    const window = { samples: config.quotaWindowNum, sampleMs: config.quotaWindowSizeSeconds * 1000 }
    this.produce = new ClientQuota({ key: 'producer_byte_rate', window })
    this.fetch = new ClientQuota({ key: 'consumer_byte_rate', window })
    this.request = new ClientQuota({ key: 'request_percentage', window, throttleMsMax: window.sampleMs })
    this.mutation = new MutationQuota({
      samples: config.controllerQuotaWindowNum,
      sampleMs: config.controllerQuotaWindowSizeSeconds * 1000,
    })
    this.connectionRates = { window, ofAddress: address => this.connections.ofAddress(address)?.limit ?? null }
    const update = () => {
      const quotas = [...metadata.quotas.values()]
      this.connections.replace(quotas)
      for (const quota of [this.produce, this.fetch, this.request, this.mutation]) quota.update(quotas)
    }
    update()
    metadata.listen({ quotaChanged: update })
  }
}

/** Time of the event loop as a quota counts it. */
export function percentageOf(spentMs: number): number {
  return spentMs / 10
}
