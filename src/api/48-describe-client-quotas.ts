/**
 * DescribeClientQuotas, versions 0-1.
 *
 * - Quotas of users, client ids and addresses that match the filter (KIP-546): a name, the default, or any; strict asks for
 *   entities without further parts.
 * - Quotas cannot be altered here, so there are none but those that another controller left in the log; none are enforced.
 */
import { Errors, KafkaError } from '../../protocol/errors.ts'
import { describeClientQuotas } from '../../protocol/messages/48-describe-client-quotas.ts'
import type { RequestOf } from '../../protocol/schema.ts'
import type { Quota } from '../metadata/entities.ts'
import { defineHandler } from './define.ts'

type Request = RequestOf<typeof describeClientQuotas>

const matchTypes = { exact: 0, default: 1, any: 2 } as const

export const handler = defineHandler(describeClientQuotas, '0-1', (request, context) => {
  checkFilter(request)
  const entries = [...context.broker.metadata.quotas.values()].filter(quota => matches(quota, request))
  return {
    errorCode: Errors.NONE,
    errorMessage: null,
    entries: entries.map(({ entity, values }) => ({
      entity: entity.map(part => ({ ...part })),
      values: [...values].map(([key, value]) => ({ key, value })),
    })),
  }
})

function checkFilter({ components }: Request): void {
  const seen = new Set<string>()
  for (const { entityType, matchType, match } of components) {
    if (entityType === '') throw new KafkaError(Errors.INVALID_REQUEST, 'Unexpected empty entity type.')
    if (seen.has(entityType)) {
      throw new KafkaError(
        Errors.INVALID_REQUEST,
        `Entity type ${entityType} cannot appear more than once in the filter.`,
      )
    }
    seen.add(entityType)
    if (matchType === matchTypes.exact && match === null) {
      throw new KafkaError(Errors.INVALID_REQUEST, 'An exact match needs a name.')
    }
    if ((matchType === matchTypes.default || matchType === matchTypes.any) && match !== null) {
      throw new KafkaError(Errors.INVALID_REQUEST, 'A match of the default, or of any, takes no name.')
    }
    if (matchType < matchTypes.exact || matchType > matchTypes.any) {
      throw new KafkaError(Errors.INVALID_REQUEST, `Unknown match type ${matchType}`)
    }
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
