/**
 * IncrementalAlterConfigs, versions 0-1.
 *
 * - SET, DELETE, and for lists APPEND and SUBTRACT; what isn't named stays (KIP-339).
 * - Topics, brokers (an empty name stands for all brokers), groups and client metrics; each resource by itself.
 * - What a running broker cannot change is INVALID_REQUEST, a wrong name or value INVALID_CONFIG. Validate only.
 * - Left out: broker loggers, INVALID_REQUEST: this broker's log level is set when it starts.
 */
import { incrementalAlterConfigs } from '../../protocol/messages/44-incremental-alter-configs.ts'
import { defineHandler } from './define.ts'

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
