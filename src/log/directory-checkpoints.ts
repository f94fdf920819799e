/**
 * The offset checkpoints of one log directory. What they hold of a log that has not been loaded is kept; what they hold
 * of one that was deleted must be gone before its name is used again.
 */
import type { Host } from '../host/host.ts'
import {
  cleanerCheckpoint,
  highWatermarkCheckpoint,
  logStartCheckpoint,
  OffsetCheckpoint,
  recoveryPointCheckpoint,
} from './checkpoints.ts'
import type { Log } from './log.ts'

export interface CheckpointedOffsets {
  /** Null where a checkpoint has nothing. */
  readonly recoveryPoint: number | null
  readonly logStartOffset: number | null
  readonly highWatermark: number | null
  /** Where compaction stopped. */
  readonly cleanedOffset: number | null
}

/** One checkpoint file and what it holds now. */
class Offsets {
  readonly #file: OffsetCheckpoint
  #stored = new Map<string, number>()
  /** Upper limits for logs that are being cut. */
  readonly #limits = new Map<string, number>()
  readonly #logs: ReadonlyMap<string, Log>
  readonly #offsetOf: (log: Log) => number | null

  constructor(file: OffsetCheckpoint, logs: ReadonlyMap<string, Log>, offsetOf: (log: Log) => number | null) {
    this.#file = file
    this.#logs = logs
    this.#offsetOf = offsetOf
  }

  async read(): Promise<void> {
    this.#stored = await this.#file.read()
  }

  of(name: string): number | null {
    return this.#stored.get(name) ?? null
  }

  /** Nothing is written when nothing changed. */
  async write(): Promise<void> {
    const offsets = new Map<string, number>()
    for (const [name, offset] of this.#stored) if (!this.#logs.has(name)) offsets.set(name, offset)
    for (const [name, log] of this.#logs) {
      const offset = log.isTrusted ? this.#offsetOf(log) : this.of(name)
      if (offset !== null) offsets.set(name, Math.min(offset, this.#limits.get(name) ?? Number.POSITIVE_INFINITY))
    }
    if (same(offsets, this.#stored)) return
    await this.#file.write(offsets)
    this.#stored = offsets
  }

  async forget(name: string): Promise<void> {
    if (!this.#stored.has(name)) return
    const offsets = new Map(this.#stored)
    offsets.delete(name)
    await this.#file.write(offsets)
    this.#stored = offsets
  }

  limit(name: string, offset: number): void {
    this.#limits.set(name, offset)
  }

  unlimit(name: string): void {
    this.#limits.delete(name)
  }
}

export class DirectoryCheckpoints {
  readonly #logs: ReadonlyMap<string, Log>
  readonly #recoveryPoints: Offsets
  readonly #logStarts: Offsets
  readonly #highWatermarks: Offsets
  readonly #cleaned: Offsets

  constructor(host: Host, directory: string, logs: ReadonlyMap<string, Log>) {
    const file = (name: string) => new OffsetCheckpoint(host, directory, name)
    this.#logs = logs
    this.#recoveryPoints = new Offsets(file(recoveryPointCheckpoint), logs, log => log.recoveryPoint)
    this.#logStarts = new Offsets(file(logStartCheckpoint), logs, log =>
      log.logStartOffset > log.firstSegmentOffset ? log.logStartOffset : null,
    )
    this.#highWatermarks = new Offsets(file(highWatermarkCheckpoint), logs, log => log.highWatermarkToKeep)
    this.#cleaned = new Offsets(file(cleanerCheckpoint), logs, log => log.compaction.cleanedOffset)
  }

  get #all(): Offsets[] {
    return [this.#recoveryPoints, this.#highWatermarks, this.#logStarts, this.#cleaned]
  }

  /** Throws DiskError. */
  async read(): Promise<void> {
    await Promise.all(this.#all.map(offsets => offsets.read()))
  }

  of(name: string): CheckpointedOffsets {
    return {
      recoveryPoint: this.#recoveryPoints.of(name),
      logStartOffset: this.#logStarts.of(name),
      highWatermark: this.#highWatermarks.of(name),
      cleanedOffset: this.#cleaned.of(name),
    }
  }

  /** Throws DiskError. */
  async writeRecoveryPoints(): Promise<void> {
    // Recovery starts at the recovery point, so the epochs before it must be in their file.
    for (const log of this.#logs.values()) if (!log.failure) await log.saveEpochs()
    await this.#recoveryPoints.write()
  }

  /** Throws DiskError. */
  writeLogStarts(): Promise<void> {
    return this.#logStarts.write()
  }

  /** Throws DiskError. */
  writeHighWatermarks(): Promise<void> {
    return this.#highWatermarks.write()
  }

  /** Throws DiskError. */
  writeCleaned(): Promise<void> {
    return this.#cleaned.write()
  }

  /** Throws DiskError. */
  async writeAll(): Promise<void> {
    await this.writeRecoveryPoints()
    await this.writeLogStarts()
    await this.writeHighWatermarks()
    await this.writeCleaned()
  }

  /**
   * No checkpoint claims more than `offset` of this log any more, durably, until the function that is returned has been
   * called. Throws DiskError.
   */
  async lower(log: { readonly topic: string; readonly partition: number }, offset: number): Promise<() => void> {
    const name = `${log.topic}-${log.partition}`
    const all = this.#all
    const unlimit = () => {
      for (const offsets of all) offsets.unlimit(name)
    }
    for (const offsets of all) offsets.limit(name, offset)
    try {
      for (const offsets of all) await offsets.write()
    } catch (error) {
      unlimit()
      throw error
    }
    return unlimit
  }

  /** A log of this name is gone. Throws DiskError. */
  async forget(name: string): Promise<void> {
    for (const offsets of this.#all) await offsets.forget(name)
  }
}

function same(a: ReadonlyMap<string, number>, b: ReadonlyMap<string, number>): boolean {
  if (a.size !== b.size) return false
  for (const [name, offset] of a) if (b.get(name) !== offset) return false
  return true
}
