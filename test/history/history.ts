/**
 * Histories: what every client asked and when, and how it ended. `ok`: done. `fail`: certainly not done. `info`: nobody
 * knows, it may yet happen; timeouts, lost connections and NOT_LEADER_OR_FOLLOWER are of this sort.
 */
import type { Call, Kind, Operations } from './operations.ts'

export type Outcome = 'ok' | 'fail' | 'info'

/** One line of a stored history. `id` joins the end of an operation to its beginning. */
export type Entry =
  | {
      readonly type: 'invoke'
      readonly id: number
      readonly process: string
      readonly time: number
      readonly call: Call
    }
  | {
      readonly type: Outcome
      readonly id: number
      readonly time: number
      readonly result?: object
      readonly error?: string
    }

/** One whole operation. One that never ended is `info` with an end of Infinity. */
export interface Operation<K extends Kind = Kind> {
  readonly id: number
  /** Does one thing after the other. */
  readonly process: string
  readonly kind: K
  readonly call: Operations[K]['call']
  readonly outcome: Outcome
  /** Always there with `ok`; what a failed poll had got already, say, with the others. */
  readonly result: Operations[K]['result'] | null
  readonly error: string | null
  /** Of a clock that never goes back, in milliseconds, the same for all processes. */
  readonly invoked: number
  readonly ended: number
}

/** An operation under way. Only the first of these calls counts. */
export interface Pending<K extends Kind> {
  ok(result: Operations[K]['result']): void
  fail(error: string, result?: Operations[K]['result']): void
  info(error: string, result?: Operations[K]['result']): void
}

type Open = { -readonly [F in keyof Operation]: Operation[F] }

export class History {
  readonly #monotonic: () => number
  readonly #sink: ((entry: Entry) => void) | null
  readonly #operations: Open[] = []

  /** Every entry also goes to `sink`, at once: a history survives the program that records it. */
  constructor(monotonic: () => number, sink: ((entry: Entry) => void) | null = null) {
    this.#monotonic = monotonic
    this.#sink = sink
  }

  /** In the order of their beginnings. */
  get operations(): readonly Operation[] {
    return this.#operations
  }

  /** `invoked`: for what another program began earlier. */
  invoke<K extends Kind>(
    process: string,
    kind: K,
    call: Operations[K]['call'],
    invoked = this.#monotonic(),
  ): Pending<K> {
    const id = this.#operations.length
    const entry = { type: 'invoke', id, process, time: invoked, call: { kind, ...call } as Call } as const
    const operation = begun(entry)
    this.#operations.push(operation)
    this.#sink?.(entry)
    const end = (type: Outcome) => (error: string | null, result: object | null) => {
      if (operation.ended !== Number.POSITIVE_INFINITY) return
      const end: Entry = { type, id, time: this.#monotonic(), ...(result && { result }), ...(error && { error }) }
      finish(operation, end)
      this.#sink?.(end)
    }
    return {
      ok: result => end('ok')(null, result),
      fail: (error, result) => end('fail')(error, result ?? null),
      info: (error, result) => end('info')(error, result ?? null),
    }
  }

  /** Something that takes no time, or that is known only afterwards. */
  note<K extends Kind>(process: string, kind: K, call: Operations[K]['call'], result: Operations[K]['result']): void {
    this.invoke(process, kind, call).ok(result)
  }
}

/** A stored history: one entry a line. A line cut off at the end counts as not written. */
export function readHistory(text: string): Operation[] {
  const operations: Open[] = []
  const lines = text.split('\n')
  lines.forEach((line, at) => {
    if (line === '') return
    let entry: Entry
    try {
      entry = JSON.parse(line) as Entry
    } catch (error) {
      if (at === lines.length - 1) return
      throw new Error(`line ${at + 1} of the history: ${(error as Error).message}`)
    }
    if (entry.type === 'invoke') operations[entry.id] = begun(entry)
    else finish(operations[entry.id], entry)
  })
  return operations
}

function begun({ id, process, time, call }: Entry & { type: 'invoke' }): Open {
  const { kind } = call
  const ended = Number.POSITIVE_INFINITY
  return { id, process, kind, call, outcome: 'info', result: null, error: 'never ended', invoked: time, ended }
}

function finish(operation: Open, entry: Entry & { type: Outcome }): void {
  operation.outcome = entry.type
  operation.ended = entry.time
  operation.result = (entry.result ?? null) as Operation['result']
  operation.error = entry.error ?? null
}

/** The operations of one kind. */
export function ofKind<K extends Kind>(operations: readonly Operation[], kind: K): Operation<K>[] {
  return operations.filter((operation): operation is Operation<K> => operation.kind === kind)
}
