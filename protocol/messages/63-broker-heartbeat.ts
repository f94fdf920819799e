import { api, array, bool, int16, int32, int64 } from '../schema.ts'

/**
 * Keeps a broker's registration alive and asks to be unfenced or shut down. Version 1 tells of failed log
 * directories, 2 of cordoned ones.
 */
export const brokerHeartbeat = api(
  63,
  'BrokerHeartbeat',
  '0-2',
  { flexible: '0+', listeners: ['controller'], clusterAction: true },
  {
    request: {
      brokerId: int32('0+'),
      brokerEpoch: int64('0+', { default: -1 }),
      currentMetadataOffset: int64('0+'),
      wantFence: bool('0+'),
      wantShutDown: bool('0+'),
      offlineLogDirs: array('1+', 'uuid', { tag: 0 }),
      cordonedLogDirs: array('2+', 'uuid', { nullable: '2+', default: null, tag: 1 }),
    },
    response: {
      throttleTimeMs: int32('0+', { default: 0 }),
      errorCode: int16('0+'),
      isCaughtUp: bool('0+', { default: false }),
      isFenced: bool('0+', { default: true }),
      shouldShutDown: bool('0+'),
    },
  },
)
