import { api, array, bool, int16, int32, int64, string } from '../schema.ts'

/**
 * Tells which versions of which APIs a server speaks. Version 3 carries the client's name and version, 4 lists
 * features whose lowest level is 0. The response always has header version 0.
 */
export const apiVersions = api(
  18,
  'ApiVersions',
  '0-4',
  { flexible: '3+', listeners: ['broker', 'controller'] },
  {
    request: {
      clientSoftwareName: string('3+'),
      clientSoftwareVersion: string('3+'),
    },
    response: {
      errorCode: int16('0+'),
      apiKeys: array('0+', {
        apiKey: int16('0+'),
        minVersion: int16('0+'),
        maxVersion: int16('0+'),
      }),
      throttleTimeMs: int32('1+', { default: 0 }),
      supportedFeatures: array(
        '3+',
        {
          name: string('3+'),
          minVersion: int16('3+'),
          maxVersion: int16('3+'),
        },
        { tag: 0 },
      ),
      finalizedFeaturesEpoch: int64('3+', { default: -1, tag: 1 }),
      finalizedFeatures: array(
        '3+',
        {
          name: string('3+'),
          maxVersionLevel: int16('3+'),
          minVersionLevel: int16('3+'),
        },
        { tag: 2 },
      ),
      zkMigrationReady: bool('3+', { default: false, tag: 3 }),
    },
  },
)
