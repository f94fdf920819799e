/** Quotas of users, clients and addresses. */
import { Errors } from '../../protocol/errors.ts'
import { describeClientQuotas } from '../../protocol/messages/48-describe-client-quotas.ts'
import { alterClientQuotas } from '../../protocol/messages/49-alter-client-quotas.ts'
import type { Client } from './client.ts'
import { refusal } from './client-error.ts'

export type QuotaEntityType = 'user' | 'client-id' | 'ip'

export interface QuotaEntity {
  readonly type: QuotaEntityType
  /** Null: the default, for all that have none of their own. */
  readonly name: string | null
}

export interface Quota {
  readonly entity: readonly QuotaEntity[]
  readonly values: Readonly<Record<string, number>>
}

const exact = 0
const byDefault = 1
const anyName = 2

/** Those of exactly this entity, or with no entity all there are. */
export async function quotasOf(client: Client, entity: readonly QuotaEntity[]): Promise<Quota[]> {
  const answer = await client.ask(
    'any',
    describeClientQuotas,
    {
      components: entity.map(({ type, name }) => ({
        entityType: type,
        matchType: name === null ? byDefault : exact,
        match: name,
      })),
      strict: entity.length > 0,
    },
    { codes: ({ errorCode }) => [errorCode] },
  )
  if (answer.errorCode !== Errors.NONE) throw refusal('quotas', answer.errorCode, answer.errorMessage)
  return quotasIn(answer)
}

/** All that name an entity of this type. */
export async function quotasOfType(client: Client, type: QuotaEntityType): Promise<Quota[]> {
  const answer = await client.ask(
    'any',
    describeClientQuotas,
    { components: [{ entityType: type, matchType: anyName, match: null }], strict: false },
    { codes: ({ errorCode }) => [errorCode] },
  )
  if (answer.errorCode !== Errors.NONE) throw refusal('quotas', answer.errorCode, answer.errorMessage)
  return quotasIn(answer)
}

interface QuotaEntries {
  readonly entries:
    | readonly {
        readonly entity: readonly { readonly entityType: string; readonly entityName: string | null }[]
        readonly values: readonly { readonly key: string; readonly value: number }[]
      }[]
    | null
}

function quotasIn({ entries }: QuotaEntries): Quota[] {
  return (entries ?? []).map(({ entity, values }) => ({
    entity: entity.map(({ entityType, entityName }) => ({ type: entityType as QuotaEntityType, name: entityName })),
    values: Object.fromEntries(
      values.map(({ key, value }) => [key, value] as const).sort(([a], [b]) => (a < b ? -1 : 1)),
    ),
  }))
}

/** Null takes a quota away. Throws ClientError. */
export async function changeQuota(
  client: Client,
  entity: readonly QuotaEntity[],
  changes: ReadonlyMap<string, number | null>,
  validateOnly: boolean,
): Promise<void> {
  const answer = await client.ask(
    'controller',
    alterClientQuotas,
    {
      entries: [
        {
          entity: entity.map(({ type, name }) => ({ entityType: type, entityName: name })),
          ops: [...changes].map(([key, value]) => ({ key, value: value ?? 0, remove: value === null })),
        },
      ],
      validateOnly,
    },
    { codes: ({ entries }) => entries.map(each => each.errorCode) },
  )
  const failed = answer.entries.find(({ errorCode }) => errorCode !== Errors.NONE)
  if (failed) throw refusal('quota', failed.errorCode, failed.errorMessage)
}
