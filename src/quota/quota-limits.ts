/** The limits of one quota key: which of them holds for whom. */
import { plainAddress } from '../lib/address-bytes.ts'
import type { Quota } from '../metadata/entities.ts'
import { entityTypes, type QuotaKeyName } from './quota-keys.ts'

/** A limit, and who shares it: those with the same scope are counted together. */
export interface LimitOf {
  readonly limit: number
  readonly scope: string
}

/** A name; null stands for the default of all names, undefined for no part of this type. */
type Part = string | null | undefined

/** Apache Kafka's eight levels, strongest first: whether user and client id are named, the default, or not there. */
const levels: readonly (readonly [user: Level, clientId: Level])[] = [
  ['named', 'named'],
  ['named', 'default'],
  ['named', 'none'],
  ['default', 'named'],
  ['default', 'default'],
  ['default', 'none'],
  ['none', 'named'],
  ['none', 'default'],
]

type Level = 'named' | 'default' | 'none'

export class QuotaLimits {
  readonly #key: QuotaKeyName
  /** By entity. */
  readonly #limits = new Map<string, number>()

  constructor(key: QuotaKeyName) {
    this.#key = key
  }

  get isEmpty(): boolean {
    return this.#limits.size === 0
  }

  /** Takes what `quotas` say of this key instead of what it knew. True when that is something else. */
  replace(quotas: Iterable<Quota>): boolean {
    const before = new Map(this.#limits)
    this.#limits.clear()
    for (const { entity, values } of quotas) {
      const limit = values.get(this.#key)
      if (limit === undefined) continue
      const part = (type: string): Part => entity.find(({ entityType }) => entityType === type)?.entityName
      const ip = part(entityTypes.ip)
      const address = ip ? (plainAddress(ip) ?? ip) : ip
      this.#limits.set(entityKey(part(entityTypes.user), part(entityTypes.clientId), address), limit)
    }
    return before.size !== this.#limits.size || [...before].some(([key, limit]) => this.#limits.get(key) !== limit)
  }

  /** The limit that holds for a client, null for none. */
  ofClient(user: string, clientId: string): LimitOf | null {
    for (const [ofUser, ofClientId] of levels) {
      const limit = this.#limits.get(entityKey(partAt(ofUser, user), partAt(ofClientId, clientId), undefined))
      if (limit === undefined) continue
      // A limit of a default holds for each of those it stands for by itself.
      const scope = [ofUser === 'none' ? null : user, ofClientId === 'none' ? null : clientId]
      return { limit, scope: JSON.stringify(scope) }
    }
    return null
  }

  /** The limit that holds for an address, null for none. */
  ofAddress(text: string): LimitOf | null {
    const address = plainAddress(text) ?? text
    const named = this.#limits.get(entityKey(undefined, undefined, address))
    const limit = named ?? this.#limits.get(entityKey(undefined, undefined, null))
    return limit === undefined ? null : { limit, scope: address }
  }
}

function partAt(level: Level, name: string): Part {
  if (level === 'named') return name
  return level === 'default' ? null : undefined
}

function entityKey(user: Part, clientId: Part, ip: Part): string {
  // An absent part and the default must not look alike.
  return JSON.stringify([user, clientId, ip].map(part => (part === undefined ? false : part)))
}
