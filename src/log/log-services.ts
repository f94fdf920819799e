/** What all logs of one log directory share. */
import type { Host } from '../host/host.ts'
import type { BufferPool } from '../lib/buffer-pool.ts'
import type { LogDirectory } from './directory.ts'
import type { IndexCache } from './index-cache.ts'
import type { LogLimits } from './limits.ts'
import type { OpenFiles } from './open-files.ts'
import type { SpaceGuard } from './space-guard.ts'
import type { TailCacheBudget } from './tail-cache.ts'

export interface LogServices {
  readonly host: Host
  readonly limits: LogLimits
  readonly files: OpenFiles
  readonly tailBudget: TailCacheBudget
  readonly indexes: IndexCache
  readonly readBuffers: BufferPool
  /** Where a failure goes that ends the use of the whole directory. */
  readonly directory: LogDirectory
  readonly space: SpaceGuard
  /** Producers without activity for this long are forgotten, milliseconds. */
  readonly producerIdExpirationMs: () => number
  /**
   * The log is about to be cut: before a byte goes, no checkpoint may claim more than `offset`. Otherwise a crash after
   * later appends would take their torn tail for damage to old data. The function that is returned ends this, once the
   * log itself is shorter. Rejects with DiskError.
   */
  lowerCheckpoints(log: CheckpointedLog, offset: number): Promise<() => void>
  /** Log start offsets of all logs in the directory are durable when it resolves. Rejects with DiskError. */
  saveLogStarts(): Promise<void>
  /** What was read of the log makes no sense: it is to be scrubbed before others. */
  suspect(log: CheckpointedLog): void
  /** The same of recovery points, and of leader epochs. */
  saveRecoveryPoints(): Promise<void>
  /** Removes files that are out of use, after a delay; never fails. */
  removeLater(path: string, delayMs: number): void
}

/** What the checkpoints of a directory need of a log. */
export interface CheckpointedLog {
  readonly topic: string
  readonly partition: number
}
