/**
 * The transactions in a log, as a walk over it meets them: which batches were aborted, and whether a marker still has
 * data before it. A marker stays until all data of its transaction are gone, or that data would look as if it were part
 * of an open one.
 */
import { baseOffset, isTransactional, lastOffset, producerId, recordsCount } from '../../../protocol/records/batch.ts'
import { producerBatchOf } from '../append-checks.ts'
import type { AbortedTransaction } from '../transaction-index.ts'

export class WalkedTransactions {
  /** Not begun yet, in the order of their first offsets. */
  #ahead: AbortedTransaction[] = []
  /** Producers in an aborted transaction, and whether a batch of it was met. */
  readonly #aborted = new Map<number, boolean>()
  /** Producers in a transaction that is not aborted, of which a batch was met. */
  readonly #committed = new Set<number>()
  /** The batch that came last is the marker of an aborted transaction of which data were met. */
  endedWithData = false

  /** The aborted transactions that touch the next segment; those that reach over several may be told several times. */
  expect(transactions: readonly AbortedTransaction[]): void {
    this.#ahead = [...this.#ahead, ...transactions].sort((a, b) => a.firstOffset - b.firstOffset)
  }

  /** A batch of data comes. Whether its transaction was aborted. */
  meetData(buffer: Buffer, at: number): boolean {
    this.endedWithData = false
    this.#beginUpTo(lastOffset(buffer, at), baseOffset(buffer, at))
    if (!isTransactional(buffer, at)) return false
    const id = producerId(buffer, at)
    if (this.#aborted.has(id)) {
      this.#aborted.set(id, true)
      return true
    }
    this.#committed.add(id)
    return false
  }

  /** A control batch comes. True when no data of its transaction was met: then it has done its duty. */
  meetControl(buffer: Buffer, at: number): boolean {
    this.endedWithData = false
    this.#beginUpTo(lastOffset(buffer, at), baseOffset(buffer, at))
    // Compaction by others empties markers.
    if (recordsCount(buffer, at) === 0) return true
    const marker = producerBatchOf(buffer, at)?.marker
    if (!marker) return false
    const id = producerId(buffer, at)
    if (marker.commit) return !this.#committed.delete(id)
    const metData = this.#aborted.get(id) ?? false
    this.#aborted.delete(id)
    this.endedWithData = metData
    return !metData
  }

  #beginUpTo(offset: number, from: number): void {
    while (this.#ahead.length > 0 && this.#ahead[0].firstOffset <= offset) {
      const [transaction] = this.#ahead.splice(0, 1)
      // Told again after its end.
      if (transaction.lastOffset < from) continue
      if (!this.#aborted.has(transaction.producerId)) this.#aborted.set(transaction.producerId, false)
    }
  }
}
