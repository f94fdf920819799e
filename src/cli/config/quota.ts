/** `ottla config quotas` and `ottla config set-quota` */
import {
  changeQuota,
  type Quota,
  type QuotaEntity,
  type QuotaEntityType,
  quotasOf,
  quotasOfType,
} from '../../client/quotas.ts'
import { parseKeyValue } from '../shell/arguments.ts'
import type { Session } from '../shell/session.ts'
import { UsageError } from '../shell/usage-error.ts'

export interface QuotaOptions {
  readonly user?: readonly string[]
  readonly clientId?: readonly string[]
  readonly ip?: readonly string[]
  readonly dryRun?: boolean
}

const types: readonly QuotaEntityType[] = ['user', 'client-id', 'ip']

export async function describeQuotas(session: Session, options: QuotaOptions): Promise<void> {
  const entity = entityOf(options)
  const quotas = entity.length > 0 ? await quotasOf(session.client, entity) : await allQuotas(session)
  const sorted = quotas.sort((a, b) => (shownEntity(a.entity) < shownEntity(b.entity) ? -1 : 1))
  if (session.json) {
    return session.printJson({ quotas: sorted.map(({ entity, values }) => ({ entity: entityJson(entity), values })) })
  }
  if (sorted.length === 0) return session.note('no quotas')
  await session.table(
    [{ title: 'WHO' }, { title: 'QUOTA' }, { title: 'VALUE', align: 'right' }],
    sorted.flatMap(({ entity, values }) =>
      Object.entries(values).map(([key, value]) => [shownEntity(entity), key, String(value)]),
    ),
  )
}

async function allQuotas({ client }: Session): Promise<Quota[]> {
  const found = new Map<string, Quota>()
  for (const type of types) {
    for (const quota of await quotasOfType(client, type)) found.set(shownEntity(quota.entity), quota)
  }
  return [...found.values()]
}

export async function setQuota(session: Session, options: QuotaOptions, texts: string[]): Promise<void> {
  const entity = entityOf(options)
  if (entity.length === 0) throw new UsageError('whose quota?', ['--user, --client-id or --ip says it.'])
  const changes = new Map(
    texts.map(text => {
      const [key, value] = parseKeyValue(text, 'quota')
      if (value !== '' && !(Number(value) >= 0)) throw new UsageError(`${text}: a number is expected`)
      return [key, value === '' ? null : Number(value)] as const
    }),
  )
  await changeQuota(session.client, entity, changes, options.dryRun ?? false)
  if (session.json) {
    return session.printJson({
      entity: entityJson(entity),
      changes: Object.fromEntries(changes),
      dryRun: options.dryRun ?? false,
    })
  }
  await session.print(`${options.dryRun ? 'could change' : 'changed'} quotas of ${shownEntity(entity)}\n`)
}

function entityOf({ user, clientId, ip }: QuotaOptions): QuotaEntity[] {
  const entity: QuotaEntity[] = []
  for (const [type, names] of [
    ['user', user],
    ['client-id', clientId],
    ['ip', ip],
  ] as const) {
    if (names && names.length > 1) throw new UsageError(`--${type} was given more than once`)
    if (names) entity.push({ type, name: names[0] === 'default' ? null : names[0] })
  }
  return entity
}

function shownEntity(entity: readonly QuotaEntity[]): string {
  return entity.map(({ type, name }) => `${type} ${name ?? '(default)'}`).join(', ')
}

/** A default is null. */
function entityJson(entity: readonly QuotaEntity[]): object {
  return Object.fromEntries(entity.map(({ type, name }) => [type, name]))
}
