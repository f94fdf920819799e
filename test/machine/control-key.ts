/** The key of a control record that ends a transaction: int16 version, int16 type. */
export function endTransactionKey(commit: boolean): Buffer {
  return Buffer.from([0, 0, 0, commit ? 1 : 0])
}
