/** What a server-side assignor is given, and what it must give. */
import type { Assignment } from './member.ts'

export interface AssignorMember {
  readonly id: string
  readonly instanceId: string | null
  /** Ids of topics that exist. */
  readonly topicIds: ReadonlySet<string>
  /** The target assignment so far. */
  readonly target: Assignment
}

export interface AssignorInput {
  readonly members: readonly AssignorMember[]
  /** By topic id: every topic that a member subscribes to. */
  readonly partitionsCounts: ReadonlyMap<string, number>
}

/** By member id: everyone's new target. Each partition of a topic goes to exactly one of its subscribers. */
export type Assignor = (input: AssignorInput) => ReadonlyMap<string, Assignment>
