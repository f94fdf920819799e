/** Every value that anybody wrote, what became of it, and where it was seen: what all checks start from. */
import { type Operation, ofKind } from './history.ts'
import type { Isolation } from './operations.ts'

/** `committed`: it must be there. `absent`: nobody may see it. `unknown`: either. */
export type Fate = 'committed' | 'absent' | 'unknown'

export interface Write {
  readonly operation: Operation<'produce'>
  readonly value: string
  readonly partition: string
  /** Where the answer said it is; null when it did not say. */
  readonly claimed: number | null
  /** Where it was read, by whatever poll, without repetitions. */
  readonly readAt: number[]
  /** Where polls that ended well read it. */
  readonly readWellAt: number[]
}

/** What is known of one partition's log. */
export class PartitionLog {
  /** Offsets and everything that was read there or was acknowledged to be there. */
  readonly places = new Map<number, Set<string>>()
  readonly writes: Write[] = []
  /** Records before it may be gone, because somebody asked for that. */
  deletedBefore = 0
  #visible: number[] = []

  put(offset: number, value: string): void {
    const values = this.places.get(offset)
    if (values) values.add(value)
    else this.places.set(offset, new Set([value]))
  }

  seal(visible: (value: string) => boolean): void {
    const shown = [...this.places].filter(([, values]) => [...values].some(visible))
    this.#visible = shown.map(([offset]) => offset).sort((a, b) => a - b)
  }

  /** How many known records, of those that any reader is to get, stand before this offset. */
  rank(offset: number): number {
    let low = 0
    let high = this.#visible.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#visible[middle] < offset) low = middle + 1
      else high = middle
    }
    return low
  }

  /** Records that a reader going from one offset to another one has left out. */
  skipped(from: number, to: number): number[] {
    const first = this.rank(Math.max(from + 1, this.deletedBefore))
    return this.#visible.slice(first, Math.max(first, this.rank(to)))
  }
}

export class Writes {
  readonly logs = new Map<string, PartitionLog>()
  readonly #byValue = new Map<string, Write>()
  readonly #transactionFates: Map<string, Fate>
  readonly #fates = new Map<Operation<'produce'>, Fate>()

  constructor(operations: readonly Operation[]) {
    this.#transactionFates = transactionFates(operations)
    for (const operation of ofKind(operations, 'produce')) this.#add(operation)
    for (const poll of ofKind(operations, 'poll')) this.#read(poll)
    for (const { call, result, outcome } of ofKind(operations, 'deleteRecords')) {
      if (outcome === 'fail') continue
      const before = result?.logStartOffset ?? (call.before < 0 ? Number.POSITIVE_INFINITY : call.before)
      const log = this.log(call.partition)
      log.deletedBefore = Math.max(log.deletedBefore, before)
    }
    this.#prove(operations)
    this.#settle()
    for (const [partition, log] of this.logs) {
      log.seal(value => {
        const write = this.find(partition, value)
        return write !== undefined && this.fate(write) === 'committed'
      })
    }
  }

  log(partition: string): PartitionLog {
    let log = this.logs.get(partition)
    if (!log) {
      log = new PartitionLog()
      this.logs.set(partition, log)
    }
    return log
  }

  find(partition: string, value: string): Write | undefined {
    const write = this.#byValue.get(value)
    return write?.partition === partition ? write : undefined
  }

  /** Also of a write that nobody confirmed: what somebody has read has happened. */
  fate(write: Write): Fate {
    return this.#fates.get(write.operation)!
  }

  fateOfTransaction(transaction: string): Fate {
    return this.#transactionFates.get(transaction) ?? 'unknown'
  }

  #add(operation: Operation<'produce'>): void {
    const { call, result } = operation
    const base = result?.offset ?? null
    const log = this.log(call.partition)
    call.values.forEach((value, at) => {
      if (this.#byValue.has(value)) throw new Error(`the workload wrote ${value} twice`)
      const claimed = base === null ? null : base + at
      const write: Write = { operation, value, partition: call.partition, claimed, readAt: [], readWellAt: [] }
      this.#byValue.set(value, write)
      log.writes.push(write)
    })
  }

  #read({ outcome, result }: Operation<'poll'>): void {
    for (const [partition, records] of Object.entries(result?.records ?? {})) {
      const log = this.log(partition)
      for (const [offset, value] of records) {
        log.put(offset, value)
        const write = this.find(partition, value)
        if (!write) continue
        remember(write.readAt, offset)
        if (outcome === 'ok') remember(write.readWellAt, offset)
      }
    }
  }

  /** What a reader of committed records got is committed, whatever the client was told of its commit. */
  #prove(operations: readonly Operation[]): void {
    for (const { call, outcome, result } of ofKind(operations, 'poll')) {
      if (call.isolation !== 'read_committed' || outcome !== 'ok') continue
      for (const [partition, records] of Object.entries(result!.records)) {
        for (const [, value] of records) {
          const transaction = this.find(partition, value)?.operation.call.transaction
          if (transaction !== undefined && this.#transactionFates.get(transaction) === 'unknown') {
            this.#transactionFates.set(transaction, 'committed')
          }
        }
      }
    }
  }

  #settle(): void {
    const proven = new Set<Operation>()
    for (const { operation, readWellAt } of this.#byValue.values()) if (readWellAt.length > 0) proven.add(operation)
    for (const { operation, claimed, value, partition } of this.#byValue.values()) {
      if (!this.#fates.has(operation)) this.#fates.set(operation, this.#settled(operation, proven))
      const safe = operation.call.producer.acks === -1
      if (claimed !== null && safe && this.#fates.get(operation) === 'committed')
        this.log(partition).put(claimed, value)
    }
  }

  #settled(operation: Operation<'produce'>, proven: ReadonlySet<Operation>): Fate {
    const { outcome, call } = operation
    // That somebody has read it proves nothing of a transaction: it may have been a reader of uncommitted records.
    if (outcome === 'fail') return 'absent'
    if (call.transaction === undefined) return outcome === 'ok' || proven.has(operation) ? 'committed' : 'unknown'
    const fate = this.fateOfTransaction(call.transaction)
    return outcome === 'ok' || fate === 'absent' ? fate : 'unknown'
  }
}

/** Readers of uncommitted records may see what is aborted later; nobody may see what was refused. */
export function mayBeRead(fate: Fate, write: Write, isolation: Isolation | undefined): boolean {
  if (fate !== 'absent') return true
  return write.operation.outcome !== 'fail' && isolation !== 'read_committed'
}

function transactionFates(operations: readonly Operation[]): Map<string, Fate> {
  const fates = new Map<string, Fate>(ofKind(operations, 'begin').map(({ call }) => [call.transaction, 'absent']))
  const asked = new Set<string>()
  for (const { call, outcome } of ofKind(operations, 'end')) {
    const { transaction, commit } = call
    const before = asked.has(transaction) ? fates.get(transaction) : undefined
    if (commit) {
      const fate = outcome === 'info' ? 'unknown' : outcome === 'ok' ? 'committed' : 'absent'
      if (before === undefined || before === 'unknown') fates.set(transaction, fate)
      asked.add(transaction)
    } else if (before === undefined || (before === 'unknown' && outcome === 'ok')) {
      // Nobody asked for a commit, or the abort says what became of it.
      fates.set(transaction, 'absent')
    }
  }
  return fates
}

function remember(offsets: number[], offset: number): void {
  if (!offsets.includes(offset)) offsets.push(offset)
}
