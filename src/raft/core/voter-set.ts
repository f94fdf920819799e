/** The voters of a quorum: who has to agree. Never changed in place. */
import { isSameReplica, type NamedAddress, noDirectory, type ReplicaKey } from './replica-key.ts'

export interface VersionRange {
  readonly min: number
  readonly max: number
}

export interface Voter {
  readonly key: ReplicaKey
  readonly endpoints: readonly NamedAddress[]
  /** Levels of kraft.version that the voter can follow. */
  readonly kraftVersions: VersionRange
}

export class VoterSet {
  static readonly empty = new VoterSet([])
  readonly all: readonly Voter[]
  readonly #byId: ReadonlyMap<number, Voter>

  constructor(voters: readonly Voter[]) {
    this.all = [...voters].sort((a, b) => a.key.id - b.key.id)
    this.#byId = new Map(this.all.map(voter => [voter.key.id, voter]))
  }

  get size(): number {
    return this.all.length
  }

  get ids(): number[] {
    return this.all.map(({ key }) => key.id)
  }

  get majority(): number {
    return Math.floor(this.size / 2) + 1
  }

  byId(id: number): Voter | null {
    return this.#byId.get(id) ?? null
  }

  /** Whether `key` may vote: where the set names a directory, from that directory only. */
  has(key: ReplicaKey): boolean {
    const voter = this.#byId.get(key.id)
    return voter !== undefined && isSameReplica(voter.key, key)
  }

  isOnly(key: ReplicaKey): boolean {
    return this.size === 1 && this.has(key)
  }

  /** The voters but `key`. */
  othersThan(key: ReplicaKey): Voter[] {
    return this.all.filter(voter => !isSameReplica(voter.key, key))
  }

  /** The address of a voter on the listener `name`, or on its first one when it has none of that name. */
  addressOf(id: number, name: string): NamedAddress | null {
    const endpoints = this.#byId.get(id)?.endpoints ?? []
    return endpoints.find(endpoint => endpoint.name === name) ?? endpoints[0] ?? null
  }

  with(voter: Voter): VoterSet {
    return new VoterSet([...this.all.filter(({ key }) => key.id !== voter.key.id), voter])
  }

  /** Null when `key` is not a voter. */
  without(key: ReplicaKey): VoterSet | null {
    const voter = this.#byId.get(key.id)
    if (!voter || voter.key.directoryId !== key.directoryId) return null
    return new VoterSet(this.all.filter(other => other !== voter))
  }

  /** Whether the voters can all follow this level of kraft.version, and are known by directory. */
  supports(level: number): boolean {
    return this.all.every(
      ({ key, kraftVersions }) =>
        kraftVersions.min <= level && level <= kraftVersions.max && (level === 0 || key.directoryId !== noDirectory),
    )
  }
}
