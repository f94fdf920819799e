import type { MutationAllowance } from '../quota/mutation-quota.ts'
import type { RequestContext } from './request.ts'

/** How many partitions a request may make or delete, null without a limit. Versions before `strictFrom` are only told to wait. */
export function mutationAllowance(context: RequestContext, strictFrom: number): MutationAllowance | null {
  const { quotas, host } = context.broker
  if (!context.ofClient || !quotas.mutation.isOn) return null
  const strict = context.version >= strictFrom
  return quotas.mutation.allowance(context.user, context.clientId, strict, host.clock, throttleMs =>
    context.throttle(throttleMs),
  )
}
