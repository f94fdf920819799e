/** Making derived data again from the batches: producer state by replay, indexes of closed segments by a scan. */
import {
  baseOffset,
  batchBytes,
  hasProducerId,
  largestRecordTimestamp,
  lastOffset,
} from '../../protocol/records/batch.ts'
import { producerBatchOf } from './append-checks.ts'
import type { LogConfig } from './log-config.ts'
import type { LogServices } from './log-services.ts'
import type { ProducerSnapshots } from './producer-snapshot.ts'
import { ProducerState } from './producer-state.ts'
import { Segment } from './segment.ts'
import { scanReadable } from './segment-scan.ts'
import type { AbortedTransaction } from './transaction-index.ts'

/** Takes one batch that lies in the log into producer state; the transaction that it aborted, if it did. */
export function replayBatch(state: ProducerState, buffer: Buffer, at: number): AbortedTransaction | null {
  if (!hasProducerId(buffer, at)) return null
  const batch = producerBatchOf(buffer, at)
  if (batch === null) return null
  const completed = state.apply(batch, baseOffset(buffer, at), lastOffset(buffer, at), batch.maxTimestampMs)
  if (completed === null || !completed.aborted) return null
  const { producerId, firstOffset, lastOffset: markerOffset } = completed
  return { producerId, firstOffset, lastOffset: markerOffset, lastStableOffset: state.lastStableOffsetAfter(completed) }
}

/**
 * Brings `state` to what it was when the log ended at `offset`: the newest snapshot that is not after it, and the batches
 * since. Throws DiskError.
 */
export async function restoreProducers(
  services: LogServices,
  segments: readonly Segment[],
  snapshots: ProducerSnapshots,
  offset: number,
  state: ProducerState,
): Promise<void> {
  const snapshot = await snapshots.newestUpTo(offset)
  state.reset(snapshot?.entries ?? [])
  const from = snapshot?.offset ?? 0
  for (const segment of segments) {
    if (segment.nextOffset <= from || segment.baseOffset >= offset || segment.sizeBytes === 0) continue
    await segment.file.with(file =>
      scanReadable(file, segment.corrupt, {
        from: segment.offsetIndex?.floorPosition(from) ?? 0,
        to: segment.sizeBytes,
        fromOffset: segment.baseOffset,
        checksums: false,
        scanBytes: services.limits.scanBytes,
        visit(buffer, at) {
          if (baseOffset(buffer, at) >= offset) return false
          if (lastOffset(buffer, at) >= from) replayBatch(state, buffer, at)
          return true
        },
      }),
    )
  }
}

/** Makes the indexes of a closed segment again, in memory. Throws DiskError. */
export async function rebuildIndexes(
  services: LogServices,
  segments: readonly Segment[],
  snapshots: ProducerSnapshots,
  segment: Segment,
  config: LogConfig,
): Promise<void> {
  services.host.log.warn({ path: segment.file.path }, 'indexes are absent or damaged: rebuilding them')
  const state = new ProducerState()
  await restoreProducers(services, segments, snapshots, segment.baseOffset, state)
  // Into another object, so that readers never see a half-made index.
  const made = new Segment(segment.baseOffset, segment.file, segment.createdMs, segment.jitterMs)
  const aborted: AbortedTransaction[] = []
  await segment.file.with(file =>
    scanReadable(file, segment.corrupt, {
      from: 0,
      to: segment.sizeBytes,
      fromOffset: segment.baseOffset,
      checksums: false,
      scanBytes: services.limits.scanBytes,
      visit(buffer, at, position) {
        if (position !== made.sizeBytes) made.noteGap(position, lastOffset(buffer, at))
        const ended = replayBatch(state, buffer, at)
        if (ended) aborted.push(ended)
        made.noteBatch(
          lastOffset(buffer, at),
          largestRecordTimestamp(buffer, at),
          batchBytes(buffer, at),
          config.indexIntervalBytes,
        )
        return true
      },
    }),
  )
  segment.offsetIndex = made.offsetIndex
  segment.timeIndex = made.timeIndex
  segment.aborted = aborted
  segment.maxTimestamp = made.maxTimestamp
  segment.maxTimestampOffset = made.maxTimestampOffset
}
