/** A copy with memory of its own: a view, or a slice of Node's pool, would keep alive whatever else lies beside it. */
export function copyOf(bytes: Uint8Array): Buffer {
  const copy = Buffer.allocUnsafeSlow(bytes.length)
  copy.set(bytes)
  return copy
}
