/** What the harness and its workload, a process of its own, say to each other. */
import type { Endpoint } from './connection.ts'
import type { Gaps } from './progress.ts'

export const clientKinds = ['own', 'kafkajs', 'librdkafka', 'java'] as const
export type ClientKind = (typeof clientKinds)[number]

export interface WorkloadOptions {
  readonly bootstrap: readonly (Endpoint & { readonly id: number })[]
  readonly topic: string
  readonly partitions: number
  readonly seed: number
  readonly pauseMs: number
  readonly clients: readonly ClientKind[]
  readonly historyPath: string
}

/** What the workload says, a line each. */
export type WorkloadLine =
  | ({ readonly kind: 'progress'; readonly operations: number } & Gaps)
  /** A client with retries on gave up on something. */
  | { readonly kind: 'failed'; readonly who: string; readonly error: string }
  /** No cluster may do this, though it is in no history. */
  | { readonly kind: 'wrong'; readonly message: string }
  | { readonly kind: 'ended' }
