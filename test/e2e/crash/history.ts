/** What writers were told, and whether what is read back agrees with it. */

export interface WriterName {
  readonly id: string
  readonly partition: number
  readonly idempotent: boolean
}

interface Acknowledged {
  readonly writer: WriterName
  readonly sequence: number
  readonly offset: number
}

export interface ReadRecord {
  readonly partition: number
  readonly offset: number
  readonly value: string
}

const alphabet = 'abcdefghijklmnopqrstuvwxyz'

/** Every value says who wrote it, where, as which, and how long it is, and the rest of it follows from that. */
export function recordValue(writer: WriterName, sequence: number, bytes: number): string {
  const head = `${writer.id}:${writer.partition}:${sequence}:${bytes}|`
  const start = sequence % alphabet.length
  const filler = (alphabet.slice(start) + alphabet.slice(0, start)).repeat(Math.ceil(bytes / alphabet.length))
  return head + filler.slice(0, bytes)
}

export class History {
  readonly #writers = new Map<string, WriterName>()
  readonly #acknowledged: Acknowledged[] = []
  /** How many values each writer has sent, acknowledged or not. */
  readonly #sent = new Map<string, number>()

  get acknowledgedCount(): number {
    return this.#acknowledged.length
  }

  add(writer: WriterName): void {
    this.#writers.set(writer.id, writer)
    this.#sent.set(writer.id, 0)
  }

  sending(writer: WriterName, upTo: number): void {
    this.#sent.set(writer.id, upTo)
  }

  acknowledged(writer: WriterName, sequence: number, offset: number): void {
    this.#acknowledged.push({ writer, sequence, offset })
  }

  /** Everything that is wrong with what was read, as sentences; empty when all is well. */
  check(records: readonly ReadRecord[]): string[] {
    const problems: string[] = []
    const byPlace = new Map<string, string>()
    const seen = new Map<string, number>()
    const lastSequence = new Map<string, number>()
    for (const { partition, offset, value } of records) {
      const place = `${partition}@${offset}`
      if (byPlace.has(place)) problems.push(`${place} was read twice`)
      const parsed = this.#parse(partition, value)
      if (!parsed) {
        problems.push(`${place} holds what nobody wrote: ${JSON.stringify(value.slice(0, 60))}`)
        continue
      }
      const { writer, sequence } = parsed
      const name = `${writer.id}:${sequence}`
      byPlace.set(place, name)
      const before = seen.get(name)
      if (before !== undefined && writer.idempotent) problems.push(`${name} is at ${before} and again at ${offset}`)
      if (before === undefined) {
        seen.set(name, offset)
        const last = lastSequence.get(writer.id) ?? -1
        if (sequence < last) problems.push(`${name} at ${place} comes after ${writer.id}:${last}`)
        lastSequence.set(writer.id, sequence)
      }
    }
    for (const { writer, sequence, offset } of this.#acknowledged) {
      const place = `${writer.partition}@${offset}`
      const name = `${writer.id}:${sequence}`
      if (byPlace.get(place) === name) continue
      const elsewhere = seen.get(name)
      if (elsewhere === undefined) problems.push(`${name} was acknowledged at ${place} and is lost`)
      else problems.push(`${name} was acknowledged at ${place} and is at ${elsewhere}`)
    }
    return problems
  }

  #parse(partition: number, value: string): { writer: WriterName; sequence: number } | null {
    const match = /^([^:|]+):(\d+):(\d+):(\d+)\|/.exec(value)
    const writer = match && this.#writers.get(match[1])
    if (!writer || writer.partition !== partition) return null
    const sequence = Number(match[3])
    if (sequence >= this.#sent.get(writer.id)! || value !== recordValue(writer, sequence, Number(match[4]))) return null
    return { writer, sequence }
  }
}
