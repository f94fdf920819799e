/** The controller as a state machine over the metadata log. */
import { type ErrorCode, Errors, KafkaError } from '../../protocol/errors.ts'
import type { BrokerConfig } from '../config/broker.ts'
import { unreachable } from '../lib/assert.ts'
import type { DecideContext, Machine, Outcome, Position, Ticket } from '../machine/machine.ts'
import type { MetadataRecord } from '../metadata/records.ts'
import type { MetadataState } from '../metadata/state.ts'
import { bootstrap } from './bootstrap.ts'
import { fenceBroker, registerBroker, unfenceBroker } from './brokers.ts'
import { alterConfigs } from './configs.ts'
import type { ControllerContext, Decision } from './context.ts'
import type { ControllerEvent, ControllerReply, QuestionName, Questions } from './events.ts'
import { createPartitions } from './partitions.ts'
import { allocateProducerIds } from './producer-ids.ts'
import { createTopics, deleteTopics } from './topics.ts'

type Answers = Decision<Questions[QuestionName]['answer']>

export class ControllerMachine implements Machine<ControllerEvent, MetadataRecord, ControllerReply> {
  readonly #state: MetadataState
  readonly #config: BrokerConfig
  readonly #nextOffset: () => number

  /** `state` holds what a snapshot held, or nothing. */
  constructor(state: MetadataState, config: BrokerConfig, nextOffset: () => number) {
    this.#state = state
    this.#config = config
    this.#nextOffset = nextOffset
  }

  decide(
    event: ControllerEvent,
    ticket: Ticket,
    { random }: DecideContext,
  ): Outcome<ControllerEvent, MetadataRecord, ControllerReply> {
    const context = { state: this.#state, config: this.#config, random, nextOffset: this.#nextOffset }
    try {
      const { records, answer } = decideOn(context, event)
      return { records, replies: [[ticket, { error: null, answer }]], timers: {} }
    } catch (error) {
      if (!(error instanceof KafkaError)) throw error
      return { records: [], replies: [[ticket, { error: error.code, detail: error.detail }]], timers: {} }
    }
  }

  apply(record: MetadataRecord, at: Position): void {
    this.#state.apply(record, at.offset, at.leaderEpoch, at.timestampMs)
  }

  loaded(): Outcome<ControllerEvent, MetadataRecord, ControllerReply> {
    return { records: [], replies: [], timers: {} }
  }

  failed(error: ErrorCode): ControllerReply {
    return { error: controllerError(error), detail: null }
  }
}

function decideOn(context: ControllerContext, event: ControllerEvent): Answers {
  switch (event.question) {
    case 'bootstrap':
      return bootstrap(context, event.records)
    case 'registerBroker':
      return registerBroker(context, event.registration)
    case 'unfenceBroker':
      return unfenceBroker(context, event.brokerId, event.brokerEpoch)
    case 'fenceBroker':
      return fenceBroker(context, event.brokerId, event.brokerEpoch)
    case 'createTopics':
      return createTopics(context, event.topics, event.validateOnly)
    case 'deleteTopics':
      return deleteTopics(context, event.topics)
    case 'createPartitions':
      return createPartitions(context, event.topics, event.validateOnly)
    case 'alterConfigs':
      return alterConfigs(context, event.resources, event.replace, event.validateOnly)
    case 'allocateProducerIds':
      return allocateProducerIds(context, event.brokerId, event.brokerEpoch)
    default:
      return unreachable(event)
  }
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
