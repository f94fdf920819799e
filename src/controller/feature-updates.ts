/** Raising and lowering feature levels that the whole cluster agrees on (KIP-584). */
import { Errors, KafkaError } from '../../protocol/errors.ts'
import { allBrokers, resourceTypes } from '../config/effective.ts'
import type { FeatureRange } from '../metadata/entities.ts'
import {
  elrFeature,
  kraftVersionFeature,
  metadataChangesBetween,
  metadataVersionFeature,
  metadataVersionName,
  supportedFeatures,
} from '../metadata/features.ts'
import type { MetadataRecord } from '../metadata/records.ts'
import { type ControllerContext, type Decision, metadataVersionOf } from './context.ts'
import type { FeatureUpdate } from './events.ts'
import { PartitionChanges } from './partition-changes.ts'

export const upgradeTypes = { upgrade: 1, safeDowngrade: 2, unsafeDowngrade: 3 } as const

/** The metadata.version that KIP-966 needs: its records have the fields. */
const elrMetadataVersion = 23

const minIsr = 'min.insync.replicas'

/** All together or none. Throws KafkaError. */
export function updateFeatures(
  context: ControllerContext,
  updates: readonly FeatureUpdate[],
  validateOnly: boolean,
): Decision<null> {
  const levels = new Map(context.state.features)
  const records: MetadataRecord[] = []
  for (const update of updates) {
    checkUpdate(context, update)
    if (update.level === (levels.get(update.name) ?? 0)) continue
    if (update.level === 0) levels.delete(update.name)
    else levels.set(update.name, update.level)
    records.push({ kind: 'featureLevel', version: 0, value: { name: update.name, featureLevel: update.level } })
  }
  checkTogether(levels)
  const elrBefore = context.state.features.has(elrFeature)
  if (!elrBefore && levels.has(elrFeature)) records.push(...elrBegins(context))
  if (elrBefore && !levels.has(elrFeature)) records.push(...elrEnds(context))
  return { records: validateOnly ? [] : records, answer: null }
}

function invalid({ name, level }: FeatureUpdate, reason: string): KafkaError {
  return new KafkaError(Errors.INVALID_UPDATE_VERSION, `Invalid update version ${level} for feature ${name}. ${reason}`)
}

function checkUpdate(context: ControllerContext, update: FeatureUpdate): void {
  const { name, level, upgradeType } = update
  const current = context.state.features.get(name) ?? 0
  const isUpgrade = upgradeType === upgradeTypes.upgrade
  if (!isUpgrade && upgradeType !== upgradeTypes.safeDowngrade && upgradeType !== upgradeTypes.unsafeDowngrade) {
    throw invalid(update, 'The controller does not support the given upgrade type.')
  }
  if (level < 0) throw invalid(update, 'A feature version cannot be less than 0.')
  checkSupport(context, update)
  if (level < current && isUpgrade) {
    throw invalid(
      update,
      "Can't downgrade the version of this feature without setting the upgrade type to either safe or unsafe downgrade.",
    )
  }
  if (level > current && !isUpgrade) throw invalid(update, "Can't downgrade to a newer version.")
  if (name === kraftVersionFeature) {
    throw invalid(update, 'The level of this feature is that of the quorum, which is set when it is formatted.')
  }
  if (name === metadataVersionFeature && level < current && metadataChangesBetween(level, current)) {
    throw invalid(
      update,
      upgradeType === upgradeTypes.safeDowngrade
        ? 'Refusing to perform the requested downgrade because it might delete metadata information.'
        : 'Unsafe metadata downgrade is not supported in this version.',
    )
  }
}

/** Everybody in the cluster must know what the level means. */
function checkSupport({ state, config }: ControllerContext, update: FeatureUpdate): void {
  const own = supportedFeatures.map(({ name, minVersion, maxVersion }) => ({
    name,
    minSupportedVersion: minVersion,
    maxSupportedVersion: maxVersion,
  }))
  checkRange(`Local controller ${config.nodeId}`, own, update)
  for (const { id, features } of state.brokers.values()) checkRange(`Broker ${id}`, features, update)
  for (const { id, features } of state.controllers.values()) checkRange(`Controller ${id}`, features, update)
}

function checkRange(who: string, features: readonly FeatureRange[], update: FeatureUpdate): void {
  const { name, level } = update
  const range = features.find(feature => feature.name === name)
  if (!range && level === 0 && !who.startsWith('Local')) return
  if (!range) throw invalid(update, `${who} does not support this feature.`)
  const { minSupportedVersion, maxSupportedVersion } = range
  // Level 0 is that of a feature that is off.
  const low = name === metadataVersionFeature ? minSupportedVersion : 0
  if (level < low || level > maxSupportedVersion) {
    throw invalid(update, `${who} only supports versions ${minSupportedVersion}-${maxSupportedVersion}`)
  }
}

function checkTogether(levels: ReadonlyMap<string, number>): void {
  const metadataVersion = levels.get(metadataVersionFeature) ?? 0
  if (levels.has(elrFeature) && metadataVersion < elrMetadataVersion) {
    throw new KafkaError(
      Errors.INVALID_UPDATE_VERSION,
      `${elrFeature} could not be set to ${levels.get(elrFeature)} because it depends on metadata.version level ${elrMetadataVersion} (${metadataVersionName(elrMetadataVersion)})`,
    )
  }
}

/** From now on everybody must agree on min.insync.replicas: it stands in the log, and brokers have none of their own. */
function elrBegins({ state, config }: ControllerContext): MetadataRecord[] {
  const record = (resourceName: string, value: string | null): MetadataRecord => ({
    kind: 'config',
    version: 0,
    value: { resourceType: resourceTypes.broker, resourceName, name: minIsr, value },
  })
  const records: MetadataRecord[] = []
  if (!state.configsOf(resourceTypes.broker, allBrokers).has(minIsr)) {
    records.push(record(allBrokers, String(config.minInsyncReplicas)))
  }
  for (const [key, configs] of state.configs) {
    const [type, name] = [Number(key.slice(0, key.indexOf(':'))), key.slice(key.indexOf(':') + 1)]
    if (type === resourceTypes.broker && name !== allBrokers && configs.has(minIsr)) records.push(record(name, null))
  }
  return records
}

/** Where nobody is in sync, those who are eligible are, for they have everything that was committed. */
function elrEnds(context: ControllerContext): MetadataRecord[] {
  const changes = new PartitionChanges(context)
  for (const { topicId, index } of context.index.leaderless) {
    const topic = context.state.topicsById.get(topicId)
    const partition = topic?.partitions[index]
    if (!topic || !partition || partition.isr.length > 0) continue
    const { eligibleLeaderReplicas, lastKnownElr } = partition
    changes.change(topic, index, { isr: eligibleLeaderReplicas.length > 0 ? eligibleLeaderReplicas : lastKnownElr })
  }
  // In the order of the log: the fields can only be cleared while they are known.
  return metadataVersionOf(context.state) >= elrMetadataVersion
    ? [...changes.records, { kind: 'clearElr', version: 0, value: { topicName: '' } }]
    : []
}
