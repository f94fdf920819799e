/** `ottla topic create` */
import { Errors } from '../../../protocol/errors.ts'
import { ClientError } from '../../client/client-error.ts'
import { makeTopics } from '../../client/topics.ts'
import { counted, parseCount, parseKeyValues } from '../shell/arguments.ts'
import { reportOutcomes } from '../shell/outcomes.ts'
import type { Session } from '../shell/session.ts'
import { UsageError } from '../shell/usage-error.ts'
import { parseNumbers } from './named-topics.ts'

export interface CreateTopicOptions {
  readonly partitions?: string
  readonly replicationFactor?: string
  readonly config?: readonly string[]
  readonly assignment?: string
  readonly replicaAssignment?: string
  readonly ifNotExists?: boolean
  readonly dryRun?: boolean
}

export async function createTopic(session: Session, options: CreateTopicOptions, names: string[]): Promise<number> {
  const { ifNotExists, dryRun = false, assignment = options.replicaAssignment } = options
  if (assignment !== undefined && (options.partitions ?? options.replicationFactor) !== undefined) {
    throw new UsageError('--assignment says how many partitions and copies there are: leave the numbers out')
  }
  const wanted = {
    partitions: options.partitions === undefined ? -1 : parseCount(options.partitions, 'partitions'),
    replicationFactor:
      options.replicationFactor === undefined
        ? -1
        : parseCount(options.replicationFactor, 'replication-factor', 32_767),
    configs: parseKeyValues(options.config ?? [], 'config'),
    assignments: assignment === undefined ? undefined : parseAssignments(assignment),
  }
  const made = await makeTopics(
    session.client,
    [...new Set(names)].map(name => ({ name, ...wanted })),
    dryRun,
  )
  const existed = new Set<string>()
  const outcomes = made.map(outcome => {
    const { error } = outcome
    if (!ifNotExists || !(error instanceof ClientError) || error.code !== Errors.TOPIC_ALREADY_EXISTS) return outcome
    existed.add(outcome.item.name)
    return { ...outcome, error: null }
  })
  return reportOutcomes(session, outcomes, {
    done({ name, partitions, replicationFactor }) {
      if (existed.has(name)) return `topic ${name} exists already`
      const size =
        partitions > 0 ? ` (${counted(partitions, 'partition')}, ${counted(replicationFactor, 'replica')})` : ''
      return `${dryRun ? 'could create' : 'created'} topic ${name}${size}`
    },
    json: ({ name, id, partitions, replicationFactor }) => {
      return { topic: name, id, partitions, replicationFactor, created: !existed.has(name) && !dryRun }
    },
  })
}

/** `1:2,2:3`: partition 0 on brokers 1 and 2, partition 1 on 2 and 3. */
export function parseAssignments(text: string): number[][] {
  return text.split(',').map(each => each.split(':').flatMap(id => parseNumbers(id, `--assignment ${text}`)))
}
