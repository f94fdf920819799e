/**
 * ControllerRegistration, version 0.
 *
 * - On controller listeners. A controller tells its endpoints and the feature levels it supports.
 * - UNSUPPORTED_VERSION when a finalized level is not among them, or before metadata.version 3.7-IV0.
 */
import { Errors } from '../../protocol/errors.ts'
import { controllerRegistration } from '../../protocol/messages/70-controller-registration.ts'
import { defineHandler } from './define.ts'

export const handler = defineHandler(
  controllerRegistration,
  '0',
  async ({ controllerId, incarnationId, zkMigrationReady, listeners, features }, context) => {
    const endpoints = listeners
    await context.broker.controller.registerController({
      controllerId,
      incarnationId,
      zkMigrationReady,
      endpoints,
      features,
    })
    return { errorCode: Errors.NONE, errorMessage: null }
  },
  { listeners: ['controller'] },
)
