/** What can be asked of the controller, and what it answers. */
import type { ErrorCode } from '../../protocol/errors.ts'
import type { Timer } from '../machine/machine.ts'
import type { Endpoint, FeatureRange, QuotaEntityPart } from '../metadata/entities.ts'
import type { MutationAllowance } from '../quota/mutation-quota.ts'

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
  /** Null: a broker of this very process. */
  readonly clusterId: string | null
  readonly incarnationId: string
  readonly endpoints: readonly Endpoint[]
  readonly features: readonly FeatureRange[]
  readonly rack: string | null
  /** Ids of the broker's log directories. */
  readonly logDirs: readonly string[]
  /** The epoch it had when it last stopped in good order; -1 when it did not. */
  readonly previousBrokerEpoch: number
  readonly isMigratingZkBroker: boolean
}

export interface ControllerRegistration {
  readonly controllerId: number
  readonly incarnationId: string
  readonly zkMigrationReady: boolean
  readonly endpoints: readonly Endpoint[]
  readonly features: readonly FeatureRange[]
}

export interface Heartbeat {
  readonly brokerId: number
  readonly brokerEpoch: number
  /** The last record of the metadata log that the broker applied. */
  readonly currentMetadataOffset: number
  readonly wantFence: boolean
  readonly wantShutDown: boolean
  readonly offlineLogDirs: readonly string[]
  /** Null: as before. */
  readonly cordonedLogDirs: readonly string[] | null
}

export interface HeartbeatAnswer {
  readonly isCaughtUp: boolean
  readonly isFenced: boolean
  readonly shouldShutDown: boolean
}

export interface InSyncMember {
  readonly brokerId: number
  /** -1: not known. */
  readonly brokerEpoch: number
}

export interface InSyncChange {
  readonly partitionIndex: number
  readonly leaderEpoch: number
  readonly partitionEpoch: number
  readonly isr: readonly InSyncMember[]
  readonly leaderRecoveryState: number
}

export interface TopicInSyncChanges {
  readonly topicId: string
  readonly partitions: readonly InSyncChange[]
}

export interface AlteredPartition {
  readonly partitionIndex: number
  readonly errorCode: ErrorCode
  readonly leaderId: number
  readonly leaderEpoch: number
  readonly isr: readonly number[]
  readonly leaderRecoveryState: number
  readonly partitionEpoch: number
}

export interface AlteredTopic {
  readonly topicId: string
  readonly partitions: readonly AlteredPartition[]
}

export interface TopicPartitions {
  readonly topic: string
  readonly partitions: readonly number[]
}

export interface PartitionOutcome extends Outcome {
  readonly partitionIndex: number
}

export interface ElectedTopic {
  readonly topic: string
  readonly partitions: readonly PartitionOutcome[]
}

export interface TopicReassignment {
  readonly name: string
  /** `replicas` null cancels what is under way. */
  readonly partitions: readonly { readonly partitionIndex: number; readonly replicas: readonly number[] | null }[]
}

export interface ReassignedTopic {
  readonly name: string
  readonly partitions: readonly PartitionOutcome[]
}

export interface Reassignment {
  readonly partitionIndex: number
  readonly replicas: readonly number[]
  readonly addingReplicas: readonly number[]
  readonly removingReplicas: readonly number[]
}

export interface TopicReassignments {
  readonly name: string
  readonly partitions: readonly Reassignment[]
}

export interface FeatureUpdate {
  readonly name: string
  readonly level: number
  /** 1 upgrade, 2 safe downgrade, 3 unsafe downgrade. */
  readonly upgradeType: number
}

export interface DirectoryAssignment {
  readonly id: string
  readonly topics: readonly {
    readonly topicId: string
    readonly partitions: readonly number[]
  }[]
}

export interface DirectoryOutcome {
  readonly id: string
  readonly topics: readonly {
    readonly topicId: string
    readonly partitions: readonly { readonly partitionIndex: number; readonly errorCode: ErrorCode }[]
  }[]
}

/** How many partitions whoever asks may make or delete; null for no limit. */
export type Allowance = MutationAllowance | null

export interface QuotaAlteration {
  readonly entity: readonly QuotaEntityPart[]
  readonly ops: readonly { readonly key: string; readonly value: number; readonly remove: boolean }[]
}

export interface QuotaOutcome extends Outcome {
  readonly entity: readonly QuotaEntityPart[]
}

/** Each question with the type of its answer. */
export interface Questions {
  registerBroker: { ask: { readonly registration: Registration }; answer: { readonly brokerEpoch: number } }
  heartbeat: { ask: { readonly beat: Heartbeat }; answer: HeartbeatAnswer }
  unregisterBroker: { ask: { readonly brokerId: number }; answer: null }
  registerController: { ask: { readonly registration: ControllerRegistration }; answer: null }
  alterPartitions: {
    ask: { readonly brokerId: number; readonly brokerEpoch: number; readonly topics: readonly TopicInSyncChanges[] }
    answer: readonly AlteredTopic[]
  }
  createTopics: {
    ask: { readonly topics: readonly NewTopic[]; readonly validateOnly: boolean; readonly allowance?: Allowance }
    answer: readonly CreatedTopic[]
  }
  deleteTopics: {
    ask: { readonly topics: readonly TopicReference[]; readonly allowance?: Allowance }
    answer: readonly DeletedTopic[]
  }
  createPartitions: {
    ask: { readonly topics: readonly MorePartitions[]; readonly validateOnly: boolean; readonly allowance?: Allowance }
    answer: readonly TopicOutcome[]
  }
  /** `replace`: what isn't named is deleted (the older AlterConfigs). */
  alterConfigs: {
    ask: { readonly resources: readonly ResourceChange[]; readonly replace: boolean; readonly validateOnly: boolean }
    answer: readonly ResourceOutcome[]
  }
  alterQuotas: {
    ask: { readonly entries: readonly QuotaAlteration[]; readonly validateOnly: boolean }
    answer: readonly QuotaOutcome[]
  }
  /** `topics` null: all of them. */
  electLeaders: {
    ask: { readonly electionType: number; readonly topics: readonly TopicPartitions[] | null }
    answer: readonly ElectedTopic[]
  }
  alterReassignments: {
    ask: { readonly topics: readonly TopicReassignment[]; readonly allowReplicationFactorChange: boolean }
    answer: readonly ReassignedTopic[]
  }
  /** `topics` null: all of them. */
  listReassignments: {
    ask: { readonly topics: readonly TopicPartitions[] | null }
    answer: readonly TopicReassignments[]
  }
  updateFeatures: {
    ask: { readonly updates: readonly FeatureUpdate[]; readonly validateOnly: boolean }
    answer: null
  }
  assignDirectories: {
    ask: {
      readonly brokerId: number
      readonly brokerEpoch: number
      readonly directories: readonly DirectoryAssignment[]
    }
    answer: readonly DirectoryOutcome[]
  }
  allocateProducerIds: {
    ask: { readonly brokerId: number; readonly brokerEpoch: number }
    answer: { readonly firstId: number; readonly count: number }
  }
}

/** What the controller asks itself: when a timer runs out, or when it has seen something. */
export interface Chores {
  /** `grace`: the session was found over late, and looked at again after a while. */
  expireSession: {
    ask: { readonly brokerId: number; readonly brokerEpoch: number; readonly grace: boolean }
    answer: null
  }
  /** The process of the broker is gone. `sinceMs`: what was heard of it later than this counts for more. */
  loseBroker: {
    ask: { readonly brokerId: number; readonly brokerEpoch: number; readonly sinceMs: number }
    answer: null
  }
  balanceLeaders: { ask: object; answer: null }
  electUncleanly: { ask: object; answer: null }
  writeNoOp: { ask: object; answer: null }
}

export type QuestionName = keyof Questions
export type ControllerEvent =
  | { [K in QuestionName]: { readonly question: K } & Questions[K]['ask'] }[QuestionName]
  | { [K in keyof Chores]: { readonly question: K } & Chores[K]['ask'] }[keyof Chores]

export type ControllerTimers = Readonly<Record<string, Timer<ControllerEvent> | null>>

/** A failure of the whole question, or its answer. */
export type ControllerReply =
  | { readonly error: ErrorCode; readonly detail: string | null }
  | { readonly error: null; readonly answer: Questions[QuestionName]['answer'] }
