import { api, array, bool, int16, int32, string, uint16, uuid } from '../schema.ts'

/** Registers a controller with the active controller. */
export const controllerRegistration = api(
  70,
  'ControllerRegistration',
  '0',
  { flexible: '0+', listeners: ['controller'] },
  {
    request: {
      controllerId: int32('0+'),
      incarnationId: uuid('0+'),
      zkMigrationReady: bool('0+'),
      listeners: array('0+', {
        name: string('0+'),
        host: string('0+'),
        port: uint16('0+'),
        securityProtocol: int16('0+'),
      }),
      features: array('0+', {
        name: string('0+'),
        minSupportedVersion: int16('0+'),
        maxSupportedVersion: int16('0+'),
      }),
    },
    response: {
      throttleTimeMs: int32('0+', { default: 0 }),
      errorCode: int16('0+'),
      errorMessage: string('0+', { nullable: '0+' }),
    },
  },
)
