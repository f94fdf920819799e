/**
 * DescribeClientQuotas, versions 0-1.
 *
 * - Quotas of users, client ids and addresses that match the filter (KIP-546): a name, the default, or any; strict asks for
 *   entities without further parts.
 */
import { Errors, KafkaError } from '../../protocol/errors.ts'
import { describeClientQuotas } from '../../protocol/messages/48-describe-client-quotas.ts'
import type { RequestOf } from '../../protocol/schema.ts'
import type { Quota } from '../metadata/entities.ts'
import { defineHandler } from './define.ts'

type Request = RequestOf<typeof describeClientQuotas>

const entityTypes = ['user', 'client-id', 'ip']
const matchTypes = { exact: 0, default: 1, any: 2 } as const

export const handler = defineHandler(describeClientQuotas, '0-1', (request, context) => {
  checkFilter(request)
  const entries = [...context.broker.metadata.quotas.values()].filter(quota => matches(quota, request))
  return {
    errorCode: Errors.NONE,
    errorMessage: '',
    entries: entries.map(({ entity, values }) => ({
      entity: entity.map(part => ({ ...part })),
      values: [...values].map(([key, value]) => ({ key, value })),
    })),
  }
})

function checkFilter({ components }: Request): void {
  const seen = new Set<string>()
  for (const { entityType, matchType, match } of components) {
    if (entityType === '') throw new KafkaError(Errors.INVALID_REQUEST, 'Invalid empty entity type.')
    if (seen.has(entityType)) {
      throw new KafkaError(
        Errors.INVALID_REQUEST,
        `Entity type ${entityType} cannot appear more than once in the filter.`,
      )
    }
    seen.add(entityType)
    if (!entityTypes.includes(entityType)) {
      throw new KafkaError(Errors.UNSUPPORTED_VERSION, `Unsupported entity type ${entityType}`)
    }
    if (matchType === matchTypes.exact && match === null) {
      throw new KafkaError(Errors.INVALID_REQUEST, 'Request specified MATCH_TYPE_EXACT, but set match string to null.')
    }
    const named = matchType === matchTypes.default ? 'MATCH_TYPE_DEFAULT' : 'MATCH_TYPE_SPECIFIED'
    if (matchType !== matchTypes.exact && match !== null) {
      throw new KafkaError(Errors.INVALID_REQUEST, `Request specified ${named}, but also specified a match string.`)
    }
    if (matchType < matchTypes.exact || matchType > matchTypes.any) {
      throw new KafkaError(Errors.INVALID_REQUEST, `Unknown match type ${matchType}`)
    }
  }
  if (seen.has('ip') && seen.size > 1) {
    throw new KafkaError(
      Errors.INVALID_REQUEST,
      'Invalid entity filter component combination. IP filter component should not be used with user or clientId filter component.',
    )
  }
}

function matches({ entity }: Quota, { components, strict }: Request): boolean {
  if (strict && entity.length !== components.length) return false
  return components.every(({ entityType, matchType, match }) =>
    entity.some(part => {
      if (part.entityType !== entityType) return false
      if (matchType === matchTypes.any) return true
      return part.entityName === (matchType === matchTypes.exact ? match : null)
    }),
  )
}
