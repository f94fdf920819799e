/** The controller as a state machine over the metadata log. */
import { type ErrorCode, Errors, KafkaError } from '../../protocol/errors.ts'
import type { BrokerConfig } from '../config/broker.ts'
import { unreachable } from '../lib/assert.ts'
import type { DecideContext, Machine, Outcome, Position, RecordCodec, Ticket } from '../machine/machine.ts'
import { type MetadataRecord, metadataCodec } from '../metadata/records.ts'
import type { MetadataState } from '../metadata/state.ts'
import { activate } from './activation.ts'
import { alterPartitions } from './alter-partition.ts'
import { alterConfigs } from './configs.ts'
import type { ControllerContext, ControllerRecord, Decision } from './context.ts'
import { assignDirectories } from './directories.ts'
import { balanceLeaders, electLeaders, electUncleanly } from './elections.ts'
import type { ControllerEvent, ControllerReply, ControllerTimers, QuestionName, Questions } from './events.ts'
import { updateFeatures } from './feature-updates.ts'
import { expireSession, heartbeat, loseBroker } from './heartbeats.ts'
import { PartitionIndex } from './partition-index.ts'
import { createPartitions } from './partitions.ts'
import { allocateProducerIds } from './producer-ids.ts'
import { alterQuotas } from './quotas.ts'
import { alterReassignments, listReassignments } from './reassignments.ts'
import { registerBroker, registerController, unregisterBroker } from './registration.ts'
import { Sessions } from './sessions.ts'
import { createTopics, deleteTopics } from './topics.ts'

type Answers = Decision<Questions[QuestionName]['answer']>
type ControllerOutcome = Outcome<ControllerEvent, ControllerRecord, ControllerReply>

export interface ControllerMachineOptions {
  /** What is known before the first record is replayed. The machine goes on from here and keeps it. */
  readonly state: MetadataState
  readonly config: BrokerConfig
  readonly clusterId: string
  /** What a cluster begins with, if its log is still empty. */
  readonly bootstrapRecords: readonly MetadataRecord[]
  readonly nextOffset: () => number
}

export class ControllerMachine implements Machine<ControllerEvent, ControllerRecord, ControllerReply> {
  readonly #options: ControllerMachineOptions
  readonly #index: PartitionIndex
  readonly #sessions: Sessions

  constructor(options: ControllerMachineOptions) {
    this.#options = options
    this.#index = new PartitionIndex(options.state)
    this.#sessions = new Sessions(options.config.brokerSessionTimeoutMs)
  }

  decide(event: ControllerEvent, ticket: Ticket, context: DecideContext): ControllerOutcome {
    try {
      const { records, answer, timers, divisible } = decideOn(this.#context(context), event)
      return {
        records,
        replies: [[ticket, { error: null, answer }]],
        timers: { ...timers, ...this.#idle(records, event) },
        divisible,
      }
    } catch (error) {
      if (!(error instanceof KafkaError)) throw error
      return { records: [], replies: [[ticket, { error: error.code, detail: error.detail }]], timers: {} }
    }
  }

  apply(record: ControllerRecord, at: Position): void {
    if (record.kind === 'session') this.#sessions.apply(record)
    else this.#options.state.apply(record, at.offset, at.leaderEpoch, at.timestampMs)
  }

  /** This node is the active controller from now on. */
  loaded(context: DecideContext): ControllerOutcome {
    const { records, timers } = activate(this.#context(context), this.#options.bootstrapRecords)
    return { records, replies: [], timers: { ...timers, ...this.#idle(records, null) }, divisible: true }
  }

  failed(error: ErrorCode): ControllerReply {
    return { error: controllerError(error), detail: null }
  }

  #context({ monotonicMs, random }: DecideContext): ControllerContext {
    const { state, config, clusterId, nextOffset } = this.#options
    return { state, config, clusterId, nextOffset, random, monotonicMs, index: this.#index, sessions: this.#sessions }
  }

  /** While nothing else is written, brokers learn from no-op records that they are not behind. Alone it serves nobody. */
  #idle(records: readonly ControllerRecord[], event: ControllerEvent | null): ControllerTimers {
    const { state, config } = this.#options
    const delayMs = config.metadataMaxIdleIntervalMs
    const alone = state.brokers.size <= 1 && state.controllers.size <= 1
    if (alone || delayMs === 0) return event?.question === 'writeNoOp' ? { noOp: null } : {}
    return records.some(({ kind }) => kind !== 'session') ? { noOp: { delayMs, event: { question: 'writeNoOp' } } } : {}
  }
}

function decideOn(context: ControllerContext, event: ControllerEvent): Answers {
  switch (event.question) {
    case 'registerBroker':
      return registerBroker(context, event.registration)
    case 'heartbeat':
      return heartbeat(context, event.beat)
    case 'expireSession':
      return expireSession(context, event.brokerId, event.brokerEpoch, event.grace)
    case 'loseBroker':
      return loseBroker(context, event.brokerId, event.brokerEpoch, event.sinceMs)
    case 'unregisterBroker':
      return unregisterBroker(context, event.brokerId)
    case 'registerController':
      return registerController(context, event.registration)
    case 'alterPartitions':
      return alterPartitions(context, event.brokerId, event.brokerEpoch, event.topics)
    case 'createTopics':
      return createTopics(context, event.topics, event)
    case 'deleteTopics':
      return deleteTopics(context, event.topics, event.allowance)
    case 'createPartitions':
      return createPartitions(context, event.topics, event)
    case 'alterConfigs':
      return alterConfigs(context, event.resources, event.replace, event.validateOnly)
    case 'alterQuotas':
      return alterQuotas(context, event.entries, event.validateOnly)
    case 'electLeaders':
      return electLeaders(context, event.electionType, event.topics)
    case 'alterReassignments':
      return alterReassignments(context, event.topics, event.allowReplicationFactorChange)
    case 'listReassignments':
      return listReassignments(context, event.topics)
    case 'updateFeatures':
      return updateFeatures(context, event.updates, event.validateOnly)
    case 'assignDirectories':
      return assignDirectories(context, event.brokerId, event.brokerEpoch, event.directories)
    case 'balanceLeaders':
      return balanceLeaders(context)
    case 'electUncleanly':
      return electUncleanly(context)
    case 'allocateProducerIds':
      return allocateProducerIds(context, event.brokerId, event.brokerEpoch)
    case 'writeNoOp':
      return { records: [{ kind: 'noOp', version: 0, value: {} }], answer: null }
    default:
      return unreachable(event)
  }
}

export const controllerCodec: RecordCodec<ControllerRecord> = {
  encode: record => (record.kind === 'session' ? null : metadataCodec.encode(record)),
  decode: (key, value) => metadataCodec.decode(key, value),
}

/** The runner speaks of coordinators; a client of the controller is told to look for the controller again. */
function controllerError(code: ErrorCode): ErrorCode {
  switch (code) {
    case Errors.COORDINATOR_LOAD_IN_PROGRESS:
    case Errors.NOT_COORDINATOR:
      return Errors.NOT_CONTROLLER
    case Errors.COORDINATOR_NOT_AVAILABLE:
      return Errors.REQUEST_TIMED_OUT
    default:
      return code
  }
}
