/**
 * The state of the cluster as the metadata log tells it. Controller and broker use the same class: the controller
 * applies what it has just written, a broker what is committed.
 *
 * Applying a record may not fail: a record that speaks of something unknown changes nothing.
 */
import { applyRecord } from './apply.ts'
import { MetadataImage } from './image.ts'
import type { MetadataListener } from './listener.ts'
import type { MetadataRecord } from './records.ts'
import { changesTo } from './replace.ts'

export class MetadataState extends MetadataImage {
  /** Offset of the last record applied; -1 before the first. */
  lastOffset = -1
  /** Leader epoch of the last record applied. */
  lastEpoch = -1
  /** Append time of the last record applied. */
  lastTimestampMs = -1
  readonly #listeners = new Set<MetadataListener>()
  /** Records of a metadata transaction that has not ended. */
  #transaction: { record: MetadataRecord; offset: number }[] | null = null

  /** Applies one record; listeners hear of it before this returns. Never throws. */
  apply(record: MetadataRecord, offset: number, epoch = this.lastEpoch, timestampMs = this.lastTimestampMs): void {
    this.lastOffset = offset
    this.lastEpoch = epoch
    this.lastTimestampMs = timestampMs
    switch (record.kind) {
      case 'beginTransaction':
        this.#transaction = []
        return
      case 'abortTransaction':
        this.#transaction = null
        return
      case 'endTransaction': {
        const parked = this.#transaction ?? []
        this.#transaction = null
        for (const entry of parked) applyRecord(this, entry.record, entry.offset, this.#listeners)
        return
      }
      default:
        if (this.#transaction) this.#transaction.push({ record, offset })
        else applyRecord(this, record, offset, this.#listeners)
    }
  }

  /**
   * Becomes the state that `records` make, a snapshot of everything up to `offset`: listeners hear of what is different,
   * and of nothing else.
   */
  replaceWith(records: readonly MetadataRecord[], offset: number, epoch: number, timestampMs: number): void {
    const next = new MetadataState()
    for (const record of records) next.apply(record, offset, epoch, timestampMs)
    this.#transaction = null
    for (const record of changesTo(this, next, records)) applyRecord(this, record, offset, this.#listeners)
    this.takeRest(next)
    for (const listener of this.#listeners) listener.quotaChanged?.()
    this.lastOffset = offset
    this.lastEpoch = epoch
    this.lastTimestampMs = timestampMs
  }

  /** Hears of every change from now on. Returns how to stop. */
  listen(listener: MetadataListener): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** The same state, an open transaction included, that goes its own way; without listeners. */
  clone(): MetadataState {
    const copy = new MetadataState()
    copy.copyFrom(this)
    copy.lastOffset = this.lastOffset
    copy.lastEpoch = this.lastEpoch
    copy.lastTimestampMs = this.lastTimestampMs
    copy.#transaction = this.#transaction && [...this.#transaction]
    return copy
  }

  /** A metadata transaction is open: what it wrote is not applied yet. */
  get inTransaction(): boolean {
    return this.#transaction !== null
  }
}
