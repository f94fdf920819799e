/**
 * Which voters and which kraft.version hold from which offset on. The newest count at once, committed or not; when the
 * log is cut, what was before counts again (KIP-853).
 */
import type { VoterSet } from './voter-set.ts'

interface Entry {
  readonly offset: number
  readonly voters: VoterSet | null
  readonly kraftVersion: number | null
}

export class VoterHistory {
  readonly #configured: VoterSet
  #entries: Entry[] = []

  /** `configured` counts until the log or a snapshot names voters. */
  constructor(configured: VoterSet) {
    this.#configured = configured
  }

  get voters(): VoterSet {
    return this.#entries.findLast(entry => entry.voters !== null)?.voters ?? this.#configured
  }

  /** 0 while the voters are fixed by configuration. */
  get kraftVersion(): number {
    return this.#entries.findLast(entry => entry.kraftVersion !== null)?.kraftVersion ?? 0
  }

  /** Where the voters that count now were written; -1 when by configuration. */
  get votersOffset(): number {
    return this.#entries.findLast(entry => entry.voters !== null)?.offset ?? -1
  }

  /** What a snapshot of everything before `endOffset` has to hold. */
  before(endOffset: number): { voters: VoterSet | null; kraftVersion: number } {
    const entries = this.#entries.filter(({ offset }) => offset < endOffset)
    return {
      voters: entries.findLast(entry => entry.voters !== null)?.voters ?? null,
      kraftVersion: entries.findLast(entry => entry.kraftVersion !== null)?.kraftVersion ?? 0,
    }
  }

  /** A record in the log, or a snapshot that ends at `offset + 1`, says so. */
  add(offset: number, change: { voters?: VoterSet | null; kraftVersion?: number | null }): void {
    const { voters = null, kraftVersion = null } = change
    if (voters === null && kraftVersion === null) return
    this.#entries.push({ offset, voters, kraftVersion })
  }

  /** The log ends at `endOffset` now. */
  truncateTo(endOffset: number): void {
    this.#entries = this.#entries.filter(({ offset }) => offset < endOffset)
  }

  /** Everything comes from a snapshot now. */
  clear(): void {
    this.#entries = []
  }

  /** Nothing before `offset` will be asked for: keeps what still counts. */
  forgetBefore(offset: number): void {
    const { voters, kraftVersion } = this.before(offset)
    const rest = this.#entries.filter(entry => entry.offset >= offset)
    const first = voters === null && kraftVersion === 0 ? [] : [{ offset: offset - 1, voters, kraftVersion }]
    this.#entries = [...first, ...rest]
  }
}
