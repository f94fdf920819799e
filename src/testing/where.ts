/** Which requests are meant. */
import { ParseError } from '../../protocol/reader.ts'
import type { ApiName } from './bodies.ts'
import type { Entry, Exchange } from './exchange.ts'
import { type Body, isBody, type NamedPart } from './parts.ts'

/** A name as it is, or a pattern for several. */
export type Name = string | RegExp

/** All that is given must hold. */
export interface Where<N extends ApiName = ApiName> {
  readonly clientId?: Name
  /** The number of a connection, as `broker.connections` and the journal tell it. */
  readonly connection?: number
  readonly version?: number | { readonly min?: number; readonly max?: number }
  /** The request names this topic. */
  readonly topic?: Name
  /** With or without `topic`: the request names a partition of this number. */
  readonly partition?: number
  /** The request is about this group. */
  readonly group?: Name
  readonly transactionalId?: Name
  /** Of a cluster: the broker that was asked. */
  readonly broker?: number
  /** Whatever else there is to say. */
  readonly matching?: (exchange: Exchange<N>) => boolean
}

/** One API, several, or all of them. */
export type Apis<N extends ApiName> = N | readonly N[] | '*'

export class Filter<N extends ApiName> {
  readonly #apis: ReadonlySet<string> | null
  readonly where: Where<N>

  constructor(apis: Apis<N>, where: Where<N>) {
    this.#apis = apis === '*' ? null : new Set(typeof apis === 'string' ? [apis] : apis)
    this.where = where
  }

  matches(entry: Entry): entry is Entry & Exchange<N> {
    if (this.#apis !== null && !this.#apis.has(entry.api)) return false
    try {
      return this.#matchesHeader(entry) && this.#matchesBody(entry)
    } catch (error) {
      // Nobody can read it: it is not the one that was described.
      if (error instanceof ParseError) return false
      throw error
    }
  }

  /** Whether it names topics or partitions. */
  get hasParts(): boolean {
    return this.where.topic !== undefined || this.where.partition !== undefined
  }

  /** A topic that is named as a whole counts as each of its partitions. */
  readonly isMeant = ({ topic, partition }: NamedPart): boolean => {
    const { where } = this
    if (where.partition !== undefined && partition >= 0 && partition !== where.partition) return false
    return where.topic === undefined || isNamed(where.topic, topic)
  }

  #matchesHeader({ clientId, connection, version, broker }: Entry): boolean {
    const { where } = this
    if (where.clientId !== undefined && !isNamed(where.clientId, clientId)) return false
    if (where.connection !== undefined && where.connection !== connection) return false
    if (where.broker !== undefined && where.broker !== broker) return false
    if (where.version === undefined) return true
    if (typeof where.version === 'number') return where.version === version
    const { min = 0, max = Number.POSITIVE_INFINITY } = where.version
    return version >= min && version <= max
  }

  #matchesBody(entry: Entry & Partial<Exchange<N>>): boolean {
    const { where } = this
    if (this.hasParts && !entry.partitions.some(this.isMeant)) return false
    const { group, transactionalId, matching } = where
    if (group !== undefined && !groupsOf(entry.request).some(name => isNamed(group, name))) return false
    if (transactionalId !== undefined) {
      if (!transactionalIdsOf(entry.request).some(name => isNamed(transactionalId, name))) return false
    }
    return matching === undefined || (isOfThese<N>(entry, this.#apis) && matching(entry))
  }
}

/** By its name it is one of those that the filter's type speaks of. */
function isOfThese<N extends ApiName>(entry: Entry, apis: ReadonlySet<string> | null): entry is Entry & Exchange<N> {
  return apis === null || apis.has(entry.api)
}

function isNamed(wanted: Name, name: string): boolean {
  if (typeof wanted === 'string') return wanted === name
  wanted.lastIndex = 0
  return wanted.test(name)
}

const groupCoordinator = 0
const transactionCoordinator = 1

function groupsOf(request: Body): string[] {
  const { groupId, groups, groupsNames, groupIds } = request
  const names = [groupId, ...elements(groups), ...elements(groupsNames), ...elements(groupIds)].flatMap(each => {
    return isBody(each) ? each.groupId : each
  })
  return [...names, ...coordinatorKeys(request, groupCoordinator)].filter(isText)
}

function transactionalIdsOf(request: Body): string[] {
  const { transactionalId, v3AndBelowTransactionalId, transactions, transactionalIds } = request
  const inside = elements(transactions).flatMap(each => (isBody(each) ? each.transactionalId : []))
  const names = [transactionalId, v3AndBelowTransactionalId, ...inside, ...elements(transactionalIds)]
  return [...names, ...coordinatorKeys(request, transactionCoordinator)].filter(isText)
}

/** What FindCoordinator asks for. */
function coordinatorKeys({ key, keyType, coordinatorKeys }: Body, type: number): unknown[] {
  return keyType === type ? [key, ...elements(coordinatorKeys)] : []
}

function elements(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== ''
}
