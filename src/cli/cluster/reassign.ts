/** `ottla cluster reassign ...`; plans are in Kafka's JSON. */
import { clusterOf } from '../../client/cluster.ts'
import { pause } from '../../client/deadline.ts'
import {
  type Assignment,
  planAssignments,
  type Reassignment,
  reassign,
  reassignmentsOf,
} from '../../client/reassignments.ts'
import { byTopic, partitionName } from '../../client/topic-partition.ts'
import { listTopics } from '../../client/topics.ts'
import { counted, parseCount } from '../shell/arguments.ts'
import { ExitCode } from '../shell/exit-codes.ts'
import { readJsonFile } from '../shell/files.ts'
import { reportOutcomes } from '../shell/outcomes.ts'
import { Progress } from '../shell/progress.ts'
import type { Session } from '../shell/session.ts'
import { UsageError } from '../shell/usage-error.ts'
import { namedTopics, parseNumbers } from '../topic/named-topics.ts'

export interface PlanOptions {
  readonly brokers?: string
  readonly replicationFactor?: string
}

export async function makePlan(session: Session, options: PlanOptions, names: string[]): Promise<void> {
  const topics = await namedTopics(session, names)
  const up = (await clusterOf(session.client)).brokers.filter(({ fenced }) => !fenced)
  const ids =
    options.brokers === undefined
      ? up.map(({ id }) => id)
      : parseNumbers(options.brokers, `--brokers ${options.brokers}`)
  const brokers = ids.map(id => {
    const broker = up.find(each => each.id === id)
    if (!broker)
      throw new UsageError(`there is no broker ${id} that is up`, [`Those up: ${up.map(each => each.id).join(', ')}.`])
    return broker
  })
  const copies =
    options.replicationFactor === undefined ? null : parseCount(options.replicationFactor, 'replication-factor', 32_767)
  const most =
    copies ?? Math.max(...topics.flatMap(({ partitions }) => partitions.map(({ replicas }) => replicas.length)))
  if (most > brokers.length) {
    throw new UsageError(`${counted(most, 'copy', 'copies')} need as many brokers, and there are ${brokers.length}`)
  }
  const plan = planAssignments(topics, brokers, copies)
  await session.printJson({ version: 1, partitions: plan })
  const now = new Map(
    topics.flatMap(({ name, partitions }) =>
      partitions.map(each => [partitionName({ topic: name, ...each }), each.replicas]),
    ),
  )
  const moved = plan.reduce((sum, each) => {
    const before = now.get(partitionName(each)) ?? []
    return sum + each.replicas.filter(id => !before.includes(id)).length
  }, 0)
  if (session.terminal.errors.isTerminal)
    await session.note(`${counted(moved, 'replica')} to be moved; \`ottla cluster reassign execute\` does it`)
}

export interface ExecuteOptions {
  readonly yes?: boolean
  readonly wait?: boolean
}

export async function executePlan(session: Session, options: ExecuteOptions, file: string): Promise<number> {
  const plan = await readPlan(session, file)
  const before = await currentOf(session, plan)
  await session.confirm(`reassign ${counted(plan.length, 'partition')} of ${topicsOf(plan)}`, options.yes)
  // What it takes to go back.
  if (!session.json) await session.note(`until now: ${JSON.stringify({ version: 1, partitions: before })}`)
  const outcomes = await reassign(session.client, plan)
  const exitCode = await reportOutcomes(session, outcomes, {
    done: ({ topic, partition }) => `${topic}:${partition}: reassignment begun`,
    json: item => ({
      ...item,
      before: before.find(each => partitionName(each) === partitionName(item))?.replicas ?? [],
    }),
  })
  return options.wait && exitCode === ExitCode.OK ? waitFor(session, plan) : exitCode
}

const lookEveryMs = 250

/** Until everything has arrived, or somebody loses patience. */
async function waitFor(session: Session, plan: readonly Assignment[]): Promise<number> {
  const progress = new Progress(session)
  for (;;) {
    const open = (await standingOf(session, plan)).filter(({ state }) => state !== 'done').length
    progress.show(() => `${open} of ${counted(plan.length, 'partition')} under way`, 1 - open / plan.length)
    if (open === 0) break
    await pause(session.host.clock, lookEveryMs)
  }
  await progress.end()
  await session.note('all is where it shall be')
  return ExitCode.OK
}

export async function verifyPlan(session: Session, _options: object, file: string): Promise<number> {
  const standing = await standingOf(session, await readPlan(session, file))
  const done = standing.every(({ state }) => state === 'done')
  if (session.json) await session.printJson({ done, partitions: standing })
  else {
    await session.table(
      [
        { title: 'TOPIC' },
        { title: 'PARTITION', align: 'right' },
        { title: 'STATE' },
        { title: 'REPLICAS' },
        { title: 'WANTED' },
      ],
      standing.map(({ topic, partition, state, replicas, wanted }) => [
        topic,
        String(partition),
        state,
        replicas.join(','),
        wanted.join(','),
      ]),
    )
  }
  return done ? ExitCode.OK : ExitCode.CHECK_FAILED
}

export async function cancelReassignments(
  session: Session,
  { yes }: ExecuteOptions,
  file: string | undefined,
): Promise<number> {
  const running = await reassignmentsOf(session.client)
  const plan = file === undefined ? null : new Set((await readPlan(session, file)).map(partitionName))
  const wanted = running.filter(each => plan === null || plan.has(partitionName(each)))
  if (wanted.length === 0) {
    if (session.json) await session.printJson({ results: [] })
    else await session.note('nothing is being reassigned')
    return ExitCode.OK
  }
  await session.confirm(`cancel the reassignment of ${counted(wanted.length, 'partition')}`, yes)
  const outcomes = await reassign(
    session.client,
    wanted.map(({ topic, partition }) => ({ topic, partition, replicas: null })),
  )
  return reportOutcomes(session, outcomes, {
    done: ({ topic, partition }) => `${topic}:${partition}: cancelled`,
    json: item => item,
  })
}

export async function listReassignments(session: Session): Promise<void> {
  const running = await reassignmentsOf(session.client)
  if (session.json) return session.printJson({ reassignments: running })
  if (running.length === 0) return session.note('nothing is being reassigned')
  await session.table(
    [
      { title: 'TOPIC' },
      { title: 'PARTITION', align: 'right' },
      { title: 'REPLICAS' },
      { title: 'ADDING' },
      { title: 'REMOVING' },
    ],
    running.map(({ topic, partition, replicas, adding, removing }: Reassignment) => [
      topic,
      String(partition),
      replicas.join(','),
      adding.join(',') || '-',
      removing.join(',') || '-',
    ]),
  )
}

type State = 'done' | 'moving' | 'not begun'

async function standingOf(session: Session, plan: readonly Assignment[]) {
  const running = new Set((await reassignmentsOf(session.client)).map(partitionName))
  const now = await currentOf(session, plan)
  return plan.map(({ topic, partition, replicas: wanted }, i) => {
    const { replicas } = now[i]
    const same = replicas.join() === wanted.join()
    const state: State = running.has(partitionName({ topic, partition })) ? 'moving' : same ? 'done' : 'not begun'
    return { topic, partition, state, replicas, wanted }
  })
}

/** Where the partitions of a plan are now. Throws ClientError for one that does not exist. */
async function currentOf(session: Session, plan: readonly Assignment[]): Promise<Assignment[]> {
  await namedTopics(session, [...new Set(plan.map(({ topic }) => topic))])
  const topics = new Map(
    (await listTopics(session.client, [...new Set(plan.map(({ topic }) => topic))])).map(each => [each.name, each]),
  )
  return plan.map(({ topic, partition }) => {
    const replicas = topics.get(topic)?.partitions.find(each => each.partition === partition)?.replicas
    if (!replicas) throw new UsageError(`there is no partition ${partition} of ${topic}`)
    return { topic, partition, replicas }
  })
}

function topicsOf(plan: readonly Assignment[]): string {
  return byTopic(plan)
    .map(({ topic }) => topic)
    .join(', ')
}

async function readPlan(session: Session, path: string): Promise<Assignment[]> {
  const { partitions } = (await readJsonFile(session, path)) as { partitions?: unknown }
  if (!Array.isArray(partitions) || partitions.length === 0) {
    throw new UsageError(`${path}: {"version":1,"partitions":[...]} is expected`, [
      '`ottla cluster reassign plan` makes one.',
    ])
  }
  return partitions.map((each: Partial<Record<keyof Assignment, unknown>>) => {
    const { topic, partition, replicas } = each
    const isPlan =
      typeof topic === 'string' &&
      typeof partition === 'number' &&
      Array.isArray(replicas) &&
      replicas.every((id): id is number => Number.isInteger(id))
    if (!isPlan) throw new UsageError(`${path}: each partition has a topic, a partition and replicas`)
    return { topic, partition, replicas }
  })
}
