/** The quotas of clients, as the metadata of the cluster says them now. */
import type { BrokerConfig } from '../config/broker.ts'
import type { MetadataState } from '../metadata/state.ts'
import { ClientQuota } from './client-quota.ts'
import { MutationQuota } from './mutation-quota.ts'

export class ClientQuotas {
  /** Bytes that producers send. */
  readonly produce: ClientQuota
  /** Bytes that consumers are given. */
  readonly fetch: ClientQuota
  /** Time of the event loop: 100 is all of it. */
  readonly request: ClientQuota
  /** Partitions created and deleted. */
  readonly mutation: MutationQuota

  constructor(config: BrokerConfig, metadata: Pick<MetadataState, 'quotas' | 'listen'>) {
    const window = { samples: config.quotaWindowNum, sampleMs: config.quotaWindowSizeSeconds * 1000 }
    this.produce = new ClientQuota({ key: 'producer_byte_rate', window })
    this.fetch = new ClientQuota({ key: 'consumer_byte_rate', window })
    this.request = new ClientQuota({ key: 'request_percentage', window, throttleMsMax: window.sampleMs })
    this.mutation = new MutationQuota({
      samples: config.controllerQuotaWindowNum,
      sampleMs: config.controllerQuotaWindowSizeSeconds * 1000,
    })
    const update = () => {
      const quotas = [...metadata.quotas.values()]
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
