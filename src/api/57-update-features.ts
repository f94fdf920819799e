/**
 * UpdateFeatures, versions 0-2.
 *
 * - Raises or lowers levels, all together or none; v1 validate only, and whether a downgrade may lose metadata.
 * - INVALID_UPDATE_VERSION when a controller or a broker does not support the level, or when it would lose metadata.
 * - Before v2 each feature has an outcome of its own, which is that of all.
 * - kraft.version goes up once every voter is known to support it: the voters move from the configuration into the log
 *   (KIP-853); never down.
 */
import { type ErrorCode, Errors, KafkaError } from '../../protocol/errors.ts'
import { updateFeatures } from '../../protocol/messages/57-update-features.ts'
import type { RequestOf } from '../../protocol/schema.ts'
import { kraftVersionFeature } from '../metadata/features.ts'
import { defineHandler } from './define.ts'

type Request = RequestOf<typeof updateFeatures>

const upgrade = 1
const safeDowngrade = 2

export const handler = defineHandler(
  updateFeatures,
  '0-2',
  async (request, context) => {
    const names = request.featureUpdates.map(({ feature }) => feature)
    if (new Set(names).size < names.length) {
      throw new KafkaError(Errors.INVALID_REQUEST, 'A feature is named twice.')
    }
    const updates = request.featureUpdates.map(({ feature, maxVersionLevel, allowDowngrade, upgradeType }) => ({
      name: feature,
      level: maxVersionLevel,
      upgradeType: context.version > 0 ? upgradeType : allowDowngrade ? safeDowngrade : upgrade,
    }))
    const { controller, quorum } = context.broker
    const ofQuorum = updates.find(({ name }) => name === kraftVersionFeature)
    const others = updates.filter(update => update !== ofQuorum)
    if (others.length > 0 || !ofQuorum) await controller.updateFeatures(others, { validateOnly: request.validateOnly })
    if (ofQuorum && !request.validateOnly) await quorum.upgradeVersion(ofQuorum.level)
    return answer(request, Errors.NONE, null)
  },
  { forward: {}, failed: (request, error) => answer(request, error.code, error.detail) },
)

function answer({ featureUpdates }: Request, errorCode: ErrorCode, errorMessage: string | null) {
  const results = featureUpdates.map(({ feature }) => ({ feature, errorCode, errorMessage }))
  return { errorCode, errorMessage, results }
}
