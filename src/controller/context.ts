/** What the parts of the controller decide with. */
import type { BrokerConfig } from '../config/broker.ts'
import { metadataVersionFeature } from '../metadata/features.ts'
import type { MetadataRecord } from '../metadata/records.ts'
import type { MetadataState } from '../metadata/state.ts'

export interface ControllerContext {
  /** Everything written so far, committed or not. */
  readonly state: MetadataState
  readonly config: BrokerConfig
  readonly random: { below(n: number): number; uuid(): string }
  /** The offset that the next record will get. */
  nextOffset(): number
}

/** What a part of the controller decided: records to write, and the answer once they are committed. */
export interface Decision<Answer> {
  readonly records: readonly MetadataRecord[]
  readonly answer: Answer
}

/** Partitions or records that one request may make, as in Kafka: it becomes one batch of the log. */
export const recordsPerRequestMax = 10_000

export function metadataVersionOf(state: MetadataState): number {
  return state.features.get(metadataVersionFeature) ?? 0
}
