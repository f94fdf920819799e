/** The life of a registered broker: fenced, taking clients, in controlled shutdown, gone; kept by heartbeats. */
import { Errors, KafkaError } from '../../protocol/errors.ts'
import type { Broker } from '../metadata/entities.ts'
import { namesDirectories, recordVersion } from '../metadata/features.ts'
import type { MetadataRecord, ValueOfKind } from '../metadata/records.ts'
import { type ControllerContext, type ControllerRecord, type Decision, isActive, metadataVersionOf } from './context.ts'
import type { ControllerTimers, Heartbeat, HeartbeatAnswer } from './events.ts'
import { PartitionChanges } from './partition-changes.ts'
import type { PartitionRef } from './partition-index.ts'

type Step = 'stay' | 'fence' | 'unfence' | 'beginShutdown' | 'shutDown'
type RegistrationChange = ValueOfKind<'brokerRegistrationChange'>

/** When a session is found over later than this, it was this process that stood still. */
const stallMs = 100
/** Then heartbeats that arrived meanwhile have so long to be read. */
const graceMs = 500

/** The broker, if it is the one that registered last. Throws KafkaError STALE_BROKER_EPOCH. */
export function checkBrokerEpoch({ state }: ControllerContext, brokerId: number, brokerEpoch: number): Broker {
  const broker = state.brokers.get(brokerId)
  if (!broker) {
    throw new KafkaError(Errors.STALE_BROKER_EPOCH, `No broker registration found for broker id ${brokerId}`)
  }
  if (broker.epoch !== brokerEpoch) {
    throw new KafkaError(
      Errors.STALE_BROKER_EPOCH,
      `Expected broker epoch ${broker.epoch} for broker ${brokerId}, but got broker epoch ${brokerEpoch}`,
    )
  }
  return broker
}

export function sessionTimer(
  { config }: ControllerContext,
  brokerId: number,
  brokerEpoch: number | null,
): ControllerTimers {
  const event = { question: 'expireSession', brokerId, brokerEpoch: brokerEpoch ?? -1, grace: false } as const
  const timer = brokerEpoch === null ? null : { delayMs: config.brokerSessionTimeoutMs, event }
  return { [`session-${brokerId}`]: timer }
}

export function heartbeat(context: ControllerContext, beat: Heartbeat): Decision<HeartbeatAnswer> {
  const { brokerId, brokerEpoch } = beat
  const broker = checkBrokerEpoch(context, brokerId, brokerEpoch)
  const isCaughtUp = beat.currentMetadataOffset >= broker.epoch
  const step = nextStep(context, broker, beat, isCaughtUp)
  const records = [...carryOut(context, broker, step, beat)]
  const isFenced = step === 'stay' || step === 'beginShutdown' ? broker.fenced : step !== 'unfence'
  const stopping = step === 'beginShutdown' || (!isFenced && broker.inControlledShutdown)
  const known = context.sessions.get(brokerId)
  const session = {
    brokerEpoch,
    contactMs: context.monotonicMs,
    metadataOffset: beat.currentMetadataOffset,
    shutdownOffset: stopping ? shutdownOffset(context, known?.shutdownOffset ?? -1, records.length) : -1,
    heard: true,
  }
  const over = step === 'shutDown'
  return {
    records: [...records, { kind: 'session', brokerId, session: over ? null : session }],
    answer: { isCaughtUp, isFenced, shouldShutDown: over },
    timers: sessionTimer(context, brokerId, over ? null : brokerEpoch),
    divisible: true,
  }
}

/** A broker may go when all others know who leads in its place. */
function shutdownOffset(context: ControllerContext, known: number, recordsCount: number): number {
  return known >= 0 && recordsCount === 0 ? known : context.nextOffset() + recordsCount - 1
}

function nextStep(context: ControllerContext, broker: Broker, beat: Heartbeat, isCaughtUp: boolean): Step {
  if (broker.fenced) {
    if (beat.wantShutDown) return 'shutDown'
    return !beat.wantFence && isCaughtUp ? 'unfence' : 'stay'
  }
  if (broker.inControlledShutdown) return mayGo(context, broker) ? 'shutDown' : 'stay'
  if (beat.wantFence) return beat.wantShutDown ? 'shutDown' : 'fence'
  if (!beat.wantShutDown) return 'stay'
  return context.index.leadershipsOf(broker.id) > 0 ? 'beginShutdown' : 'shutDown'
}

function mayGo({ state, index, sessions }: ControllerContext, { id }: Broker): boolean {
  if (index.leadershipsOf(id) > 0) return false
  const offset = sessions.get(id)?.shutdownOffset ?? -1
  if (offset < 0) return false
  for (const other of state.brokers.values()) {
    if (isActive(other) && (sessions.get(other.id)?.metadataOffset ?? -1) < offset) return false
  }
  return true
}

function carryOut(context: ControllerContext, broker: Broker, step: Step, beat: Heartbeat): readonly MetadataRecord[] {
  const { id } = broker
  const { index, state } = context
  const failed = namesDirectories(metadataVersionOf(state))
    ? broker.logDirs.filter(directory => beat.offlineLogDirs.includes(directory))
    : []
  const change: Partial<RegistrationChange> = {
    ...directoryChange(context, broker, beat, failed),
    ...(step === 'fence' || step === 'shutDown' ? { fenced: broker.fenced ? 0 : 1 } : {}),
    ...(step === 'unfence' ? { fenced: -1 } : {}),
    ...(step === 'beginShutdown' ? { inControlledShutdown: 1 } : {}),
  }
  const active = step === 'unfence' || (step === 'stay' && isActive(broker))
  const changes = new PartitionChanges(context, {
    active: new Map([[id, active]]),
    offlineDirectories: new Set(failed),
  })
  if (failed.length > 0) changes.withdraw(within(context, id, failed), id)
  if (step === 'fence' || step === 'beginShutdown' || step === 'shutDown') changes.withdraw(index.inSync(id), id)
  if (step === 'unfence') changes.reconsider(index.leaderless)
  const changed = Object.values(change).some(value => value !== 0)
  if (!changed) return changes.records
  // Whoever goes hands over first, and whoever comes is there first: each batch by itself tells the truth.
  const record = registrationChange(context, broker, change)
  return step === 'unfence' ? [record, ...changes.records] : [...changes.records, record]
}

function registrationChange(
  { state }: ControllerContext,
  { id, epoch }: Broker,
  change: Partial<RegistrationChange>,
): MetadataRecord {
  return {
    kind: 'brokerRegistrationChange',
    version: recordVersion('brokerRegistrationChange', metadataVersionOf(state)),
    value: {
      brokerId: id,
      brokerEpoch: epoch,
      fenced: 0,
      inControlledShutdown: 0,
      logDirs: [],
      cordonedLogDirs: null,
      ...change,
    },
  }
}

/** Directories that failed, and those that take no new replicas any more. */
function directoryChange(
  { state }: ControllerContext,
  broker: Broker,
  { cordonedLogDirs }: Heartbeat,
  failed: readonly string[],
): Partial<RegistrationChange> {
  const online = broker.logDirs.filter(directory => !failed.includes(directory))
  const before = broker.cordonedLogDirs ?? []
  const cordoned = metadataVersionOf(state) >= 30 ? cordonedLogDirs : null
  const differs = cordoned && (cordoned.length !== before.length || cordoned.some(id => !before.includes(id)))
  return {
    // An empty list would mean no change; a broker without any directory stops by itself.
    ...(failed.length > 0 && online.length > 0 ? { logDirs: online } : {}),
    ...(differs ? { cordonedLogDirs: [...cordoned] } : {}),
  }
}

function within(
  { state, index }: ControllerContext,
  brokerId: number,
  directories: readonly string[],
): readonly PartitionRef[] {
  return [...index.inSync(brokerId)].filter(ref => {
    const partition = state.topicsById.get(ref.topicId)?.partitions[ref.index]
    return partition && directories.includes(partition.directories[partition.replicas.indexOf(brokerId)])
  })
}

/** The broker takes no clients any more and leads nothing. */
export function fenceBroker(context: ControllerContext, broker: Broker): readonly MetadataRecord[] {
  const changes = new PartitionChanges(context, { active: new Map([[broker.id, false]]) })
  changes.withdraw(context.index.inSync(broker.id), broker.id)
  return [...changes.records, registrationChange(context, broker, { fenced: 1 })]
}

/** A timer: the broker was not heard of for a whole session. */
export function expireSession(
  context: ControllerContext,
  brokerId: number,
  brokerEpoch: number,
  grace: boolean,
): Decision<null> {
  const broker = context.state.brokers.get(brokerId)
  const session = context.sessions.get(brokerId)
  if (!broker || !session || broker.epoch !== brokerEpoch || session.brokerEpoch !== brokerEpoch) {
    return { records: [], answer: null }
  }
  const overMs = context.monotonicMs - session.contactMs - context.config.brokerSessionTimeoutMs
  const event = { question: 'expireSession', brokerId, brokerEpoch, grace: overMs > stallMs } as const
  const again = (delayMs: number) => ({ timers: { [`session-${brokerId}`]: { delayMs, event } } })
  if (overMs < 0) return { records: [], answer: null, ...again(-overMs) }
  // Heartbeats that came while this process stood still are read now, before anybody is judged.
  if (overMs > stallMs && !grace) return { records: [], answer: null, ...again(graceMs) }
  return endSession(context, broker)
}

/** The process of the broker is gone, unless it was heard of after that was seen. */
export function loseBroker(
  context: ControllerContext,
  brokerId: number,
  brokerEpoch: number,
  sinceMs: number,
): Decision<null> {
  const broker = context.state.brokers.get(brokerId)
  const session = context.sessions.get(brokerId)
  const heardSince = session?.heard && session.contactMs >= sinceMs
  if (!broker || !session || broker.epoch !== brokerEpoch || heardSince) return { records: [], answer: null }
  return endSession(context, broker)
}

function endSession(context: ControllerContext, broker: Broker): Decision<null> {
  const records: ControllerRecord[] = broker.fenced ? [] : [...fenceBroker(context, broker)]
  return {
    records: [...records, { kind: 'session', brokerId: broker.id, session: null }],
    answer: null,
    timers: sessionTimer(context, broker.id, null),
    divisible: true,
  }
}
