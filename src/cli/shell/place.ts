/** Places in partitions as people name them: earliest, latest, an offset, the last N, a time. */
import { Errors } from '../../../protocol/errors.ts'
import type { Client } from '../../client/client.ts'
import { refusal } from '../../client/client-error.ts'
import { earliest, findOffsets, type Isolation, latest, type OffsetQuery } from '../../client/offsets.ts'
import type { TopicPartition } from '../../client/topic-partition.ts'
import { parseInstant } from './duration.ts'
import { UsageError } from './usage-error.ts'

export type Place =
  | { readonly kind: 'earliest' }
  | { readonly kind: 'latest' }
  | { readonly kind: 'offset'; readonly offset: number }
  /** So many records before the end. */
  | { readonly kind: 'last'; readonly records: number }
  | { readonly kind: 'time'; readonly timestampMs: number }

/** Throws UsageError. */
export function parsePlace(text: string, option: string, nowMs: number): Place {
  if (text === 'earliest' || text === 'beginning' || text === 'start') return { kind: 'earliest' }
  if (text === 'latest' || text === 'end') return { kind: 'latest' }
  if (/^-\d{1,15}$/.test(text)) return { kind: 'last', records: Number(text.slice(1)) }
  if (/^\d{1,15}$/.test(text)) return { kind: 'offset', offset: Number(text) }
  const timestampMs = parseInstant(text.replace(/^@/, ''), nowMs)
  if (timestampMs !== null) return { kind: 'time', timestampMs }
  throw new UsageError(`--${option} ${text}: no such place`, [
    'earliest, latest, an offset, -N for the last N, a time (2026-01-31T12:00, @1769860800000), or 2h for two hours ago.',
  ])
}

export interface Extent extends TopicPartition {
  readonly begin: number
  readonly end: number
}

/** Where partitions begin and end now. Throws ClientError. */
export async function extentsOf(
  client: Client,
  partitions: readonly TopicPartition[],
  isolation: Isolation = 'read_uncommitted',
): Promise<Extent[]> {
  const [begins, ends] = await Promise.all([
    offsetsAt(
      client,
      partitions.map(each => ({ ...each, timestamp: earliest })),
      isolation,
    ),
    offsetsAt(
      client,
      partitions.map(each => ({ ...each, timestamp: latest })),
      isolation,
    ),
  ])
  return partitions.map(({ topic, partition }, i) => ({ topic, partition, begin: begins[i], end: ends[i] }))
}

/** The offset of a place in each partition, within what it holds. Throws ClientError. */
export async function offsetsOf(client: Client, extents: readonly Extent[], place: Place): Promise<number[]> {
  switch (place.kind) {
    case 'earliest':
      return extents.map(({ begin }) => begin)
    case 'latest':
      return extents.map(({ end }) => end)
    case 'offset':
      return extents.map(() => place.offset)
    case 'last':
      return extents.map(({ begin, end }) => Math.max(begin, end - place.records))
    case 'time': {
      const queries = extents.map(({ topic, partition }) => ({ topic, partition, timestamp: place.timestampMs }))
      const found = await offsetsAt(client, queries, 'read_uncommitted')
      // No record is as young: after all of them.
      return extents.map(({ end }, i) => (found[i] < 0 ? end : Math.min(found[i], end)))
    }
  }
}

async function offsetsAt(client: Client, queries: readonly OffsetQuery[], isolation: Isolation): Promise<number[]> {
  const answers = await findOffsets(client, queries, isolation)
  return answers.map(({ topic, partition, errorCode, value }) => {
    if (errorCode !== Errors.NONE || value === null) throw refusal(`partition ${partition} of ${topic}`, errorCode)
    return value.offset
  })
}
