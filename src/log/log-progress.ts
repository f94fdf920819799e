/** How far a log's batches have come on their way to the disk, and what stopped them. */
import type { KafkaError } from '../../protocol/errors.ts'
import { DiskError } from '../host/host.ts'
import { Watermark } from '../lib/watermark.ts'
import type { LogServices } from './log-services.ts'
import { asKafkaError } from './storage-errors.ts'
import type { TailCache } from './tail-cache.ts'

export class LogProgress {
  /** Offsets below have been given out: where the log ends, whatever the disk has of it. */
  readonly end: Watermark
  /** Offsets below are in the page cache. */
  readonly written: Watermark
  /** Offsets below are durable under the flush settings. */
  readonly durable: Watermark
  readonly #services: LogServices
  readonly #tail: TailCache
  #syncedOffset: number
  #failure: KafkaError | null = null
  #isStalled = false

  constructor(services: LogServices, tail: TailCache, endOffset: number) {
    this.end = new Watermark(endOffset)
    this.written = new Watermark(endOffset)
    this.durable = new Watermark(endOffset)
    this.#services = services
    this.#tail = tail
    this.#syncedOffset = endOffset
  }

  /** Offsets below are synced, whatever the flush settings say. */
  get syncedOffset(): number {
    return this.#syncedOffset
  }

  get failure(): KafkaError | null {
    return this.#failure
  }

  /** The disk is full: what is queued waits for room. */
  get isStalled(): boolean {
    return this.#isStalled
  }

  wroteTo(offset: number): void {
    this.#tail.unpinTo(offset)
    this.written.advance(offset)
  }

  durableTo(offset: number): void {
    this.durable.advance(offset)
  }

  syncedTo(offset: number): void {
    this.#syncedOffset = offset
  }

  diskFull(full: boolean): void {
    this.#isStalled = full
    this.#services.space.stalled(full)
  }

  /** Everyone who waits is told; what a disk failed at takes its directory offline. */
  failed(error: Error): void {
    if (this.#failure) return
    const failure = asKafkaError(error)
    this.#failure = failure
    if (error instanceof DiskError) this.#services.directory.fail(error)
    this.end.fail(failure)
    this.written.fail(failure)
    this.durable.fail(failure)
  }

  /** The log ends here now. Those who waited for more have been told. */
  reset(endOffset: number): void {
    this.#syncedOffset = endOffset
    this.#tail.clear(endOffset)
    this.end.reset(endOffset)
    this.written.reset(endOffset)
    this.durable.reset(endOffset)
  }
}
