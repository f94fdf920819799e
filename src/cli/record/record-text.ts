/** Records as JSON lines; the same shape goes out of `consume` and into `produce`. */
import { isUtf8 } from 'node:buffer'
import type { NewRecord } from '../../../protocol/records/builder.ts'
import type { RecordHeader } from '../../../protocol/records/record.ts'
import type { ReadRecord } from '../../client/fetched-records.ts'
import { UsageError } from '../shell/usage-error.ts'

/** Text where it is UTF-8, otherwise base64, which `...Encoding` then says. */
export function recordJson(record: ReadRecord): string {
  const { topic, partition, offset, timestampMs: timestamp, timestampType, key, value, headers } = record
  return JSON.stringify({
    topic,
    partition,
    offset,
    timestamp,
    timestampType,
    ...encoded('key', key),
    ...encoded('value', value),
    headers: headers.map(header => ({ key: header.key, ...encoded('value', header.value) })),
  })
}

function encoded(name: 'key' | 'value', bytes: Buffer | null): object {
  if (bytes === null) return { [name]: null }
  if (isUtf8(bytes)) return { [name]: bytes.toString('utf8') }
  return { [name]: bytes.toString('base64'), [`${name}Encoding`]: 'base64' }
}

/** How a record is called in a complaint. */
export type Shown = () => string

export interface ParsedRecord {
  readonly record: NewRecord
  readonly partition: number | null
}

/** Throws UsageError. */
export function parseRecordJson(line: string, shown: Shown): ParsedRecord {
  let value: unknown
  try {
    value = JSON.parse(line)
  } catch (error) {
    throw new UsageError(`${shown()} is no JSON: ${(error as Error).message}`)
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new UsageError(`${shown()}: an object is expected`, ['Such as {"key":"a","value":"b"}.'])
  }
  const fields = value as Record<string, unknown>
  const { partition, timestamp, headers } = fields
  return {
    record: {
      key: decoded(fields, 'key', shown),
      value: decoded(fields, 'value', shown),
      headers: headersOf(headers, shown),
      ...(timestamp === undefined || timestamp === null
        ? {}
        : { timestampMs: wholeNumber(timestamp, () => `${shown()}: timestamp`) }),
    },
    partition:
      partition === undefined || partition === null ? null : wholeNumber(partition, () => `${shown()}: partition`),
  }
}

/** A value that is no text is written as JSON. */
function decoded(fields: Record<string, unknown>, name: 'key' | 'value', shown: Shown): Buffer | null {
  const value = fields[name]
  if (value === undefined || value === null) return null
  if (fields[`${name}Encoding`] === 'base64') {
    if (typeof value !== 'string') throw new UsageError(`${shown()}: ${name} is no text in base64`)
    return Buffer.from(value, 'base64')
  }
  return Buffer.from(typeof value === 'string' ? value : JSON.stringify(value))
}

function headersOf(headers: unknown, shown: Shown): RecordHeader[] {
  if (headers === undefined || headers === null) return []
  if (Array.isArray(headers)) {
    return headers.map((each: Record<string, unknown>) => {
      if (typeof each?.key !== 'string') throw new UsageError(`${shown()}: a header without a key`)
      return { key: each.key, value: decoded(each, 'value', shown) }
    })
  }
  if (typeof headers !== 'object') throw new UsageError(`${shown()}: headers are a list or an object`)
  return Object.entries(headers).map(([key, value]) => ({ key, value: decoded({ value }, 'value', shown) }))
}

function wholeNumber(value: unknown, what: Shown): number {
  if (typeof value === 'number' && Number.isSafeInteger(value)) return value
  throw new UsageError(`${what()} ${JSON.stringify(value)} is no whole number`)
}
