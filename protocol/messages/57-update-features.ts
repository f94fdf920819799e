import { api, array, bool, int8, int16, int32, string } from '../schema.ts'

/** Changes finalized feature levels. Version 1 can validate only, 2 answers for all features at once. */
export const updateFeatures = api(
  57,
  'UpdateFeatures',
  '0-2',
  { flexible: '0+', listeners: ['broker', 'controller'], forwarded: true, clusterAction: true },
  {
    request: {
      timeoutMs: int32('0+', { default: 60000 }),
      featureUpdates: array('0+', {
        feature: string('0+'),
        maxVersionLevel: int16('0+'),
        allowDowngrade: bool('0'),
        upgradeType: int8('1+', { default: 1 }),
      }),
      validateOnly: bool('1+', { default: false }),
    },
    response: {
      throttleTimeMs: int32('0+', { default: 0 }),
      errorCode: int16('0+'),
      errorMessage: string('0+', { nullable: '0+' }),
      results: array('0-1', {
        feature: string('0+'),
        errorCode: int16('0+'),
        errorMessage: string('0+', { nullable: '0+' }),
      }),
    },
  },
)
