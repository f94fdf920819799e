/** Addresses of the Internet as bytes in network order, 4 or 16, and back: how an Envelope carries a client's host. */

/** Empty for text that is no address. */
export function addressBytes(text: string): Buffer {
  return v4Bytes(text) ?? v6Bytes(text) ?? Buffer.alloc(0)
}

/** Null for a length that no address has. */
export function addressText(bytes: Buffer): string | null {
  if (bytes.length === 4) return bytes.join('.')
  if (bytes.length !== 16) return null
  const groups: string[] = []
  for (let at = 0; at < 16; at += 2) groups.push(bytes.readUInt16BE(at).toString(16))
  return shortened(groups)
}

/** The one spelling of an address, null for text that is none. */
export function plainAddress(text: string): string | null {
  return addressText(addressBytes(text))
}

function v4Bytes(text: string): Buffer | null {
  const parts = text.split('.')
  if (parts.length !== 4 || !parts.every(part => /^\d{1,3}$/.test(part) && Number(part) < 256)) return null
  return Buffer.from(parts.map(Number))
}

function v6Bytes(text: string): Buffer | null {
  const [head, tail, ...more] = (text.split('%')[0] ?? '').split('::')
  if (more.length > 0) return null
  const before = groupsOf(head)
  const after = groupsOf(tail ?? '')
  if (!before || !after) return null
  const missing = 8 - before.length - after.length
  if (tail === undefined ? missing !== 0 : missing < 1) return null
  const bytes = Buffer.alloc(16)
  const groups = [...before, ...Array<number>(missing).fill(0), ...after]
  for (const [i, group] of groups.entries()) bytes.writeUInt16BE(group, 2 * i)
  return bytes
}

/** The last two groups may be written as an IPv4 address. */
function groupsOf(text: string): number[] | null {
  const groups: number[] = []
  for (const part of text === '' ? [] : text.split(':')) {
    const v4 = v4Bytes(part)
    if (v4) groups.push(v4.readUInt16BE(0), v4.readUInt16BE(2))
    else if (/^[0-9a-fA-F]{1,4}$/.test(part)) groups.push(Number.parseInt(part, 16))
    else return null
  }
  return groups
}

/** The longest run of zeros, from two on, becomes `::` (RFC 5952). */
function shortened(groups: readonly string[]): string {
  let start = 0
  let length = 0
  for (let at = 0; at < groups.length; at++) {
    let end = at
    while (groups[end] === '0') end++
    if (end - at > length) [start, length] = [at, end - at]
  }
  if (length < 2) return groups.join(':')
  return `${groups.slice(0, start).join(':')}::${groups.slice(start + length).join(':')}`
}
