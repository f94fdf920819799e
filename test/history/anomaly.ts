/** What a history may show that no cluster may do. The names are Jepsen's where it has one. */

export const anomalyClasses = {
  'inconsistent-offsets': 'two values at one offset',
  duplicate: 'a value at two offsets although its client sent it once or numbered it',
  'lost-write': 'an acknowledged value that no reader got, though readers went past it',
  unseen: 'an acknowledged value that was not there in the end',
  'aborted-read': 'a value was read whose write certainly failed or was aborted',
  'precommitted-read': 'a transaction read what it had itself written',
  'unwritten-read': 'a value was read that nobody wrote to that partition',
  'int-poll-skip': 'one poll left out a record',
  'int-nonmonotonic-poll': 'one poll went back',
  'poll-skip': 'a consumer left out a record from one poll to the next',
  'nonmonotonic-poll': 'a consumer went back from one poll to the next',
  'int-nonmonotonic-send': 'the values of one write stand in another order',
  'nonmonotonic-send': 'the writes of one idempotent producer stand in another order',
  'order-inversion': 'a write that began after another one was acknowledged stands before it',
  'committed-offset-back': 'a group was told an offset older than one that it had committed',
  'committed-offset-invented': 'a group was told an offset that it never committed',
  'two-owners': 'two members of one generation have the same partition',
  'high-watermark-back': 'the end of a partition went back for one client',
  'log-start-back': 'the beginning of a partition went back for one client',
  'timestamp-offsets': 'an older timestamp was answered with a later offset',
  'two-leaders': 'one leader epoch with two leaders',
  'leader-epoch-back': 'the leader epoch that a broker tells of went back',
  'replica-divergence': 'two replicas differ where both are committed',
  'undecided-read': 'a reader of committed records got one whose commit nobody had asked for yet',
  'torn-transaction': 'a part of a transaction is committed and another part is not',
  'zombie-commit': 'a commit of an instance that had been replaced by another one',
  'copied-twice': 'a record was worked on twice by one group, in two committed transactions',
  'not-copied': 'a group went past a record without having worked on it',
  G1c: 'transactions that each read what the other wrote',
} as const

export type AnomalyClass = keyof typeof anomalyClasses

export interface Anomaly {
  readonly kind: AnomalyClass
  readonly message: string
  /** Ids of the operations that show it. */
  readonly operations: readonly number[]
}

export type Report = (kind: AnomalyClass, message: string, ...operations: readonly { readonly id: number }[]) => void
