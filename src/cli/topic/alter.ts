/** `ottla topic alter` */
import { changeConfigs } from '../../client/configs.ts'
import { addPartitions, type Outcome } from '../../client/topics.ts'
import { counted, parseCount, parseKeyValues } from '../shell/arguments.ts'
import { reportOutcomes } from '../shell/outcomes.ts'
import type { Session } from '../shell/session.ts'
import { UsageError } from '../shell/usage-error.ts'
import { parseAssignments } from './create.ts'
import { namedTopics } from './named-topics.ts'

export interface AlterTopicsOptions {
  readonly partitions?: string
  readonly assignment?: string
  readonly config?: readonly string[]
  readonly unset?: readonly string[]
  readonly dryRun?: boolean
  readonly yes?: boolean
}

interface Altered {
  readonly topic: string
  readonly change: 'partitions' | 'settings'
}

export async function alterTopics(session: Session, options: AlterTopicsOptions, names: string[]): Promise<number> {
  const { config = [], unset = [], dryRun = false, partitions, assignment } = options
  const settings = config.length + unset.length > 0
  if (partitions === undefined && !settings) {
    throw new UsageError('nothing to change', ['--partitions, --config or --unset say what.'])
  }
  const values = parseKeyValues(config, 'config')
  const count = partitions === undefined ? null : parseCount(partitions, 'partitions')
  const topics = (await namedTopics(session, names)).map(({ name }) => name)
  const outcomes: Outcome<Altered>[] = []
  if (count !== null) {
    if (!dryRun)
      await session.confirm(
        `${counted(count, 'partition')} for ${topics.join(', ')}: keys may go elsewhere then. Go on`,
        options.yes || session.terminal.input.isTerminal === false,
      )
    const assignments = assignment === undefined ? undefined : parseAssignments(assignment)
    const added = await addPartitions(
      session.client,
      topics.map(name => ({ name, count, assignments })),
      dryRun,
    )
    outcomes.push(...added.map(({ item, error }) => ({ item: { topic: item, change: 'partitions' as const }, error })))
  }
  if (settings) {
    const changes = [
      ...[...values].map(([name, value]) => ({ name, operation: 'set' as const, value })),
      ...unset.map(name => ({ name, operation: 'delete' as const, value: null })),
    ]
    const resources = topics.map(name => ({ kind: 'topic' as const, name }))
    const changed = await changeConfigs(session.client, resources, changes, dryRun)
    outcomes.push(
      ...changed.map(({ item, error }) => ({ item: { topic: item.name, change: 'settings' as const }, error })),
    )
  }
  return reportOutcomes(session, outcomes, {
    done: ({ topic, change }) =>
      change === 'partitions'
        ? `topic ${topic} ${dryRun ? 'could have' : 'has'} ${counted(count ?? 0, 'partition')}`
        : `${dryRun ? 'could change' : 'changed'} settings of topic ${topic}`,
    json: item => ({ ...item, dryRun }),
  })
}
