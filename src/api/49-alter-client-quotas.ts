/**
 * AlterClientQuotas, versions 0-1.
 *
 * - Sets and removes quotas of users, client ids and addresses, or the default of these (KIP-546, KIP-612); each entity
 *   succeeds or fails by itself. Validate only changes nothing.
 * - Unknown types and keys, a key that an entity cannot have, and values that are no limit are INVALID_REQUEST.
 * - Answered when the quotas are in force on this broker; the others follow.
 * - Left out: names of hosts instead of addresses, INVALID_REQUEST.
 */
import { Errors } from '../../protocol/errors.ts'
import { alterClientQuotas } from '../../protocol/messages/49-alter-client-quotas.ts'
import { quotaKey } from '../metadata/image.ts'
import { defineHandler } from './define.ts'

export const handler = defineHandler(
  alterClientQuotas,
  '0-1',
  async ({ entries, validateOnly }, context) => {
    const outcomes = await context.broker.controller.alterQuotas(entries, validateOnly)
    return {
      entries: outcomes.map(({ errorCode, errorMessage, entity }) => ({
        errorCode,
        errorMessage,
        entity: entity.map(part => ({ ...part })),
      })),
    }
  },
  {
    forward: {
      shown: (request, answer, { broker }) =>
        request.validateOnly ||
        request.entries.every(({ entity, ops }, i) => {
          if (answer.entries[i]?.errorCode !== Errors.NONE) return true
          const values = broker.metadata.quotas.get(quotaKey(entity))?.values
          return ops.every(({ key, value, remove }) => values?.get(key) === (remove ? undefined : value))
        }),
    },
    failed: ({ entries }, { code, detail }) => ({
      entries: entries.map(({ entity }) => ({ errorCode: code, errorMessage: detail, entity })),
    }),
  },
)
