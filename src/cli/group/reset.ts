/** `ottla group reset` */
import { ClientError } from '../../client/client-error.ts'
import { commitOffsets, committedOffsets } from '../../client/group-offsets.ts'
import { describeGroup } from '../../client/groups.ts'
import { partitionName, type TopicPartition } from '../../client/topic-partition.ts'
import { readWhole } from '../shell/files.ts'
import { reportOutcomes } from '../shell/outcomes.ts'
import { type Extent, extentsOf, offsetsOf, parsePlace } from '../shell/place.ts'
import type { Session } from '../shell/session.ts'
import { UsageError } from '../shell/usage-error.ts'
import { namedPartitions } from '../topic/named-topics.ts'
import { unknownGroup } from './named-groups.ts'

export interface ResetGroupOptions {
  readonly topic?: readonly string[]
  readonly allTopics?: boolean
  readonly to?: string
  readonly shift?: string
  readonly fromFile?: string
  readonly export?: boolean
  readonly execute?: boolean
  readonly dryRun?: boolean
  readonly yes?: boolean
  readonly toEarliest?: boolean
  readonly toLatest?: boolean
  readonly toCurrent?: boolean
  readonly toOffset?: string
  readonly toDatetime?: string
  readonly byDuration?: string
  readonly shiftBy?: string
}

interface Reset extends TopicPartition {
  /** Null: nothing was committed. */
  readonly before: number | null
  readonly offset: number
}

export async function resetGroup(session: Session, options: ResetGroupOptions, group: string): Promise<number> {
  const wanted = wantedOf(options)
  if (options.execute && options.dryRun) throw new UsageError('--execute or --dry-run, not both')
  const before = new Map((await committedOffsets(session.client, group)).map(each => [partitionName(each), each]))
  const members = await checkGroup(session, group, before.size > 0, options.execute ?? false)
  const partitions =
    wanted.kind === 'file'
      ? await fileOffsets(session, wanted.path)
      : await partitionsOf(session, options, [...before.values()])
  const extents = await extentsOf(session.client, partitions)
  const offsets =
    wanted.kind === 'file'
      ? (partitions as readonly Reset[]).map(({ offset }) => offset)
      : await newOffsets(session, wanted, extents, before)
  const resets: Reset[] = extents.map(({ topic, partition, begin, end }, i) => ({
    topic,
    partition,
    before: before.get(partitionName({ topic, partition }))?.offset ?? null,
    // As Kafka does: what lies outside becomes the end that is nearer.
    offset: Math.min(Math.max(offsets[i], begin), end),
  }))
  if (options.export) return exported(session, resets)
  if (!options.execute) return shown(session, group, resets, members)
  await session.confirm(
    `set ${resets.length} offsets of group ${group}`,
    options.yes || !session.terminal.input.isTerminal,
  )
  const outcomes = await commitOffsets(session.client, group, resets)
  return reportOutcomes(
    session,
    outcomes.map(({ item, error }, i) => ({ item: { ...item, before: resets[i].before }, error })),
    {
      done: ({ topic, partition, offset, before }) => `${topic}:${partition}: ${before ?? 'nothing'} -> ${offset}`,
      json: ({ topic, partition, offset, before }) => ({ group, topic, partition, before, offset }),
    },
  )
}

type Wanted =
  | { readonly kind: 'place'; readonly text: string; readonly option: string }
  | { readonly kind: 'current' }
  | { readonly kind: 'shift'; readonly by: number }
  | { readonly kind: 'file'; readonly path: string }

function wantedOf(options: ResetGroupOptions): Wanted {
  const wanted: Wanted[] = []
  const place = (text: string | undefined, option: string) => {
    if (text !== undefined) wanted.push(text === 'current' ? { kind: 'current' } : { kind: 'place', text, option })
  }
  place(options.to, 'to')
  place(options.toEarliest ? 'earliest' : undefined, 'to-earliest')
  place(options.toLatest ? 'latest' : undefined, 'to-latest')
  place(options.toCurrent ? 'current' : undefined, 'to-current')
  place(options.toOffset, 'to-offset')
  place(options.toDatetime, 'to-datetime')
  place(options.byDuration, 'by-duration')
  const shift = options.shift ?? options.shiftBy
  if (shift !== undefined) {
    if (!/^[+-]?\d{1,15}$/.test(shift)) throw new UsageError(`--shift ${shift}: a number is expected`)
    wanted.push({ kind: 'shift', by: Number(shift) })
  }
  if (options.fromFile !== undefined) wanted.push({ kind: 'file', path: options.fromFile })
  if (wanted.length !== 1) {
    throw new UsageError(wanted.length === 0 ? 'where to?' : 'only one way to say where to', [
      '--to, --shift or --from-file says where the group shall go on.',
    ])
  }
  return wanted[0]
}

/** Gives how many members there are. Throws ClientError for a group that cannot be reset. */
async function checkGroup(session: Session, group: string, hasOffsets: boolean, execute: boolean): Promise<number> {
  try {
    const { members } = await describeGroup(session.client, group)
    if (members.length > 0 && execute) {
      throw new ClientError(
        'refused',
        `group ${group} has ${members.length} members: offsets can only be set while it has none`,
        {
          hints: ['Stop its consumers first; `ottla group describe GROUP --members` shows them.'],
        },
      )
    }
    return members.length
  } catch (error) {
    // A group that has never been may be given offsets to begin with, but a typing error is likelier.
    if (!(error instanceof ClientError) || error.failure !== 'not-found') throw error
    if (hasOffsets) return 0
    const unknown = await unknownGroup(session, group)
    if (unknown.hints.some(hint => hint.startsWith('Did you mean'))) throw unknown
    await session.note(`there is no group ${group} yet`)
    return 0
  }
}

async function partitionsOf(
  session: Session,
  { topic: texts = [], allTopics }: ResetGroupOptions,
  committed: readonly TopicPartition[],
): Promise<readonly TopicPartition[]> {
  if (texts.length > 0 === (allTopics ?? false)) {
    throw new UsageError('--topic or --all-topics says where', [
      '--topic orders, --topic orders:0 or --topic orders:0,2-4.',
    ])
  }
  if (!allTopics) return namedPartitions(session, texts)
  if (committed.length === 0)
    throw new UsageError('the group has no offsets anywhere', ['--topic names where to set them.'])
  return committed
}

async function newOffsets(
  session: Session,
  wanted: Exclude<Wanted, { kind: 'file' }>,
  extents: readonly Extent[],
  before: ReadonlyMap<string, { readonly offset: number }>,
): Promise<number[]> {
  const nowMs = session.host.clock.now()
  switch (wanted.kind) {
    case 'place':
      return offsetsOf(session.client, extents, parsePlace(wanted.text, wanted.option, nowMs))
    case 'current':
      return extents.map(extent => before.get(partitionName(extent))?.offset ?? extent.end)
    case 'shift':
      return extents.map(extent => {
        const at = before.get(partitionName(extent))?.offset
        if (at === undefined) {
          throw new UsageError(
            `nothing is committed in ${extent.topic}:${extent.partition}: from where shall it be shifted?`,
          )
        }
        return at + wanted.by
      })
  }
}

async function fileOffsets(session: Session, path: string): Promise<(TopicPartition & { offset: number })[]> {
  const lines = (await readWhole(session, path)).toString('utf8').split(/\r?\n/)
  const offsets = lines.flatMap((line, i) => {
    if (line.trim() === '' || line.startsWith('#')) return []
    const match = /^\s*"?([\w.-]+)"?\s*,\s*(\d+)\s*,\s*(\d+)\s*$/.exec(line)
    if (!match) throw new UsageError(`${path}, line ${i + 1}: topic,partition,offset is expected`)
    return [{ topic: match[1], partition: Number(match[2]), offset: Number(match[3]) }]
  })
  await namedPartitions(
    session,
    offsets.map(({ topic, partition }) => `${topic}:${partition}`),
  )
  return offsets
}

async function exported(session: Session, resets: readonly Reset[]): Promise<number> {
  await session.print(resets.map(({ topic, partition, offset }) => `${topic},${partition},${offset}\n`).join(''))
  return 0
}

async function shown(session: Session, group: string, resets: readonly Reset[], members: number): Promise<number> {
  if (session.json) {
    await session.printJson({ dryRun: true, results: resets.map(each => ({ group, ...each })) })
    return 0
  }
  const right = (title: string) => ({ title, align: 'right' }) as const
  await session.table(
    [{ title: 'TOPIC' }, right('PARTITION'), right('COMMITTED'), right('NEW')],
    resets.map(({ topic, partition, before, offset }) => [
      topic,
      String(partition),
      before === null ? '-' : String(before),
      String(offset),
    ]),
  )
  await session.note('nothing was changed; --execute does it')
  if (members > 0) await session.note(`the group has ${members} members: stop them before`)
  return 0
}
