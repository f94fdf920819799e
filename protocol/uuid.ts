/** The id that stands for no id; uuids are 22 characters of base64url. */
export const zeroUuid = 'AAAAAAAAAAAAAAAAAAAAAA'

const pattern = /^[A-Za-z0-9_-]{21}[AQgw]$/

/** 22 characters that stand for exactly 16 bytes. */
export function isUuid(text: string): boolean {
  return pattern.test(text)
}
