/**
 * AlterConfigs, versions 0-2.
 *
 * - Replaces: a config that isn't named goes back to its default. Clients of today use IncrementalAlterConfigs instead.
 * - Topics, brokers (an empty name stands for all brokers), groups and client metrics; each resource by itself.
 * - What a running broker cannot change is INVALID_REQUEST, a wrong name or value INVALID_CONFIG. Validate only.
 * - Left out: broker loggers, which are INVALID_REQUEST here as in Kafka.
 */
import { alterConfigs } from '../../protocol/messages/33-alter-configs.ts'
import type { RequestOf } from '../../protocol/schema.ts'
import { configOperations } from '../controller/controller.ts'
import { showsAltered } from './altered-configs.ts'
import { defineHandler } from './define.ts'

type Request = RequestOf<typeof alterConfigs>

export const handler = defineHandler(
  alterConfigs,
  '0-2',
  async (request, context) => {
    const resources = request.resources.map(({ resourceType, resourceName, configs }) => ({
      resourceType,
      resourceName,
      operations: configs.map(({ name, value }) => ({ name, value, operation: configOperations.set })),
    }))
    const responses = await context.broker.controller.replaceConfigs(resources, { validateOnly: request.validateOnly })
    return { responses: [...responses] }
  },
  {
    forward: {
      shown: ({ validateOnly, resources }, { responses }, { broker }) =>
        validateOnly || showsAltered(broker.metadata, resources.map(replaced), responses),
    },
    failed: (request, error) => ({ responses: request.resources.map(resource => refused(resource, error)) }),
  },
)

function replaced({ resourceType, resourceName, configs }: Request['resources'][number]) {
  return {
    resourceType,
    resourceName,
    configs: configs.map(config => ({ ...config, operation: configOperations.set })),
  }
}

function refused(
  { resourceType, resourceName }: Request['resources'][number],
  error: { readonly code: number; readonly detail: string | null },
) {
  return { errorCode: error.code, errorMessage: error.detail, resourceType, resourceName }
}
