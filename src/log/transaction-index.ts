/**
 * Aborted transactions of one segment: file `<base offset>.txnindex`, entries of 34 bytes (int16 version 0, int64
 * producer id, int64 first offset, int64 last offset, int64 last stable offset), in the order of their abort markers.
 * Segments without aborted transactions have no such file. Derived data, rebuilt from the segment.
 */
export const transactionIndexEntryBytes = 34
const version = 0

export interface AbortedTransaction {
  readonly producerId: number
  /** First offset that the transaction wrote in this partition. */
  readonly firstOffset: number
  /** Offset of the abort marker. */
  readonly lastOffset: number
  /** The last stable offset after this transaction ended: nothing below it aborts later. */
  readonly lastStableOffset: number
}

export function encodeAborted(transactions: readonly AbortedTransaction[]): Buffer {
  const bytes = Buffer.allocUnsafe(transactions.length * transactionIndexEntryBytes)
  let at = 0
  for (const transaction of transactions) {
    bytes.writeInt16BE(version, at)
    bytes.writeBigInt64BE(BigInt(transaction.producerId), at + 2)
    bytes.writeBigInt64BE(BigInt(transaction.firstOffset), at + 10)
    bytes.writeBigInt64BE(BigInt(transaction.lastOffset), at + 18)
    bytes.writeBigInt64BE(BigInt(transaction.lastStableOffset), at + 26)
    at += transactionIndexEntryBytes
  }
  return bytes
}

/** Null when the bytes cannot be the index of a segment that begins at `baseOffset`. */
export function decodeAborted(baseOffset: number, bytes: Buffer): AbortedTransaction[] | null {
  if (bytes.length % transactionIndexEntryBytes !== 0) return null
  const transactions: AbortedTransaction[] = []
  let previous = baseOffset - 1
  for (let at = 0; at < bytes.length; at += transactionIndexEntryBytes) {
    const transaction = {
      producerId: Number(bytes.readBigInt64BE(at + 2)),
      firstOffset: Number(bytes.readBigInt64BE(at + 10)),
      lastOffset: Number(bytes.readBigInt64BE(at + 18)),
      lastStableOffset: Number(bytes.readBigInt64BE(at + 26)),
    }
    if (bytes.readInt16BE(at) !== version || transaction.lastOffset <= previous) return null
    if (transaction.firstOffset > transaction.lastOffset) return null
    transactions.push(transaction)
    previous = transaction.lastOffset
  }
  return transactions
}

export interface AbortedSearch {
  readonly transactions: AbortedTransaction[]
  /** True when no later segment can add anything. */
  readonly complete: boolean
}

/** Those that touch [fromOffset, upperOffset). */
export function abortedBetween(
  all: readonly AbortedTransaction[],
  fromOffset: number,
  upperOffset: number,
): AbortedSearch {
  const transactions: AbortedTransaction[] = []
  for (const transaction of all) {
    if (transaction.lastOffset >= fromOffset && transaction.firstOffset < upperOffset) transactions.push(transaction)
    if (transaction.lastStableOffset >= upperOffset) return { transactions, complete: true }
  }
  return { transactions, complete: false }
}
