/** Tells the log how the brokers of the cluster fare, as the active controller sees it. */
import type { Logger } from '../host/host.ts'
import type { Broker } from '../metadata/entities.ts'
import type { MetadataState } from '../metadata/state.ts'

export function watchBrokers(state: MetadataState, log: Logger): void {
  const known = new Map(state.brokers)
  state.listen({
    brokerChanged: (brokerId, broker) => {
      const before = known.get(brokerId)
      if (broker) known.set(brokerId, broker)
      else known.delete(brokerId)
      const what = difference(before, broker)
      if (what) log.info({ brokerId, brokerEpoch: broker?.epoch ?? before?.epoch }, what)
    },
  })
}

function difference(before: Broker | undefined, after: Broker | null): string | null {
  if (!after) return 'broker unregistered'
  if (before?.epoch !== after.epoch) return 'broker registered'
  if (before.fenced !== after.fenced) return after.fenced ? 'broker fenced' : 'broker unfenced'
  if (!before.inControlledShutdown && after.inControlledShutdown) return 'broker in controlled shutdown'
  return null
}
