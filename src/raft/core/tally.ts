/** The votes of one election. */
import type { ReplicaKey } from './replica-key.ts'
import type { Voter, VoterSet } from './voter-set.ts'

export type Vote = 'unrecorded' | 'granted' | 'rejected'

export class Tally {
  readonly #voters: VoterSet
  readonly #votes = new Map<number, Vote>()

  /** `self` votes for itself, if it may vote at all. */
  constructor(voters: VoterSet, self: ReplicaKey) {
    this.#voters = voters
    for (const { key } of voters.all) this.#votes.set(key.id, 'unrecorded')
    if (voters.has(self)) this.#votes.set(self.id, 'granted')
  }

  /** A second vote of the same voter in another sense does not take the first back. */
  record(voterId: number, granted: boolean): void {
    if (this.#votes.get(voterId) === 'unrecorded') this.#votes.set(voterId, granted ? 'granted' : 'rejected')
  }

  get isWon(): boolean {
    return this.#count('granted') >= this.#voters.majority
  }

  get isLost(): boolean {
    return this.#count('granted') + this.#count('unrecorded') < this.#voters.majority
  }

  get unrecorded(): Voter[] {
    return this.#voters.all.filter(({ key }) => this.#votes.get(key.id) === 'unrecorded')
  }

  get granting(): ReplicaKey[] {
    return this.#voters.all.map(({ key }) => key).filter(({ id }) => this.#votes.get(id) === 'granted')
  }

  #count(vote: Vote): number {
    let count = 0
    for (const each of this.#votes.values()) if (each === vote) count++
    return count
  }
}
