/** `ottla record consume` */
import { ClientError } from '../../client/client-error.ts'
import { PartitionReader, type ReadRange } from '../../client/partition-reader.ts'
import { parseCount } from '../shell/arguments.ts'
import { type Extent, extentsOf, offsetsOf, parsePlace } from '../shell/place.ts'
import type { Session } from '../shell/session.ts'
import { UsageError } from '../shell/usage-error.ts'
import { namedPartitions } from '../topic/named-topics.ts'
import { consumeAsMember } from './consume-group.ts'
import type { ConsumeOptions } from './consume-options.ts'
import { RecordSink } from './record-sink.ts'
import { recordJson } from './record-text.ts'
import { parseTemplate, type RecordPrinter } from './template.ts'

export async function consumeRecords(session: Session, options: ConsumeOptions, texts: string[]): Promise<void> {
  check(options)
  session.endsItself = true
  const { isolation } = options
  const countMax =
    options.count === undefined ? Number.POSITIVE_INFINITY : parseCount(options.count, 'count', Number.MAX_SAFE_INTEGER)
  const sink = new RecordSink(session, printerOf(session, options), countMax)
  if (options.group !== undefined) return consumeAsMember(session, { ...options, group: options.group }, texts, sink)
  const partitions = await namedPartitions(session, texts)
  const ranges = await rangesOf(session, options, await extentsOf(session.client, partitions, isolation))
  const reader = new PartitionReader(session.client, ranges, {
    isolation,
    signal: session.terminal.interrupted,
    onSkip: ({ topic, partition }, from, to) => {
      void session.note(`${topic}:${partition}: records from ${from} to ${to - 1} are gone`)
    },
  })
  for await (const piece of reader.read()) {
    await sink.takeAll(piece)
    if (sink.hasEnough) break
  }
  await sink.end()
}

async function rangesOf(session: Session, options: ConsumeOptions, extents: readonly Extent[]): Promise<ReadRange[]> {
  const nowMs = session.host.clock.now()
  const fallback = options.follow ? 'latest' : 'earliest'
  const from = options.tail === undefined ? (options.from ?? fallback) : `-${parseCount(options.tail, 'tail')}`
  const place = parsePlace(from, 'from', nowMs)
  const begins = await offsetsOf(session.client, extents, place)
  const ends =
    options.to === undefined ? null : await offsetsOf(session.client, extents, parsePlace(options.to, 'to', nowMs))
  return extents.map(({ topic, partition, begin, end }, i) => {
    const offset = begins[i]
    if (place.kind === 'offset' && (offset < begin || offset > end)) {
      if (extents.length === 1) throw outside(extents[0], offset)
    }
    const until = options.follow ? (ends?.[i] ?? null) : Math.min(end, ends?.[i] ?? end)
    return { topic, partition, from: Math.min(Math.max(offset, begin), end), until }
  })
}

function outside({ topic, partition, begin, end }: Extent, offset: number): ClientError {
  const holds = begin === end ? `It is empty; the next offset is ${end}.` : `It holds ${begin} to ${end - 1}.`
  return new ClientError('not-found', `partition ${partition} of ${topic} has no offset ${offset}`, { hints: [holds] })
}

function check({ tail, from, raw, format, follow, to }: ConsumeOptions): void {
  if (tail !== undefined && from !== undefined) throw new UsageError('--tail or --from, not both')
  if (raw && format !== undefined) throw new UsageError('--raw or --format, not both')
  if (follow && to === 'latest') throw new UsageError('--follow goes beyond --to latest')
}

function printerOf(session: Session, { format, raw, null: shownNull }: ConsumeOptions): RecordPrinter {
  if (session.json) {
    if (raw || format !== undefined) throw new UsageError('--json, --raw or --format: one of them')
    return record => [recordJson(record), '\n']
  }
  if (raw) return ({ value }) => (value === null ? [] : [value])
  return parseTemplate(format ?? '%v\\n', shownNull)
}
