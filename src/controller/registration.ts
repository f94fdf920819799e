/** Brokers and controllers introduce themselves, and brokers are taken out for good. */
import { Errors, KafkaError } from '../../protocol/errors.ts'
import { isReservedDirectory } from '../metadata/directories.ts'
import type { Broker, FeatureRange } from '../metadata/entities.ts'
import {
  metadataVersionFeature,
  namesDirectories,
  recordVersion,
  registersControllers,
  servedLevels,
} from '../metadata/features.ts'
import type { MetadataRecord } from '../metadata/records.ts'
import { type ControllerContext, type Decision, metadataVersionOf, tracksElr } from './context.ts'
import type { ControllerRegistration, Registration } from './events.ts'
import { sessionTimer } from './heartbeats.ts'
import { PartitionChanges } from './partition-changes.ts'

/**
 * The broker starts fenced; its epoch is the offset of the record, so a later registration always has a higher one. What
 * an earlier incarnation led and was in sync with is given up first: unless it stopped in good order it may have lost the
 * end of its logs.
 */
export function registerBroker(
  context: ControllerContext,
  registration: Registration,
): Decision<{ readonly brokerEpoch: number }> {
  const { brokerId } = registration
  const existing = context.state.brokers.get(brokerId)
  checkBroker(context, registration, existing)
  const again = existing?.incarnationId === registration.incarnationId ? existing : null
  const records: MetadataRecord[] = existing && !again ? farewell(context, existing, registration) : []
  const brokerEpoch = again ? again.epoch : context.nextOffset() + records.length
  records.push({
    kind: 'registerBroker',
    version: recordVersion('registerBroker', metadataVersionOf(context.state)),
    value: {
      brokerId,
      isMigratingZkBroker: false,
      incarnationId: registration.incarnationId,
      brokerEpoch,
      endPoints: registration.endpoints.map(endpoint => ({ ...endpoint })),
      features: registration.features.map(feature => ({ ...feature })),
      rack: registration.rack,
      fenced: again?.fenced ?? true,
      inControlledShutdown: again?.inControlledShutdown ?? false,
      logDirs: [...registration.logDirs],
      cordonedLogDirs: again?.cordonedLogDirs ? [...again.cordonedLogDirs] : null,
    },
  })
  const session = {
    brokerEpoch,
    contactMs: context.monotonicMs,
    metadataOffset: -1,
    shutdownOffset: -1,
    heard: true,
  }
  return {
    records: [...records, { kind: 'session', brokerId, session }],
    answer: { brokerEpoch },
    timers: sessionTimer(context, brokerId, brokerEpoch),
    divisible: true,
  }
}

/** What the incarnation before leaves behind. */
function farewell(context: ControllerContext, { id, epoch }: Broker, registration: Registration): MetadataRecord[] {
  const lostData = tracksElr(context.state) && registration.previousBrokerEpoch !== epoch
  const changes = new PartitionChanges(context, { active: new Map([[id, false]]) })
  changes.withdraw(context.index.inSync(id), id, { lostData })
  if (lostData) changes.withdraw(context.index.eligible(id), id, { lostData })
  return changes.records
}

function checkBroker(context: ControllerContext, registration: Registration, existing: Broker | undefined): void {
  const { brokerId, clusterId, incarnationId } = registration
  if (clusterId !== null && clusterId !== context.clusterId) {
    throw new KafkaError(
      Errors.INCONSISTENT_CLUSTER_ID,
      `Expected cluster ID ${context.clusterId}, but got cluster ID ${clusterId}`,
    )
  }
  if (existing && existing.incarnationId !== incarnationId && isAlive(context, existing)) {
    throw new KafkaError(
      Errors.DUPLICATE_BROKER_REGISTRATION,
      `Another broker is registered with that broker id. If the broker was recently restarted this should resolve itself once its session expires.`,
    )
  }
  if (registration.isMigratingZkBroker) {
    throw new KafkaError(Errors.UNSUPPORTED_VERSION, `Broker ${brokerId} cannot register from ZooKeeper mode`)
  }
  if (namesDirectories(metadataVersionOf(context.state))) checkDirectories(context, registration)
  checkFeatures(context, registration.features, 'broker')
}

/**
 * Whether the incarnation before still lives. The one with the id of this node does not: the broker of a node runs in the
 * process of its controller, and the data directory admits one process. Neither does one that was fenced under another
 * controller, by leaving in good order for instance, and was not heard of since.
 */
function isAlive(context: ControllerContext, { id, fenced }: Broker): boolean {
  if (context.sessions.remainingMs(id, context.monotonicMs) === null) return false
  const wasHeard = context.sessions.get(id)?.heard ?? false
  return wasHeard || !(fenced || id === context.config.nodeId)
}

function checkDirectories({ state }: ControllerContext, { brokerId, logDirs }: Registration): void {
  const refuse = (message: string): never => {
    throw new KafkaError(Errors.INVALID_REGISTRATION, message)
  }
  if (logDirs.length === 0) refuse('No directories specified in request')
  if (new Set(logDirs).size < logDirs.length) refuse('Duplicate directory ID in request')
  const reserved = logDirs.find(isReservedDirectory)
  if (reserved) refuse(`Reserved directory ID in request: ${reserved}`)
  for (const other of state.brokers.values()) {
    const taken = other.id === brokerId ? undefined : logDirs.find(id => other.logDirs.includes(id))
    if (taken) refuse(`Broker ${other.id} is already registered with directory ${taken}`)
  }
}

/** Whoever joins must understand every level that is agreed on, as far as this controller understands it itself. */
function checkFeatures(
  { state }: ControllerContext,
  features: readonly FeatureRange[],
  kind: 'broker' | 'controller',
): void {
  const byName = new Map(features.map(feature => [feature.name, feature]))
  for (const [name, level] of servedLevels(state.features, 0)) {
    const range = byName.get(name)
    const low = range?.minSupportedVersion ?? 0
    const high = range?.maxSupportedVersion ?? 0
    if (level >= low && level <= high) continue
    throw new KafkaError(
      Errors.UNSUPPORTED_VERSION,
      `Unable to register because the ${kind} does not support finalized version ${level} of ${name}. The ${kind} wants a version between ${low} and ${high}, inclusive.`,
    )
  }
  if (!byName.has(metadataVersionFeature)) {
    throw new KafkaError(
      Errors.UNSUPPORTED_VERSION,
      `Unable to register because the ${kind} does not specify support for ${metadataVersionFeature}`,
    )
  }
}

export function unregisterBroker(context: ControllerContext, brokerId: number): Decision<null> {
  const broker = context.state.brokers.get(brokerId)
  if (!broker) {
    throw new KafkaError(Errors.BROKER_ID_NOT_REGISTERED, `Broker ID ${brokerId} is not currently registered`)
  }
  const changes = new PartitionChanges(context, { active: new Map([[brokerId, false]]) })
  changes.withdraw(context.index.inSync(brokerId), brokerId)
  return {
    records: [
      ...changes.records,
      { kind: 'unregisterBroker', version: 0, value: { brokerId, brokerEpoch: broker.epoch } },
      { kind: 'session', brokerId, session: null },
    ],
    answer: null,
    timers: sessionTimer(context, brokerId, null),
    divisible: true,
  }
}

export function registerController(context: ControllerContext, registration: ControllerRegistration): Decision<null> {
  if (!registersControllers(metadataVersionOf(context.state))) {
    throw new KafkaError(
      Errors.UNSUPPORTED_VERSION,
      'The current MetadataVersion is too old to support controller registrations.',
    )
  }
  checkFeatures(context, registration.features, 'controller')
  return {
    records: [
      {
        kind: 'registerController',
        version: 0,
        value: {
          controllerId: registration.controllerId,
          incarnationId: registration.incarnationId,
          zkMigrationReady: registration.zkMigrationReady,
          endPoints: registration.endpoints.map(endpoint => ({ ...endpoint })),
          features: registration.features.map(feature => ({ ...feature })),
        },
      },
    ],
    answer: null,
  }
}
