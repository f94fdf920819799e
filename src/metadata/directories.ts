/** Ids that stand for no directory of their own (KIP-858). */

/** The broker has not said yet in which of its directories a replica lives. */
export const unassignedDirectory = 'AAAAAAAAAAAAAAAAAAAAAA'
/** A directory that failed, whichever it was. */
export const lostDirectory = 'AAAAAAAAAAAAAAAAAAAAAQ'

/** The first hundred ids are kept for such meanings. */
const reservedCount = 100

export function isReservedDirectory(id: string): boolean {
  const bytes = Buffer.from(id, 'base64url')
  return bytes.subarray(0, 15).every(byte => byte === 0) && bytes[15] < reservedCount
}
