/** `ottla topic trim` */
import { Errors } from '../../../protocol/errors.ts'
import { refusal } from '../../client/client-error.ts'
import { findOffsets } from '../../client/offsets.ts'
import { byTopicAndPartition } from '../../client/topic-partition.ts'
import { type Trim, trimPartitions } from '../../client/topics.ts'
import { counted } from '../shell/arguments.ts'
import { parseInstant } from '../shell/duration.ts'
import { readJsonFile } from '../shell/files.ts'
import { reportOutcomes } from '../shell/outcomes.ts'
import type { Session } from '../shell/session.ts'
import { UsageError } from '../shell/usage-error.ts'
import { namedPartitions } from './named-topics.ts'

export interface TrimOptions {
  readonly before?: string
  readonly fromFile?: string
  readonly offsetJsonFile?: string
  readonly yes?: boolean
}

export async function trimTopics(session: Session, options: TrimOptions, texts: string[]): Promise<number> {
  const file = options.fromFile ?? options.offsetJsonFile
  const trims = file === undefined ? await trimsOf(session, options, texts) : await trimsOfFile(session, file)
  if (trims.length === 0) {
    await session.note('nothing to trim: no records are that old')
    return 0
  }
  const topics = [...new Set(trims.map(({ topic }) => topic))].join(', ')
  await session.confirm(`delete records of ${counted(trims.length, 'partition')} of ${topics}`, options.yes)
  const answers = await trimPartitions(session.client, trims)
  const outcomes = answers.sort(byTopicAndPartition).map(({ topic, partition, errorCode, value }) => ({
    item: { topic, partition, begin: errorCode === Errors.NONE ? value : null },
    error: errorCode === Errors.NONE ? null : refusal(`partition ${partition} of ${topic}`, errorCode),
  }))
  return reportOutcomes(session, outcomes, {
    done: ({ topic, partition, begin }) => `${topic}:${partition} begins at ${begin}`,
    json: item => item,
  })
}

async function trimsOf(session: Session, { before }: TrimOptions, texts: readonly string[]): Promise<Trim[]> {
  if (texts.length === 0) throw new UsageError('which topic? Name it, or --from-file')
  if (before === undefined) throw new UsageError('--before is missing', ['An offset, latest, or a time such as 7d.'])
  const partitions = await namedPartitions(session, texts)
  if (before === 'latest') return partitions.map(each => ({ ...each, before: -1 }))
  if (/^\d{1,15}$/.test(before)) return partitions.map(each => ({ ...each, before: Number(before) }))
  const timestamp = parseInstant(before, session.host.clock.now())
  if (timestamp === null) throw new UsageError(`--before ${before}: an offset, latest or a time is expected`)
  const found = await findOffsets(
    session.client,
    partitions.map(each => ({ ...each, timestamp })),
  )
  return found.map(({ topic, partition, errorCode, value }) => {
    if (errorCode !== Errors.NONE) throw refusal(`partition ${partition} of ${topic}`, errorCode)
    // No record is as young: all of them are older.
    return { topic, partition, before: value && value.offset >= 0 ? value.offset : -1 }
  })
}

async function trimsOfFile(session: Session, path: string): Promise<Trim[]> {
  const { partitions } = (await readJsonFile(session, path)) as { partitions?: unknown }
  if (!Array.isArray(partitions)) throw new UsageError(`${path}: {"partitions":[...]} is expected`)
  return partitions.map((each: Partial<Record<'topic' | 'partition' | 'offset', unknown>>) => {
    const { topic, partition, offset } = each
    if (typeof topic !== 'string' || typeof partition !== 'number' || typeof offset !== 'number') {
      throw new UsageError(`${path}: each partition has a topic, a partition and an offset`)
    }
    return { topic, partition, before: offset }
  })
}
