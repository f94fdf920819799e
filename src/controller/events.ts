/** What can be asked of the controller, and what it answers. */
import type { ErrorCode } from '../../protocol/errors.ts'
import type { Endpoint, FeatureRange } from '../metadata/entities.ts'
import type { MetadataRecord } from '../metadata/records.ts'

/** `errorCode` 0 is success; the message says more of an error, null when there is no more. */
export interface Outcome {
  readonly errorCode: ErrorCode
  readonly errorMessage: string | null
}

export interface NewTopic {
  readonly name: string
  /** -1: the broker's default. */
  readonly partitionsCount: number
  /** -1: the broker's default. */
  readonly replicationFactor: number
  /** Replicas of every partition; empty: chosen by the controller. */
  readonly assignments: readonly Assignment[]
  readonly configs: readonly { readonly name: string; readonly value: string | null }[]
}

export interface Assignment {
  readonly partitionIndex: number
  readonly brokerIds: readonly number[]
}

export interface CreatedTopic extends Outcome {
  readonly name: string
  readonly topicId: string
  readonly partitionsCount: number
  readonly replicationFactor: number
  /** What is set on the topic itself. */
  readonly configs: ReadonlyMap<string, string>
}

/** A topic by name or by id; exactly one of them is given. */
export interface TopicReference {
  readonly name: string | null
  readonly topicId: string | null
}

export interface DeletedTopic extends Outcome {
  readonly name: string | null
  readonly topicId: string | null
}

export interface MorePartitions {
  readonly name: string
  /** The count after growing. */
  readonly count: number
  /** Replicas of each partition that is added; null: chosen by the controller. */
  readonly assignments: readonly (readonly number[])[] | null
}

export interface TopicOutcome extends Outcome {
  readonly name: string
}

export const configOperations = { set: 0, delete: 1, append: 2, subtract: 3 } as const

export interface ConfigOperation {
  readonly name: string
  /** One of `configOperations`, or what a client made up. */
  readonly operation: number
  readonly value: string | null
}

export interface ResourceChange {
  readonly resourceType: number
  readonly resourceName: string
  readonly operations: readonly ConfigOperation[]
}

export interface ResourceOutcome extends Outcome {
  readonly resourceType: number
  readonly resourceName: string
}

export interface Registration {
  readonly brokerId: number
  readonly incarnationId: string
  readonly endpoints: readonly Endpoint[]
  readonly features: readonly FeatureRange[]
  readonly rack: string | null
  /** Ids of the broker's log directories. */
  readonly logDirs: readonly string[]
}

/** Each question with the type of its answer. */
export interface Questions {
  bootstrap: { ask: { readonly records: readonly MetadataRecord[] }; answer: null }
  registerBroker: { ask: { readonly registration: Registration }; answer: { readonly brokerEpoch: number } }
  unfenceBroker: { ask: { readonly brokerId: number; readonly brokerEpoch: number }; answer: null }
  fenceBroker: { ask: { readonly brokerId: number; readonly brokerEpoch: number }; answer: null }
  createTopics: {
    ask: { readonly topics: readonly NewTopic[]; readonly validateOnly: boolean }
    answer: readonly CreatedTopic[]
  }
  deleteTopics: { ask: { readonly topics: readonly TopicReference[] }; answer: readonly DeletedTopic[] }
  createPartitions: {
    ask: { readonly topics: readonly MorePartitions[]; readonly validateOnly: boolean }
    answer: readonly TopicOutcome[]
  }
  /** `replace`: what isn't named is deleted (the older AlterConfigs). */
  alterConfigs: {
    ask: { readonly resources: readonly ResourceChange[]; readonly replace: boolean; readonly validateOnly: boolean }
    answer: readonly ResourceOutcome[]
  }
  allocateProducerIds: {
    ask: { readonly brokerId: number; readonly brokerEpoch: number }
    answer: { readonly firstId: number; readonly count: number }
  }
}

export type QuestionName = keyof Questions
export type ControllerEvent = {
  [K in QuestionName]: { readonly question: K } & Questions[K]['ask']
}[QuestionName]

/** A failure of the whole question, or its answer. */
export type ControllerReply =
  | { readonly error: ErrorCode; readonly detail: string | null }
  | { readonly error: null; readonly answer: Questions[QuestionName]['answer'] }
