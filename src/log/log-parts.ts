/** What a log is made of, for those parts of it that work on the others. */
import type { LogReader } from './log-reader.ts'
import type { LogState } from './log-state.ts'
import type { SegmentStore } from './segment-store.ts'
import type { TailCache } from './tail-cache.ts'

export interface LogParts {
  readonly state: LogState
  readonly store: SegmentStore
  readonly reader: LogReader
  readonly tail: TailCache
}
