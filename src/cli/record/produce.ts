/** `ottla record produce` */
import type { NewRecord } from '../../../protocol/records/builder.ts'
import { type CodecName, codecByName } from '../../../protocol/records/compression.ts'
import type { RecordHeader } from '../../../protocol/records/record.ts'
import { ClientError } from '../../client/client-error.ts'
import { type Delivery, Producer } from '../../client/producer.ts'
import { counted, parseKeyValue, parseNumber } from '../shell/arguments.ts'
import { parseInstant } from '../shell/duration.ts'
import { ExitCode } from '../shell/exit-codes.ts'
import { failureOf, shownFailure } from '../shell/failure.ts'
import { readPieces, readWhole } from '../shell/files.ts'
import { Progress } from '../shell/progress.ts'
import type { Session } from '../shell/session.ts'
import { UsageError } from '../shell/usage-error.ts'
import { namedTopics } from '../topic/named-topics.ts'
import { unescaped } from './escapes.ts'
import { type ParsedRecord, parseRecordJson, type Shown } from './record-text.ts'
import { splitAt } from './split.ts'

export interface ProduceOptions {
  readonly key?: string
  readonly value?: string
  readonly tombstone?: boolean
  readonly keyDelimiter?: string
  readonly delimiter: string
  readonly null?: string
  readonly wholeFiles?: boolean
  readonly format: 'text' | 'json'
  readonly header?: readonly string[]
  readonly partition?: string
  readonly ignorePartitions?: boolean
  readonly timestamp?: string
  readonly compression: CodecName
  readonly acks: 'all' | '1' | '0'
  readonly idempotence: boolean
}

export async function produceRecords(
  session: Session,
  options: ProduceOptions,
  topic: string,
  files: string[],
): Promise<number> {
  const parse = parserOf(session, options)
  session.endsItself = true
  const partition = options.partition === undefined ? null : parseNumber(options.partition, '--partition')
  await namedTopics(session, [topic])
  const tally = new Tally()
  const progress = new Progress(session)
  const producer = new Producer(
    session.client,
    {
      topic,
      acks: options.acks === 'all' ? -1 : options.acks === '1' ? 1 : 0,
      idempotent: options.acks === 'all' && options.idempotence,
      codecId: codecByName(options.compression).id,
    },
    delivery => {
      tally.delivered(delivery)
      progress.show(() => `${counted(tally.records, 'record')} produced`)
    },
  )
  let taken = 0
  try {
    await openProducer(producer, options)
    for await (const records of recordsIn(session, options, files, parse)) {
      if (session.terminal.interrupted.aborted) break
      const nowMs = session.host.clock.now()
      for (const { record, partition: own } of records) {
        const stamped = record.timestampMs === undefined ? { ...record, timestampMs: nowMs } : record
        const full = producer.send(stamped, partition ?? (options.ignorePartitions ? null : own))
        if (full) await full
        taken++
      }
    }
    await producer.flush()
  } catch (error) {
    await progress.end()
    if (tally.records === 0) throw error
    return unfinished(session, error, tally, taken)
  }
  await progress.end()
  if (session.json) await session.printJson({ topic, records: tally.records, partitions: tally.partitions() })
  else if (session.terminal.errors.isTerminal)
    await session.note(`${counted(tally.records, 'record')} produced to ${topic}`)
  return ExitCode.OK
}

/** Clusters before 0.11 have no producer ids. */
async function openProducer(producer: Producer, { idempotence }: ProduceOptions): Promise<void> {
  try {
    await producer.open()
  } catch (error) {
    if (!idempotence || !(error instanceof ClientError) || error.failure !== 'unsupported') throw error
    throw new ClientError('unsupported', error.message, { hints: ['--no-idempotence does without a producer id.'] })
  }
}

async function unfinished(session: Session, error: unknown, tally: Tally, taken: number): Promise<number> {
  const failure = failureOf(error)
  const hints = [...failure.hints, `${tally.records} of ${counted(taken, 'record')} read were acknowledged before.`]
  await session.terminal.errors.write(shownFailure({ ...failure, hints }, session.json))
  return ExitCode.PARTIAL
}

type Parse = (line: Buffer, shown: Shown) => ParsedRecord

async function* recordsIn(
  session: Session,
  options: ProduceOptions,
  files: readonly string[],
  parse: Parse,
): AsyncGenerator<Iterable<ParsedRecord>, void, void> {
  if (options.tombstone || options.value !== undefined) {
    const value = options.tombstone ? null : Buffer.from(options.value ?? '')
    const { record } = parse(value ?? Buffer.alloc(0), () => '--value')
    yield [{ record: { ...record, value: options.tombstone ? null : record.value }, partition: null }]
    return
  }
  const paths = files.length > 0 ? files : ['-']
  if (paths.includes('-') && session.terminal.input.isTerminal) await session.note('one record a line; Ctrl-D ends')
  for (const path of paths) {
    if (options.wholeFiles) {
      yield [parse(await readWhole(session, path), () => path)]
      continue
    }
    let before = 0
    for await (const pieces of splitAt(untilInterrupted(session, path), Buffer.from(unescaped(options.delimiter)))) {
      yield parsedPieces(pieces, before, path, parse)
      before += pieces.length
    }
  }
}

/** One by one, so that what stands before a record that makes no sense is sent. */
function* parsedPieces(
  pieces: readonly Buffer[],
  before: number,
  path: string,
  parse: Parse,
): Generator<ParsedRecord, void, void> {
  const place = path === '-' ? 'standard input' : path
  for (let i = 0; i < pieces.length; i++) yield parse(pieces[i], () => `${place}, record ${before + i + 1}`)
}

/** A person's Ctrl-C ends the reading; what was read is still sent. */
async function* untilInterrupted(session: Session, path: string): AsyncGenerator<Buffer, void, void> {
  const { interrupted } = session.terminal
  const stopped = new Promise<null>(resolve =>
    interrupted.addEventListener('abort', () => resolve(null), { once: true }),
  )
  const pieces = readPieces(session, path)
  while (!interrupted.aborted) {
    const next = await Promise.race([pieces.next(), stopped])
    if (next === null || next.done) return
    yield next.value
  }
}

/** How a piece of the input becomes a record. Throws UsageError for options that do not go together. */
function parserOf(session: Session, options: ProduceOptions): Parse {
  const { format, key, keyDelimiter, timestamp } = options
  if (options.delimiter === '') throw new UsageError('--delimiter is empty')
  if (options.tombstone && key === undefined) throw new UsageError('--tombstone needs --key: of what?')
  if (options.tombstone && options.value !== undefined) throw new UsageError('--tombstone is a record without --value')
  if (key !== undefined && keyDelimiter !== undefined) throw new UsageError('--key or --key-delimiter, not both')
  const timestampMs = timestamp === undefined ? undefined : parseInstant(timestamp, session.host.clock.now())
  if (timestampMs === null) throw new UsageError(`--timestamp ${timestamp}: a time is expected`)
  const headers: RecordHeader[] = (options.header ?? []).map(each => {
    const [name, value] = parseKeyValue(each, 'header')
    return { key: name, value: nullable(Buffer.from(value), options.null) }
  })
  const fixedKey = key === undefined ? null : nullable(Buffer.from(key), options.null)
  const withDefaults = ({ key, value, headers: own = [], timestampMs: ownMs }: NewRecord): NewRecord => ({
    key: key ?? fixedKey,
    value,
    headers: own.length === 0 ? headers : [...own, ...headers],
    timestampMs: timestampMs ?? ownMs,
  })
  if (format === 'json') {
    if (keyDelimiter !== undefined) throw new UsageError('--key-delimiter is for --format text')
    return (line, shown) => {
      const { record, partition } = parseRecordJson(line.toString('utf8'), shown)
      return { record: withDefaults(record), partition }
    }
  }
  const delimiter = keyDelimiter === undefined ? null : Buffer.from(unescaped(keyDelimiter))
  return (line, shown) => ({ record: withDefaults(textRecord(line, delimiter, options.null, shown)), partition: null })
}

function textRecord(line: Buffer, delimiter: Buffer | null, nullText: string | undefined, shown: Shown): NewRecord {
  if (delimiter === null || delimiter.length === 0) return { key: null, value: nullable(line, nullText) }
  const at = line.indexOf(delimiter)
  if (at < 0) {
    throw new UsageError(`${shown()} has no key: ${JSON.stringify(delimiter.toString('utf8'))} is not in it`, [
      'Records before it were sent.',
    ])
  }
  return {
    key: nullable(line.subarray(0, at), nullText),
    value: nullable(line.subarray(at + delimiter.length), nullText),
  }
}

function nullable(bytes: Buffer, nullText: string | undefined): Buffer | null {
  return nullText !== undefined && bytes.equals(Buffer.from(nullText)) ? null : bytes
}

/** What was acknowledged, by partition. */
class Tally {
  records = 0
  readonly #partitions = new Map<number, { records: number; firstOffset: number; lastOffset: number }>()

  delivered({ partition, baseOffset, records }: Delivery): void {
    this.records += records
    const known = this.#partitions.get(partition)
    const lastOffset = baseOffset < 0 ? -1 : baseOffset + records - 1
    if (!known) this.#partitions.set(partition, { records, firstOffset: baseOffset, lastOffset })
    else {
      known.records += records
      known.lastOffset = lastOffset
    }
  }

  partitions(): object[] {
    return [...this.#partitions].sort(([a], [b]) => a - b).map(([partition, rest]) => ({ partition, ...rest }))
  }
}
