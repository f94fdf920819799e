/** What one compaction of one log works with: its share of memory, time and disk, and whether it is still wanted. */
import type { LogServices } from '../log-services.ts'
import { Pacer } from './pacer.ts'
import type { CleanerSettings } from './settings.ts'
import type { Throttle } from './throttle.ts'

/** The log is to be cut, closed or deleted, or is not to be compacted any more: what was begun is dropped. */
export class Cancelled extends Error {}

/** Bytes of the log are not what was written there. Whoever mends them comes first; until then they stay as they are. */
export class Damaged extends Error {}

/** The log holds something that nobody can compact; a person has to look. */
export class Uncleanable extends Error {}

/** Records, or other small steps, between two looks at the clock. */
const stepsPerLook = 128

/** What a compaction has done so far. */
export class RoundCounts {
  bytesRead = 0
  recordsRead = 0
  recordsKept = 0
  bytesWritten = 0
  /** Bytes of the segments that were replaced, and of those in their place. */
  bytesBefore = 0
  bytesAfter = 0
  /** Batches that were kept whole since their records cannot be read. */
  unreadableBatches = 0
  keys = 0
  keysMax = 0
}

export class Work {
  readonly services: LogServices
  readonly settings: CleanerSettings
  readonly pacer: Pacer
  readonly counts = new RoundCounts()
  /** Bytes of the key table. */
  readonly mapBytesMax: number
  readonly #throttle: Throttle
  readonly #isWanted: () => boolean
  readonly #halfBytes: number
  #readBuffer: Buffer | null = null
  #steps = 0

  constructor(services: LogServices, settings: CleanerSettings, throttle: Throttle, isWanted: () => boolean) {
    this.services = services
    this.settings = settings
    this.pacer = new Pacer(services.host.clock, services.limits)
    this.#throttle = throttle
    this.#isWanted = isWanted
    const threads = Math.max(1, settings.threads)
    // One array of bytes holds no more.
    this.mapBytesMax = Math.min(Math.floor(settings.dedupeBufferBytes / threads), 2 ** 31 - 1)
    this.#halfBytes = Math.max(1024, Math.floor(settings.ioBufferBytes / threads / 2))
  }

  /** For reading, used again for each piece. It grows with the largest batch, and lasts for one round. */
  readBuffer(bytesMin = 0): Buffer {
    const bytes = Math.max(this.#halfBytes, bytesMin)
    if (this.#readBuffer === null || this.#readBuffer.length < bytes) this.#readBuffer = Buffer.allocUnsafeSlow(bytes)
    return this.#readBuffer
  }

  /** Written at once when so much has gathered. */
  get writeBytes(): number {
    return this.#halfBytes
  }

  /** Throws Cancelled when the work is no longer wanted. */
  check(): void {
    if (!this.#isWanted()) throw new Cancelled()
  }

  /** Waits for the disk or another thread. Throws Cancelled. */
  async awaiting<T>(work: Promise<T>): Promise<T> {
    const result = await this.pacer.awaiting(work)
    this.check()
    return result
  }

  /** Counts bytes against `log.cleaner.io.max.bytes.per.second`. Throws Cancelled. */
  async took(bytes: number): Promise<void> {
    for (let pauseMs = this.#throttle.pauseAfter(bytes); pauseMs > 0; pauseMs = this.#throttle.pauseAfter(0)) {
      await this.awaiting(this.pacer.rest(pauseMs))
    }
  }

  /** Whether `breathe` is due: asked for every record, and cheap. */
  get isDue(): boolean {
    if (++this.#steps < stepsPerLook) return false
    this.#steps = 0
    return this.pacer.isDue
  }

  /** Lets the rest of the broker run. Throws Cancelled. */
  async breathe(): Promise<void> {
    await this.pacer.breathe()
    this.check()
  }
}
