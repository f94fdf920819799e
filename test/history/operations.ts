/** What clients do to a cluster, and what they are told: the vocabulary of a history. */

/** Whose records these are. A client that gave up on a write goes on as a new producer: the old one may still arrive. */
export interface ProducerIdentity {
  readonly name: string
  /** It numbers its batches: the broker owes it each record once, in order. */
  readonly idempotent: boolean
  /** The client may send a record again without the broker being able to tell: duplicates are its own. */
  readonly repeats: boolean
  readonly acks: -1 | 0 | 1
}

export type Isolation = 'read_uncommitted' | 'read_committed'

/** Partitions are named `topic-n`. */
export type PartitionOffsets = Readonly<Record<string, number>>

/** Of one partition, in the order in which the client was given them. */
export type PolledRecords = Readonly<Record<string, readonly (readonly [offset: number, value: string])[]>>

export interface Operations {
  /** One batch of one partition. Every value is written by one operation only, in the whole history. */
  produce: {
    call: {
      readonly partition: string
      readonly values: readonly string[]
      readonly producer: ProducerIdentity
      /** The transaction it belongs to; what becomes of it is told by that one's `end`. */
      readonly transaction?: string
      /** The record, as `topic-n@offset`, that each value was made of: each is worked on once (consume, transform, produce). */
      readonly sources?: readonly string[]
    }
    /** Of the first value, the others follow; null where the answer does not tell. */
    result: { readonly offset: number | null }
  }
  poll: {
    call: {
      readonly consumer: string
      readonly isolation?: Isolation
      readonly transaction?: string
      /** With the polls of this consumer these partitions were read from their beginning to their end after everything. */
      readonly final?: readonly string[]
    }
    result: { readonly records: PolledRecords }
  }
  /** From here on the consumer reads these; where it goes on in those that it had before, unless it sought. */
  assign: {
    call: { readonly consumer: string; readonly partitions: readonly string[]; readonly sought?: boolean }
    result: object
  }
  /** A group gave a member its partitions (in a generation, if the client tells it): it goes on from the committed offsets, except in those that it kept. */
  assignment: {
    call: {
      readonly consumer: string
      readonly group: string
      readonly member: string
      readonly generation: number | null
      readonly partitions: readonly string[]
      readonly kept?: readonly string[]
    }
    result: object
  }
  commitOffsets: {
    call: { readonly group: string; readonly offsets: PartitionOffsets; readonly transaction?: string }
    result: object
  }
  /** -1 stands for no offset. */
  fetchOffsets: {
    call: { readonly group: string; readonly partitions: readonly string[] }
    result: { readonly offsets: PartitionOffsets }
  }
  /** An instance of a transactional id is there: from here on nothing that an earlier one asks for is committed. */
  fence: { call: { readonly transactionalId: string; readonly instance: string }; result: object }
  /** A transaction that begins, and never ends by a commit that somebody at least asked for, is never committed. */
  begin: {
    call: { readonly transaction: string; readonly producer: ProducerIdentity; readonly instance?: string }
    result: object
  }
  /** `fail` of a commit says that it was certainly aborted. */
  end: { call: { readonly transaction: string; readonly commit: boolean }; result: object }
  /** `earliest`, `latest`, or the first record not older than a timestamp. */
  listOffsets: {
    call: {
      readonly at: 'earliest' | 'latest' | number
      readonly isolation?: Isolation
      readonly partitions: readonly string[]
    }
    result: { readonly offsets: PartitionOffsets }
  }
  deleteRecords: {
    call: { readonly partition: string; readonly before: number }
    result: { readonly logStartOffset: number }
  }
  /** What one broker says who leads; a leader of -1 is none. */
  metadata: {
    call: { readonly broker: number }
    result: { readonly leaders: Readonly<Record<string, { readonly leader: number; readonly epoch: number }>> }
  }
  /** What is in the files of a broker that is at rest: a digest of the records from one offset up to another. */
  replica: {
    call: { readonly broker: number; readonly partition: string; readonly from: number; readonly to: number }
    result: { readonly digest: string }
  }
}

export type Kind = keyof Operations
export type Call<K extends Kind = Kind> = { [P in K]: { readonly kind: P } & Operations[P]['call'] }[K]
export type Result<K extends Kind = Kind> = Operations[K]['result']
