/** What is written is long, what a history keeps of it is short: a name that says how long it was. */

const filler = 'x'

export function recordBytes(name: string): Buffer {
  return Buffer.from(`${name}|${filler.repeat(lengthIn(name))}`)
}

/** A value's name: who wrote it, as which, and how many bytes of filling follow. */
export function valueName(writer: string, sequence: number, fillerBytes: number): string {
  return `${writer}.${sequence}.${fillerBytes}`
}

/** The name, if the bytes are what belongs to it; otherwise something that nobody wrote. */
export function nameIn(bytes: Buffer | null): string {
  const text = String(bytes)
  const bar = text.indexOf('|')
  const name = text.slice(0, bar)
  // Clients of others write their own short values.
  if (bar < 0) return text
  return text.slice(bar + 1) === filler.repeat(lengthIn(name)) ? name : `damaged: ${text}`
}

function lengthIn(name: string): number {
  const bytes = Number(name.slice(name.lastIndexOf('.') + 1))
  return bytes >= 0 ? bytes : 0
}
