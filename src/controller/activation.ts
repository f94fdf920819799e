/** What a node does first when it becomes the active controller. */
import type { MetadataRecord } from '../metadata/records.ts'
import { bootstrap } from './bootstrap.ts'
import { type ControllerContext, type ControllerRecord, isActive } from './context.ts'
import { balanceTimer, uncleanTimer } from './elections.ts'
import type { ControllerTimers } from './events.ts'
import { sessionTimer } from './heartbeats.ts'
import { PartitionChanges } from './partition-changes.ts'

export interface Activation {
  readonly records: readonly ControllerRecord[]
  readonly timers: ControllerTimers
}

/**
 * Ends a transaction that the controller before left open, writes what a new cluster begins with, finishes what was
 * written by half, and gives every broker a whole session: it must find the new controller first.
 */
export function activate(context: ControllerContext, bootstrapRecords: readonly MetadataRecord[]): Activation {
  const { state, monotonicMs } = context
  const records: ControllerRecord[] = []
  let timers: ControllerTimers = { ...balanceTimer(context), ...uncleanTimer(context) }
  if (state.inTransaction) {
    records.push({ kind: 'abortTransaction', version: 0, value: { reason: 'the controller changed' } })
  }
  records.push(...bootstrap(context, bootstrapRecords), ...unfinished(context))
  for (const { id, epoch } of state.brokers.values()) {
    const session = {
      brokerEpoch: epoch,
      contactMs: monotonicMs,
      metadataOffset: -1,
      shutdownOffset: -1,
      heard: false,
    }
    records.push({ kind: 'session', brokerId: id, session })
    timers = { ...timers, ...sessionTimer(context, id, epoch) }
  }
  return { records, timers }
}

/** A broker that went or came may have been written in several batches, of which the last are missing. */
function unfinished(context: ControllerContext): readonly MetadataRecord[] {
  const { state, index } = context
  const changes = new PartitionChanges(context)
  for (const broker of state.brokers.values()) {
    if (!isActive(broker)) changes.withdraw(index.inSync(broker.id), broker.id)
  }
  changes.reconsider(index.leaderless)
  return changes.records
}
