/** What the parts of the controller decide with. */
import type { BrokerConfig } from '../config/broker.ts'
import type { Broker } from '../metadata/entities.ts'
import { elrFeature, metadataVersionFeature } from '../metadata/features.ts'
import type { MetadataRecord } from '../metadata/records.ts'
import type { MetadataState } from '../metadata/state.ts'
import type { ControllerTimers } from './events.ts'
import type { PartitionIndex } from './partition-index.ts'
import type { SessionChange, Sessions } from './sessions.ts'

/** A record of the metadata log, or a change of what is only kept in memory. */
export type ControllerRecord = MetadataRecord | SessionChange

export interface ControllerContext {
  /** Everything written so far, committed or not. */
  readonly state: MetadataState
  readonly index: PartitionIndex
  readonly sessions: Sessions
  readonly config: BrokerConfig
  readonly clusterId: string
  readonly random: { below(n: number): number; uuid(): string }
  /** Monotonic milliseconds. */
  readonly monotonicMs: number
  /** The offset that the next record will get. */
  nextOffset(): number
}

/** What a part of the controller decided: records to write, and the answer once they are committed. */
export interface Decision<Answer, Rec = ControllerRecord> {
  readonly records: readonly Rec[]
  readonly answer: Answer
  readonly timers?: ControllerTimers
  /** Right at every step: may be written as several batches. */
  readonly divisible?: boolean
}

/** Partitions or records that one request may make, as in Kafka: it becomes one batch of the log. */
export const recordsPerRequestMax = 10_000

export function metadataVersionOf(state: MetadataState): number {
  return state.features.get(metadataVersionFeature) ?? 0
}

export function tracksElr(state: MetadataState): boolean {
  return (state.features.get(elrFeature) ?? 0) > 0
}

/** Whether a broker may lead and be in sync: it takes clients, and is not about to stop. */
export function isActive(broker: Broker | undefined): boolean {
  return broker !== undefined && !broker.fenced && !broker.inControlledShutdown
}
