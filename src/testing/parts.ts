/**
 * The topics and partitions that a request or an answer speaks of, found by its table: a list whose elements have the name or
 * the id of a topic, and inside of it a list of partitions. With that a request can be divided into the part that a hook
 * is about and the rest, and an answer can be made that has an error where its version has room for one.
 */
import { type AnyApi, type Field, type Fields, inRange } from '../../protocol/schema.ts'
import { zeroUuid } from '../../protocol/uuid.ts'

/** `partition` is -1 where a topic is named as a whole. */
export interface NamedPart {
  readonly topic: string
  readonly partition: number
}

/** The name of a topic by its id; empty for one that nobody knows. */
export type NameOf = (topicId: string) => string

/** Whether a hook is about it. */
export type IsMeant = (part: NamedPart) => boolean

export type Body = Readonly<Record<string, unknown>>
type AnyField = Field<unknown, unknown, boolean>

/** Where a message lists topics, and what is in each of them. */
interface TopicList {
  /** The lists around it, such as the groups of OffsetFetch, from the outside in. */
  readonly around: readonly string[]
  readonly list: string
  /** Of each element; null where topics are strings. */
  readonly fields: Fields | null
  readonly partitions: { readonly list: string; readonly fields: Fields | null; readonly number: string } | null
}

const topicKeys = ['topic', 'topicName', 'name', 'topicId']
const partitionNumbers = ['partitionIndex', 'partition', 'index', 'partitionId']
/** What else tells one element of a list from the others. */
const otherKeys = ['groupId', 'transactionalId', 'producerId', 'nodeId', 'memberId', 'key', 'logDir']
/** Lists of something else that has names or partitions. */
const besides = ['forgottenTopicsData', 'assignments', 'configs', 'protocols', 'brokers', 'supportedFeatures']
const namesOfLists = /topic|^responses$|^results$/i

const errorFields = ['errorCode', 'partitionErrorCode']

function has(fields: Fields, name: string, version: number): boolean {
  return fields[name] !== undefined && inRange(fields[name].versions, version)
}

function findTopics(fields: Fields, version: number): TopicList | null {
  for (const [list, field] of Object.entries(fields)) {
    if (field.kind !== 'array' || !inRange(field.versions, version) || besides.includes(list)) continue
    if (field.element === 'string' && /^topic(Name)?s$/.test(list)) {
      return { around: [], list, fields: null, partitions: null }
    }
    if (field.fields === null) continue
    const found = asTopics(list, field.fields, version)
    if (found) return found
    const inside = findTopics(field.fields, version)
    if (inside) return { ...inside, around: [list, ...inside.around] }
  }
  return null
}

function asTopics(list: string, fields: Fields, version: number): TopicList | null {
  const key = topicKeys.find(name => has(fields, name, version))
  if (key === undefined) return null
  const partitions = findPartitions(fields, version)
  if (key === 'name' && !partitions && !has(fields, 'topicId', version) && !namesOfLists.test(list)) return null
  return { around: [], list, fields, partitions }
}

function findPartitions(fields: Fields, version: number): TopicList['partitions'] {
  for (const [list, field] of Object.entries(fields)) {
    if (field.kind !== 'array' || !inRange(field.versions, version) || besides.includes(list)) continue
    if (field.element === 'int32' && /^partition/.test(list)) return { list, fields: null, number: '' }
    const inside = field.fields
    const number = inside && partitionNumbers.find(name => has(inside, name, version))
    if (inside && number) return { list, fields: inside, number }
  }
  return null
}

export function listOf(body: Body, name: string): readonly unknown[] {
  const value = body[name]
  return Array.isArray(value) ? value : []
}

export function isBody(value: unknown): value is Body {
  return typeof value === 'object' && value !== null
}

function topicNameOf(element: unknown, nameOf: NameOf): string {
  if (typeof element === 'string') return element
  if (!isBody(element)) return ''
  for (const key of ['topic', 'topicName', 'name']) {
    const name = element[key]
    if (typeof name === 'string' && name !== '') return name
  }
  const { topicId } = element
  return typeof topicId === 'string' && topicId !== zeroUuid ? nameOf(topicId) : ''
}

/** Every list of topics of a message, with the elements of the lists around it. */
function* topicListsIn(body: Body, around: readonly string[]): Generator<Body> {
  const [outer, ...inner] = around
  if (outer === undefined) yield body
  else for (const element of listOf(body, outer)) if (isBody(element)) yield* topicListsIn(element, inner)
}

function partitionsIn(topic: unknown, found: TopicList): number[] | null {
  const { partitions } = found
  if (partitions === null || !isBody(topic)) return null
  return listOf(topic, partitions.list).map(element => Number(isBody(element) ? element[partitions.number] : element))
}

/** What a request names, in its order. */
export function partsOf(api: AnyApi, version: number, request: Body, nameOf: NameOf): NamedPart[] {
  const found = findTopics(api.request.fields, version)
  if (found === null) return []
  const parts: NamedPart[] = []
  for (const holder of topicListsIn(request, found.around)) {
    for (const element of listOf(holder, found.list)) {
      const topic = topicNameOf(element, nameOf)
      for (const partition of partitionsIn(element, found) ?? [-1]) parts.push({ topic, partition })
    }
  }
  return parts
}

/** The message without what is meant; null when nothing is left of its topics. */
function without(fields: Fields, version: number, body: Body, isMeant: IsMeant, nameOf: NameOf): Body | null {
  const found = findTopics(fields, version)
  if (found === null) return body
  let left = 0
  const cut = (holder: Body): Body => {
    const topics = listOf(holder, found.list).flatMap((element): unknown[] => {
      const topic = topicNameOf(element, nameOf)
      const { partitions } = found
      if (partitions === null || !isBody(element)) return isMeant({ topic, partition: -1 }) ? [] : [element]
      const kept = listOf(element, partitions.list).filter(inner => {
        return !isMeant({ topic, partition: Number(isBody(inner) ? inner[partitions.number] : inner) })
      })
      return kept.length === 0 ? [] : [{ ...element, [partitions.list]: kept }]
    })
    left += topics.length
    return { ...holder, [found.list]: topics }
  }
  const result = changed(body, found.around, cut)
  return left === 0 ? null : result
}

function changed(body: Body, around: readonly string[], change: (holder: Body) => Body): Body {
  const [outer, ...inner] = around
  if (outer === undefined) return change(body)
  const elements = listOf(body, outer).map(element => (isBody(element) ? changed(element, inner, change) : element))
  return { ...body, [outer]: elements }
}

/** The request without what is meant; null when nothing is left. */
export function requestWithout(api: AnyApi, version: number, request: Body, isMeant: IsMeant, nameOf: NameOf) {
  return without(api.request.fields, version, request, isMeant, nameOf)
}

/** The answer without what is meant. */
export function responseWithout(api: AnyApi, version: number, response: Body, isMeant: IsMeant, nameOf: NameOf): Body {
  const found = findTopics(api.response.fields, version)
  if (found === null) return response
  return (
    without(api.response.fields, version, response, isMeant, nameOf) ??
    changed(response, found.around, holder => ({
      ...holder,
      [found.list]: [],
    }))
  )
}

/** Whether answers of this version have an error code for each partition, for each topic, or neither. */
export function errorPlace(api: AnyApi, version: number): 'partition' | 'topic' | null {
  const found = findTopics(api.response.fields, version)
  if (!found?.fields) return null
  const { partitions, fields } = found
  if (partitions?.fields && errorFields.some(name => has(partitions.fields ?? {}, name, version))) return 'partition'
  return errorFields.some(name => has(fields, name, version)) ? 'topic' : null
}

/** The answer, with the error at every partition that is meant. */
export function withErrors(
  api: AnyApi,
  version: number,
  response: Body,
  isMeant: IsMeant,
  failure: Failure,
  nameOf: NameOf,
): Body {
  const found = findTopics(api.response.fields, version)
  const { partitions } = found ?? {}
  if (!found || !partitions?.fields) return response
  const error = errorIn(partitions.fields, version, failure)
  return changed(response, found.around, holder => ({
    ...holder,
    [found.list]: listOf(holder, found.list).map(element => {
      if (!isBody(element)) return element
      const topic = topicNameOf(element, nameOf)
      const inner = listOf(element, partitions.list).map(each => {
        if (!isBody(each)) return each
        return isMeant({ topic, partition: Number(each[partitions.number]) }) ? { ...each, ...error } : each
      })
      return { ...element, [partitions.list]: inner }
    }),
  }))
}

export interface Failure {
  readonly code: number
  readonly message: string | null
}

/** An answer that tells of the meant parts of a request, and nothing else, that they failed; null where it cannot tell. */
export function failing(
  api: AnyApi,
  version: number,
  request: Body,
  isMeant: IsMeant,
  failure: Failure,
  nameOf: NameOf,
): Body | null {
  const asked = findTopics(api.request.fields, version)
  const told = findTopics(api.response.fields, version)
  if (!asked || !told || errorPlace(api, version) === null || asked.around.length !== told.around.length) return null
  const holders = (body: Body, fields: Fields, depth: number): Body => {
    if (depth < told.around.length) {
      const name = told.around[depth]
      const inner = fields[name].fields ?? {}
      const elements = listOf(body, asked.around[depth]).filter(isBody)
      return { ...blank(fields, version, body), [name]: elements.map(element => holders(element, inner, depth + 1)) }
    }
    const topics = listOf(body, asked.list).flatMap(element => {
      return failedTopic(element, asked, told, version, isMeant, failure, nameOf)
    })
    return { ...blank(fields, version, body), [told.list]: topics }
  }
  return holders(request, api.response.fields, 0)
}

function failedTopic(
  element: unknown,
  asked: TopicList,
  told: TopicList,
  version: number,
  isMeant: IsMeant,
  failure: Failure,
  nameOf: NameOf,
): Body[] {
  const fields = told.fields ?? {}
  const topic = topicNameOf(element, nameOf)
  const topicId = isBody(element) ? element.topicId : undefined
  const named = Object.fromEntries(topicKeys.map(key => [key, key === 'topicId' ? (topicId ?? zeroUuid) : topic]))
  const numbers = (partitionsIn(element, asked) ?? [-1]).filter(partition => isMeant({ topic, partition }))
  if (numbers.length === 0) return []
  const { partitions } = told
  if (partitions?.fields && numbers[0] >= 0) {
    const inner = partitions.fields
    const failed = numbers.map(number => ({
      ...blank(inner, version, {}),
      [partitions.number]: number,
      ...errorIn(inner, version, failure),
    }))
    return [{ ...blank(fields, version, named), [partitions.list]: failed }]
  }
  return [{ ...blank(fields, version, named), ...errorIn(fields, version, failure) }]
}

function errorIn(fields: Fields, version: number, { code, message }: Failure): Body {
  const name = errorFields.find(each => has(fields, each, version))
  if (name === undefined) return {}
  return has(fields, 'errorMessage', version) ? { [name]: code, errorMessage: message } : { [name]: code }
}

/** A structure that says nothing: what it has in common with `source`, else defaults, -1 for offsets. */
export function blank(fields: Fields, version: number, source: Body): Body {
  const result: Record<string, unknown> = {}
  for (const [name, field] of Object.entries(fields)) {
    if (!inRange(field.versions, version)) continue
    const isKey = topicKeys.includes(name) || otherKeys.includes(name)
    if (isKey && source[name] !== undefined) result[name] = source[name]
    else if (field.options.default === undefined && field.tag < 0) result[name] = blankValue(name, field, version)
  }
  return result
}

/** The body with everything in it that a message of this version has. */
export function whole(fields: Fields, version: number, body: Body): Body {
  const result: Record<string, unknown> = blank(fields, version, {})
  for (const [name, value] of Object.entries(body)) {
    const inner = fields[name]?.fields
    if (inner && Array.isArray(value))
      result[name] = value.map(each => (isBody(each) ? whole(inner, version, each) : each))
    else result[name] = inner && isBody(value) ? whole(inner, version, value) : value
  }
  return result
}

function blankValue(name: string, field: AnyField, version: number): unknown {
  if (inRange(field.nullable, version)) return null
  switch (field.kind) {
    case 'array':
      return []
    case 'struct':
      return blank(field.fields ?? {}, version, {})
    case 'string':
      return ''
    case 'bool':
      return false
    case 'bytes':
    case 'records':
      return Buffer.alloc(0)
    case 'uuid':
      return zeroUuid
    default:
      return /offset|epoch|timestamp|producerId|leaderId|watermark/i.test(name) ? -1 : 0
  }
}

/** Both answers in one: lists are joined, elements of both with the same names become one, else `first` counts. */
export function merged(fields: Fields, first: Body, second: Body): Body {
  const result: Record<string, unknown> = { ...second, ...first }
  for (const [name, field] of Object.entries(fields)) {
    if (field.kind !== 'array' || field.fields === null) continue
    const inner = field.fields
    const elements = listOf(first, name).filter(isBody).slice()
    for (const element of listOf(second, name).filter(isBody)) {
      const at = elements.findIndex(other => areSame(inner, element, other))
      if (at < 0) elements.push(element)
      else elements[at] = merged(inner, elements[at], element)
    }
    if (first[name] !== null || elements.length > 0) result[name] = elements
  }
  return result
}

function areSame(fields: Fields, one: Body, other: Body): boolean {
  const keys = [...topicKeys, ...partitionNumbers, ...otherKeys].filter(name => {
    return fields[name] !== undefined && one[name] !== undefined && other[name] !== undefined
  })
  return keys.length > 0 && keys.every(name => one[name] === other[name])
}
