/**
 * Looks for damage in the segments of one log while it is in use, and mends it with bytes that somebody else has of it.
 *
 * A start after a clean shutdown believes the files, and a disk changes bytes whenever it likes. So every batch's checksum
 * is verified in the background. What is found damaged is treated as recovery treats it (recovery.ts): the range is
 * reported, remembered in `corrupt-ranges` and refused to readers; what lies around it is served.
 *
 * Meanwhile the log goes on: it is appended to, cut, its old segments go. Whatever was read before a cut proves nothing.
 */
import { Errors, KafkaError } from '../../protocol/errors.ts'
import { baseOffset, batchBytes, checkBatch, lastOffset } from '../../protocol/records/batch.ts'
import { DiskError } from '../host/host.ts'
import { DamageScan } from './damage.ts'
import type { LogProgress } from './log-progress.ts'
import type { LogState } from './log-state.ts'
import type { CorruptRange, Segment } from './segment.ts'
import { type ScannedFile, scanBatches } from './segment-scan.ts'
import type { SegmentStore } from './segment-store.ts'
import { ignoreFull } from './storage-errors.ts'
import type { WriteLoop } from './write-loop.ts'

/** Holds a scan back so that it disturbs nobody. */
export interface Pace {
  /** Resolves when so many bytes may be read. */
  take(bytes: number): Promise<void>
  /** The scan is to end. */
  readonly stopped: boolean
}

/** What became of an attempt to mend. `differs`: the bytes do not fit where the damaged ones lie. */
export type Mending = 'mended' | 'differs' | 'gone' | 'later'

/** How often a segment is read again because it changed meanwhile. */
const attemptsMax = 3
const mendingPauseMs = 100

export class LogScrub {
  /** Whether others hold the same records: then damage is mended, and readers are told to ask again. */
  isMendable = false
  readonly #log: Pick<LogState, 'topic' | 'partition' | 'services' | 'segments' | 'epochs'>
  readonly #store: SegmentStore
  readonly #progress: LogProgress
  readonly #loop: WriteLoop
  #cuts = 0
  #cutting = 0

  constructor(log: LogState, store: SegmentStore, progress: LogProgress, loop: WriteLoop) {
    const { topic, partition, services, segments, epochs } = log
    this.#log = { topic, partition, services, segments, epochs }
    this.#store = store
    this.#progress = progress
    this.#loop = loop
  }

  /** Something that a reader got makes no sense: the log is scrubbed soon. */
  suspect(): void {
    this.#log.services.suspect(this.#log)
  }

  /** After a moment: whether a read that failed like this is worth another attempt. */
  async mayBeMended(error: unknown): Promise<boolean> {
    const isDamage = error instanceof KafkaError && error.code === Errors.KAFKA_STORAGE_ERROR
    if (!isDamage || !this.isMendable || this.#progress.failure !== null) return false
    const { clock } = this.#log.services.host
    await new Promise<void>(resolve => clock.after(mendingPauseMs, resolve))
    return this.#progress.failure === null
  }

  /** Bytes of the log go while `cut` runs. */
  async cutting<T>(cut: () => Promise<T>): Promise<T> {
    this.#cuts++
    this.#cutting++
    try {
      return await cut()
    } finally {
      this.#cuts++
      this.#cutting--
    }
  }

  /** Verifies the checksums of all that is synced. The damage that it found. Rejects with DiskError. */
  async run(pace: Pace): Promise<CorruptRange[]> {
    const found: CorruptRange[] = []
    for (const segment of [...this.#log.segments.all]) {
      if (pace.stopped) break
      found.push(...(await this.#check(segment, pace)))
    }
    return found
  }

  /**
   * Writes `batches` over the damaged bytes of `range`. They must be the very batches that were there: whole, valid, in
   * order, and together as long. Durable when it resolves.
   */
  mend(range: CorruptRange, batches: Buffer): Promise<Mending> {
    const { segments, services } = this.#log
    if (!fits(range, batches)) return Promise.resolve('differs')
    // Between two turns of the writer, so that nothing is appended to the file meanwhile, and nothing cut off.
    return this.#loop.after(async () => {
      const segment = segments.all.find(({ corrupt }) => corrupt.includes(range))
      if (!segment) return 'gone'
      try {
        await segment.file.with(async file => {
          await file.overwrite(range.position, batches)
          await file.sync()
          const end = await scanBatches(file, this.#scanOf(range))
          if (end.reason === 'bad')
            throw new DiskError('EIO', `${segment.file.path} does not keep what is written to it`)
        })
        segment.corrupt = segment.corrupt.filter(other => other !== range)
        await this.#store.saveCorrupt()
      } catch (error) {
        if (!segments.has(segment)) return 'gone'
        // A disk that copies on write may have no room for it now.
        ignoreFull(error)
        return 'later'
      }
      services.host.log.warn({ path: segment.file.path, ...range }, 'damaged records are whole again')
      return 'mended'
    })
  }

  async #check(segment: Segment, pace: Pace): Promise<readonly CorruptRange[]> {
    const { segments } = this.#log
    for (let attempt = 0; attempt < attemptsMax && segments.has(segment) && segment.onDisk; attempt++) {
      const cuts = this.#cuts
      const isComplete = this.#isComplete(segment)
      let damage: readonly CorruptRange[]
      try {
        damage = await this.#damageIn(segment, isComplete, pace)
      } catch (error) {
        // Its files may have gone while they were read.
        if (!segments.has(segment) || this.#progress.failure !== null) return []
        throw error
      }
      if (pace.stopped || this.#progress.failure !== null) return []
      if (cuts !== this.#cuts || this.#cutting > 0 || !segments.has(segment)) continue
      if (damage.length === 0) {
        segment.uncheckedBytes = 0
        return []
      }
      // Once more: a read may go wrong where the disk does not.
      const again = isComplete ? await this.#damageIn(segment, true, pace) : damage
      if (pace.stopped || cuts !== this.#cuts || this.#cutting > 0 || !segments.has(segment)) continue
      if (isComplete) return this.#note(segment, again)
      // Where damage at the end of a segment ends is known of one that is complete.
      if (!(await this.#close(segment))) return []
    }
    return []
  }

  /** Nothing is appended to it any more, and all of it is in the file. */
  #isComplete(segment: Segment): boolean {
    return segment !== this.#log.segments.active && this.#progress.syncedOffset >= segment.nextOffset
  }

  /** What is damaged in all that is synced, and not known as such yet. */
  #damageIn(segment: Segment, isComplete: boolean, pace: Pace): Promise<readonly CorruptRange[]> {
    const { services, epochs } = this.#log
    const options = {
      baseOffset: segment.baseOffset,
      endOffset: isComplete ? segment.nextOffset : Math.min(segment.nextOffset, this.#progress.syncedOffset),
      known: segment.corrupt,
      epochForOffset: (offset: number) => epochs.epochForOffset(offset),
      scanBytes: services.limits.scrubBytes,
      stopped: () => pace.stopped,
    }
    return segment.file.with(file => {
      const endPosition = isComplete ? segment.sizeBytes : Math.min(file.size, segment.sizeBytes)
      return new DamageScan(pacedFile(file, pace), { ...options, endPosition }).run()
    })
  }

  #scanOf(range: CorruptRange) {
    return {
      from: range.position,
      to: range.endPosition,
      fromOffset: range.startOffset,
      checksums: true,
      scanBytes: this.#log.services.limits.scrubBytes,
      visit: () => true,
    }
  }

  /** What comes next goes to another segment. False when that cannot be now. */
  async #close(segment: Segment): Promise<boolean> {
    const { segments, services } = this.#log
    if (segment !== segments.active) {
      await this.#loop.flush()
      return true
    }
    if (this.#progress.isStalled) return false
    return this.#loop.ensure(this.#store.roll(this.#progress.end.value, services.host.clock.now()))
  }

  async #note(segment: Segment, damage: readonly CorruptRange[]): Promise<readonly CorruptRange[]> {
    const { services } = this.#log
    segment.corrupt = [...segment.corrupt, ...damage].sort((a, b) => a.position - b.position)
    segment.uncheckedBytes = 0
    const { path } = segment.file
    for (const range of damage) services.host.log.error({ path, ...range }, 'records are damaged')
    await this.#loop.after(() => this.#store.saveCorrupt().catch(ignoreFull))
    return damage
  }
}

/** Whether these are whole, valid batches of this range, and as many bytes. */
function fits(range: CorruptRange, batches: Buffer): boolean {
  if (batches.length !== range.endPosition - range.position) return false
  let offset = range.startOffset
  for (let at = 0; at < batches.length; at += batchBytes(batches, at)) {
    if (checkBatch(batches, at) !== 'ok' || baseOffset(batches, at) < offset) return false
    offset = lastOffset(batches, at) + 1
  }
  return offset <= range.endOffset
}

function pacedFile(file: ScannedFile, pace: Pace): ScannedFile {
  return {
    async read(position, length, into) {
      await pace.take(length)
      if (pace.stopped) return Buffer.alloc(0)
      return file.read(position, length, into)
    },
  }
}

/** A log that others hold too mends its damage soon: ask again. For one that is alone nothing will change. */
export function damagedRecords(detail: string, isMendable: boolean): KafkaError {
  return new KafkaError(isMendable ? Errors.KAFKA_STORAGE_ERROR : Errors.CORRUPT_MESSAGE, detail)
}
