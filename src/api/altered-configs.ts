/** Whether a broker's own metadata shows altered configs. */
import { Errors } from '../../protocol/errors.ts'
import { configOperations } from '../controller/controller.ts'
import type { MetadataState } from '../metadata/state.ts'

interface Altered {
  readonly resourceType: number
  readonly resourceName: string
  readonly configs: readonly { readonly name: string; readonly value: string | null; readonly operation: number }[]
}

interface Outcome {
  readonly resourceType: number
  readonly resourceName: string
  readonly errorCode: number
}

/** What was set is there and what was deleted is not, for each resource without an error. What lists hold is not looked at. */
export function showsAltered(
  metadata: MetadataState,
  altered: readonly Altered[],
  outcomes: readonly Outcome[],
): boolean {
  return altered.every(({ resourceType, resourceName, configs }) => {
    const outcome = outcomes.find(each => each.resourceType === resourceType && each.resourceName === resourceName)
    if (outcome?.errorCode !== Errors.NONE) return true
    const set = metadata.configsOf(resourceType, resourceName)
    return configs.every(({ name, value, operation }) => {
      if (operation === configOperations.set && value !== null) return set.get(name) === value
      return operation !== configOperations.delete || !set.has(name)
    })
  })
}
