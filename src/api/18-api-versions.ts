/**
 * ApiVersions, versions 0-4.
 *
 * - Tells what the listener serves. Answered before anything else, so its response always has header version 0.
 * - A version that this broker does not know is answered in version 0 with UNSUPPORTED_VERSION and the range of
 *   ApiVersions itself; that happens in the dispatcher, since such a request cannot be decoded.
 * - v3 client software name and version (KIP-511): INVALID_REQUEST when they are not of the agreed form, or longer than
 *   256 characters. Features supported and finalized (KIP-584).
 * - v3 leaves out features whose lowest level is 0, which old clients refuse to read (KAFKA-17011); v4 tells them.
 */
import { Errors, KafkaError } from '../../protocol/errors.ts'
import { apiVersions } from '../../protocol/messages/18-api-versions.ts'
import type { ResponseOf } from '../../protocol/schema.ts'
import { defineHandler } from './define.ts'
import type { RequestContext } from './request.ts'

export const handler = defineHandler(
  apiVersions,
  '0-4',
  (request, context) => {
    if (context.version >= 3) {
      const { clientSoftwareName, clientSoftwareVersion } = request
      if (!isSoftwareName(clientSoftwareName) || !isSoftwareName(clientSoftwareVersion)) {
        throw new KafkaError(Errors.INVALID_REQUEST)
      }
      context.peer.softwareName = clientSoftwareName
      context.peer.softwareVersion = clientSoftwareVersion
    }
    return { errorCode: Errors.NONE, apiKeys: context.advertised, ...features(context) }
  },
  { listeners: ['broker', 'controller'] },
)

function features(context: RequestContext): Partial<ResponseOf<typeof apiVersions>> {
  const { features } = context.broker
  const finalized = [...features.finalized()].filter(([, level]) => level > 0)
  return {
    supportedFeatures: features.supported.filter(({ minVersion }) => minVersion > 0 || context.version >= 4),
    finalizedFeaturesEpoch: features.finalizedEpoch(),
    finalizedFeatures: finalized.map(([name, level]) => ({ name, maxVersionLevel: level, minVersionLevel: level })),
  }
}

/** `[a-zA-Z0-9](?:[a-zA-Z0-9\-.]*[a-zA-Z0-9])?`, in a form that cannot backtrack. */
function isSoftwareName(text: string): boolean {
  return /^[a-zA-Z0-9.-]{1,256}$/.test(text) && !/^[.-]|[.-]$/.test(text)
}
