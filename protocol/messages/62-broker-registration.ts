import { api, array, bool, int16, int32, int64, string, uint16, uuid } from '../schema.ts'

/**
 * Registers a broker with the controller. Version 2 brings log directories, 3 the epoch before a clean shutdown,
 * 4 features whose lowest level is 0.
 */
export const brokerRegistration = api(
  62,
  'BrokerRegistration',
  '0-4',
  { flexible: '0+', listeners: ['controller'], clusterAction: true },
  {
    request: {
      brokerId: int32('0+'),
      clusterId: string('0+'),
      incarnationId: uuid('0+'),
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
      rack: string('0+', { nullable: '0+' }),
      isMigratingZkBroker: bool('1+', { default: false }),
      logDirs: array('2+', 'uuid'),
      previousBrokerEpoch: int64('3+', { default: -1 }),
    },
    response: {
      throttleTimeMs: int32('0+', { default: 0 }),
      errorCode: int16('0+'),
      brokerEpoch: int64('0+', { default: -1 }),
    },
  },
)
