/** Templates for records, as in `--format '%p:%o %k=%v\n'`. */
import type { ReadRecord } from '../../client/fetched-records.ts'
import { shownInstant } from '../shell/duration.ts'
import { UsageError } from '../shell/usage-error.ts'
import { unescaped } from './escapes.ts'
import { recordJson } from './record-text.ts'

export type RecordPrinter = (record: ReadRecord) => readonly (string | Buffer)[]

const null_ = (bytes: Buffer | null, shown: string) => bytes ?? shown

/** What follows a % sign. docs/cli.md has the same table. */
const fields: Readonly<Record<string, (record: ReadRecord, shownNull: string) => string | Buffer>> = {
  t: ({ topic }) => topic,
  p: ({ partition }) => String(partition),
  o: ({ offset }) => String(offset),
  k: ({ key }, shownNull) => null_(key, shownNull),
  v: ({ value }, shownNull) => null_(value, shownNull),
  s: ({ value }, shownNull) => null_(value, shownNull),
  K: ({ key }) => String(key?.length ?? -1),
  V: ({ value }) => String(value?.length ?? -1),
  S: ({ value }) => String(value?.length ?? -1),
  T: ({ timestampMs }) => String(timestampMs),
  d: ({ timestampMs }) => shownInstant(timestampMs),
  h: ({ headers }, shownNull) =>
    headers.map(({ key, value }) => `${key}=${value?.toString('utf8') ?? shownNull}`).join(','),
  j: record => recordJson(record),
  '%': () => '%',
}

/** Throws UsageError for a letter that means nothing. */
export function parseTemplate(text: string, shownNull: string): RecordPrinter {
  const parts: ((record: ReadRecord) => string | Buffer)[] = []
  let literal = ''
  for (let at = 0; at < text.length; at++) {
    if (text[at] !== '%') {
      literal += text[at]
      continue
    }
    const letter = text[++at] ?? ''
    const field = Object.hasOwn(fields, letter) ? fields[letter] : null
    if (!field) {
      throw new UsageError(`--format: %${letter} means nothing`, [
        `There are ${Object.keys(fields)
          .map(each => `%${each}`)
          .join(' ')}.`,
      ])
    }
    const before = unescaped(literal)
    literal = ''
    if (before !== '') parts.push(() => before)
    parts.push(record => field(record, shownNull))
  }
  const after = unescaped(literal)
  if (after !== '') parts.push(() => after)
  return record => parts.map(part => part(record))
}
