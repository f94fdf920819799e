import type { Clock } from '../host/host.ts'
import type { Partition } from './partition.ts'

/**
 * Of a partition that takes no writes any more: those that it took are durable, and committed if that happens before the
 * deadline. Rejects with KafkaError KAFKA_STORAGE_ERROR.
 */
export async function drained(
  { log, isLeader, highWatermark }: Partition,
  clock: Clock,
  timeoutMs: number,
): Promise<void> {
  await log.flush()
  if (!isLeader) return
  await new Promise<void>(resolve => {
    const cancel = clock.after(timeoutMs, () => {
      waiter.cancel()
      resolve()
    })
    const waiter = highWatermark.reached(log.logEndOffset, () => {
      cancel()
      resolve()
    })
  })
}
