/**
 * IncrementalAlterConfigs, versions 0-1.
 *
 * - SET, DELETE, and for lists APPEND and SUBTRACT; what isn't named stays (KIP-339).
 * - Topics, brokers (an empty name stands for all brokers), groups and client metrics; each resource by itself.
 * - What a running broker cannot change is INVALID_REQUEST, a wrong name or value INVALID_CONFIG. Validate only.
 * - Left out: broker loggers, INVALID_REQUEST: this broker's log level is set when it starts.
 */
import { incrementalAlterConfigs } from '../../protocol/messages/44-incremental-alter-configs.ts'
import type { RequestOf } from '../../protocol/schema.ts'
import { showsAltered } from './altered-configs.ts'
import { defineHandler } from './define.ts'

type Request = RequestOf<typeof incrementalAlterConfigs>

export const handler = defineHandler(
  incrementalAlterConfigs,
  '0-1',
  async (request, context) => {
    const resources = request.resources.map(({ resourceType, resourceName, configs }) => ({
      resourceType,
      resourceName,
      operations: configs.map(({ name, configOperation, value }) => ({ name, operation: configOperation, value })),
    }))
    const { controller } = context.broker
    const responses = await controller.incrementalAlterConfigs(resources, { validateOnly: request.validateOnly })
    return { responses: [...responses] }
  },
  {
    forward: {
      shown: ({ validateOnly, resources }, { responses }, { broker }) =>
        validateOnly || showsAltered(broker.metadata, resources.map(incremental), responses),
    },
    failed: (request, error) => ({
      responses: request.resources.map(({ resourceType, resourceName }) => ({
        errorCode: error.code,
        errorMessage: error.detail,
        resourceType,
        resourceName,
      })),
    }),
  },
)

function incremental({ resourceType, resourceName, configs }: Request['resources'][number]) {
  return {
    resourceType,
    resourceName,
    configs: configs.map(({ name, value, configOperation }) => ({ name, value, operation: configOperation })),
  }
}
