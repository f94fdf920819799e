/**
 * UnregisterBroker, version 0.
 *
 * - The broker leaves the in-sync sets and the cluster; BROKER_ID_NOT_REGISTERED when there is none of this id.
 * - A broker that still runs registers again with its next heartbeat.
 */
import { Errors } from '../../protocol/errors.ts'
import { unregisterBroker } from '../../protocol/messages/64-unregister-broker.ts'
import { defineHandler } from './define.ts'

export const handler = defineHandler(
  unregisterBroker,
  '0',
  async ({ brokerId }, context) => {
    await context.broker.controller.unregisterBroker(brokerId)
    return { errorCode: Errors.NONE, errorMessage: null }
  },
  { forward: {} },
)
