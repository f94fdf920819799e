/** What the core wants done, in this order. */
import type { ControlRecord } from '../../../protocol/records/control.ts'
import type { OffsetAndEpoch } from './log-view.ts'
import type { Asked, ChangeOutcome } from './messages.ts'
import type { NodeAddress, ReplicaKey } from './replica-key.ts'

/** What must outlive a crash, apart from the log. */
export interface DurableElection {
  readonly epoch: number
  /** -1: none known. */
  readonly leaderId: number
  readonly votedFor: ReplicaKey | null
  /** 0: the voters are fixed by configuration, and written down with the rest. */
  readonly kraftVersion: number
  readonly voterIds: readonly number[]
}

export interface Send {
  readonly id: number
  /** Id of the node; -1 when only its address is known. */
  readonly nodeId: number
  readonly to: NodeAddress
  readonly body: Asked
  readonly timeoutMs: number
  /** Name of the line that it occupies. */
  readonly place: string
}

export type Effect =
  /** Durable before any later answer or request leaves this node. */
  | { readonly kind: 'persist'; readonly state: DurableElection }
  | { readonly kind: 'send'; readonly send: Send }
  /** At once: the leader's control records, one batch, at the end of the log. */
  | { readonly kind: 'append'; readonly epoch: number; readonly records: readonly ControlRecord[] }
  /** At once; tell `appended`. */
  | { readonly kind: 'appendFetched'; readonly epoch: number; readonly records: Buffer }
  /** Tell `truncated` when done. */
  | { readonly kind: 'truncate'; readonly offset: number }
  /** Begin anew with a snapshot; tell `pieceWritten` after each piece, `snapshotInstalled` after the last. */
  | {
      readonly kind: 'writePiece'
      readonly id: OffsetAndEpoch
      readonly position: number
      readonly bytes: Buffer
      readonly last: boolean
    }
  | { readonly kind: 'highWatermark'; readonly offset: number }
  /** Who leads is known anew, or not any more. */
  | { readonly kind: 'leader'; readonly leaderId: number; readonly epoch: number }
  /** This node leads, and the first record of its epoch is committed. */
  | { readonly kind: 'elected'; readonly epoch: number }
  | { readonly kind: 'resigned'; readonly epoch: number }
  /** The outcome of a change of voters that somebody waits for. */
  | { readonly kind: 'changed'; readonly ticket: number; readonly outcome: ChangeOutcome }
