/** What goes into a log and what comes back: the words that `log.ts` and those around it share. */
import type { LeaderEpochs } from './leader-epochs.ts'
import type { LogConfig } from './log-config.ts'
import type { LogServices } from './log-services.ts'
import type { ProducerSnapshots } from './producer-snapshot.ts'
import type { AppendOrigin, ProducerState } from './producer-state.ts'
import type { SegmentList } from './segments.ts'

export interface AppendOptions {
  /** The epoch in which this broker leads the partition; written into the batch. */
  readonly leaderEpoch: number
  /** `replication` is not for `append` but for `appendAsFollower`. */
  readonly origin: Exclude<AppendOrigin, 'replication'>
  /** Version of the Produce request; any for the broker's own batches. */
  readonly requestVersion: number
  /** Level of the feature `transaction.version` that a marker is written under; 0 unless given. */
  readonly transactionVersion?: number
  /** See CheckOptions of producer-state.ts. */
  readonly verificationGuard?: symbol | null
}

export interface AppendInfo {
  readonly firstOffset: number
  readonly lastOffset: number
  /** Milliseconds; -1 when the records keep the timestamps of their producer. */
  readonly logAppendTimeMs: number
  readonly logStartOffset: number
  /** The batch was appended before, at these offsets; nothing was appended now. */
  readonly duplicate: boolean
}

/** What opening or recovering a log found (log-loader.ts). */
export interface LogState {
  readonly topic: string
  readonly partition: number
  readonly topicId: string
  /** Path of the partition's directory. */
  readonly directory: string
  readonly config: LogConfig
  readonly services: LogServices
  readonly segments: SegmentList
  readonly epochs: LeaderEpochs
  readonly producers: ProducerState
  readonly snapshots: ProducerSnapshots
  readonly logStartOffset: number
  readonly logEndOffset: number
  readonly highWatermark: number
  /** Offsets below were compacted; null when none were. */
  readonly cleanedOffset: number | null
}
