/**
 * Replicas on their way from one log directory of this broker to another (KIP-113). Each is copied while it stays in use; when
 * the copy is nearly whole the controller is told where the replica will lie (KIP-858), writes pause for a moment, the rest is
 * copied, and the copy takes the replica's place.
 */
import { Errors, KafkaError } from '../../protocol/errors.ts'
import { baseOffset } from '../../protocol/records/batch.ts'
import { type Clock, DiskError, type Logger } from '../host/host.ts'
import { type RateWindow, WindowedRate } from '../lib/windowed-rate.ts'
import type { LogDirectory } from '../log/directory.ts'
import type { Log } from '../log/log.ts'
import type { Logs } from '../log/logs.ts'
import { truncationOffset } from './divergence.ts'
import type { Partition } from './partition.ts'

export interface DirectoryMovesOptions {
  readonly clock: Clock
  readonly log: Logger
  readonly logs: Logs
  readonly window: RateWindow
  /** Bytes a second, infinite for no limit. */
  readonly rate: () => number
  readonly partitionOf: (topic: string, index: number) => Partition | null
  /** Tells the controller where a replica will lie. Resolves when it knows, or when that took too long. */
  readonly announce: (partition: Partition, directoryId: string) => Promise<void>
  /** Puts the copy in its place after `finish`. False when that is not possible now. */
  readonly exchange: (partition: Partition, finish: () => Promise<void>) => Promise<boolean>
  /** A move came to nothing: the replica stays where it is. */
  readonly ended: (partition: Partition) => void
}

interface Move {
  readonly topic: string
  readonly index: number
  readonly to: LogDirectory
  stopped: boolean
}

const chunkBytes = 1 << 20
/** With no more than this to copy, the rest is copied while writes pause. */
const restBytesMax = 256 << 10
/** After a round without anything to do. */
const pauseMs = 100
const epochMax = 2 ** 31 - 1

export class DirectoryMoves {
  readonly #options: DirectoryMovesOptions
  readonly #moves = new Map<string, Move>()
  /** The last step of each partition: an old copy is gone before a new one begins. */
  readonly #steps = new Map<string, Promise<void>>()
  /** Where partitions are to be made that this broker does not hold yet. */
  readonly #preferred = new Map<string, LogDirectory>()
  readonly #copied: WindowedRate
  #running = 0
  readonly #queue: (() => void)[] = []
  #closed = false

  constructor(options: DirectoryMovesOptions) {
    this.#options = options
    this.#copied = new WindowedRate(options.window)
  }

  /** Goes on with what an earlier life of this broker had begun. */
  async resume(): Promise<void> {
    for (const { topic, partition, to } of await this.#options.logs.futures.takeUnfinished()) {
      if (this.#options.partitionOf(topic, partition)) this.move(topic, partition, to)
    }
  }

  /** The replica shall lie in this directory; a move to another one ends. One that is there already stays. */
  move(topic: string, index: number, to: LogDirectory): void {
    const key = `${topic}-${index}`
    const partition = this.#options.partitionOf(topic, index)
    if (!partition) {
      this.#preferred.set(key, to)
      return
    }
    const present = this.#moves.get(key)
    if (present?.to === to) return
    if (present) present.stopped = true
    this.#moves.delete(key)
    const isThere = this.#options.logs.directoryOf(partition.log) === to
    const move: Move = { topic, index, to, stopped: false }
    if (!isThere) this.#moves.set(key, move)
    const before = this.#steps.get(key) ?? Promise.resolve()
    const step = before.then(() => (isThere ? undefined : this.#run(key, move)))
    this.#steps.set(key, step)
    void step.finally(() => {
      if (this.#steps.get(key) === step) this.#steps.delete(key)
    })
  }

  /** Where a partition that is about to be made was asked to lie; asked once. */
  takePreferred(topic: string, index: number): LogDirectory | null {
    const key = `${topic}-${index}`
    const preferred = this.#preferred.get(key) ?? null
    this.#preferred.delete(key)
    return preferred
  }

  /** The replica is gone. */
  forget(topic: string, index: number): void {
    const move = this.#moves.get(`${topic}-${index}`)
    if (move) move.stopped = true
  }

  /** Resolves when nothing is copied any more. */
  async close(): Promise<void> {
    this.#closed = true
    for (const move of this.#moves.values()) move.stopped = true
    for (const wake of this.#queue.splice(0)) wake()
    await Promise.all(this.#steps.values())
  }

  async #run(key: string, move: Move): Promise<void> {
    const { log, logs, partitionOf, ended } = this.#options
    const names = { topic: move.topic, partition: move.index, to: move.to.path }
    // As many at a time as there are directories, which is Kafka's number of threads for this.
    if (this.#running >= logs.directories.length) await new Promise<void>(resolve => this.#queue.push(resolve))
    this.#running += 1
    try {
      if (!move.stopped) log.info(names, 'a replica is moved to another log directory')
      const done = await this.#copyAll(move)
      if (done) log.info(names, 'a replica has been moved to another log directory')
    } catch (error) {
      if (!(error instanceof KafkaError || error instanceof DiskError)) throw error
      log.error({ ...names, err: error }, 'a replica could not be moved to another log directory')
    }
    // A broker that stops leaves its copies, and goes on when it is back.
    if (!this.#closed) {
      await logs.futures.drop(move.topic, move.index)
      const partition = partitionOf(move.topic, move.index)
      if (partition) ended(partition)
    }
    if (this.#moves.get(key) === move) this.#moves.delete(key)
    this.#running -= 1
    this.#queue.shift()?.()
  }

  /** True when the replica has moved, false when the move was ended before. Rejects with KafkaError. */
  async #copyAll(move: Move): Promise<boolean> {
    const { logs, partitionOf, announce, exchange, clock } = this.#options
    let future: Log | null = null
    while (!move.stopped) {
      const partition = partitionOf(move.topic, move.index)
      if (!partition) return false
      future ??= await logs.futures.create(partition.log, move.to)
      const copy = future
      const bytes = await this.#copy(partition.log, copy)
      if (bytes > restBytesMax) {
        await this.#throttle(bytes)
        continue
      }
      const directoryId = move.to.meta?.directoryId
      if (directoryId) await announce(partition, directoryId)
      if (move.stopped) return false
      if (await exchange(partition, () => this.#finish(partition.log, copy))) return true
      await new Promise<void>(resolve => clock.after(pauseMs, resolve))
    }
    return false
  }

  /** While nobody writes to `log`. */
  async #finish(log: Log, future: Log): Promise<void> {
    while (future.logEndOffset !== log.logEndOffset) {
      if ((await this.#copy(log, future)) === 0 && future.logEndOffset !== log.logEndOffset) {
        throw new KafkaError(Errors.KAFKA_STORAGE_ERROR, 'the copy of a log cannot be finished')
      }
    }
    await future.flush()
  }

  /** One step; how many bytes were copied. */
  async #copy(log: Log, future: Log): Promise<number> {
    await align(log, future)
    const isBehindStart = future.logEndOffset < log.logStartOffset
    const offset = Math.max(future.logEndOffset, log.logStartOffset)
    if (offset >= log.written.value) {
      if (isBehindStart) await future.truncateFullyAndStartAt(offset)
      return 0
    }
    const { logEndOffset: upperOffset } = log
    const read = { offset, bytesMax: chunkBytes, upperOffset, minOneBatch: true, abortedTransactions: false }
    const { chunks } = await log.read(read)
    const records = Buffer.concat(chunks)
    if (records.length === 0) return 0
    const first = baseOffset(records, 0)
    // What retention has removed meanwhile need not be in the copy, and the first batch may begin before the log does.
    if (isBehindStart || (future.sizeBytes === 0 && first !== future.logEndOffset)) {
      await future.truncateFullyAndStartAt(first)
    }
    const end = future.appendAsFollower(records, epochMax)
    await new Promise<void>((resolve, reject) => {
      future.written.reached(end, failure => (failure ? reject(failure) : resolve()))
    })
    return records.length
  }

  async #throttle(bytes: number): Promise<void> {
    const { clock, rate, window } = this.#options
    const limit = rate()
    if (limit === Number.POSITIVE_INFINITY) return
    this.#copied.record(bytes, clock.monotonic())
    while (!this.#closed && this.#copied.perSecond(clock.monotonic()) > rate()) {
      await new Promise<void>(resolve => clock.after(window.sampleMs / 4, resolve))
    }
  }
}

/** The log may have been cut since the copy was made of it: so is the copy. */
async function align(log: Log, future: Log): Promise<void> {
  for (let latest = future.latestEpoch; latest !== null; latest = future.latestEpoch) {
    const end = log.endOffsetForEpoch(latest.epoch)
    const isPast = end !== null && (end.epoch !== latest.epoch || end.endOffset < future.logEndOffset)
    if (!isPast) break
    const before = future.logEndOffset
    await future.truncateTo(truncationOffset(end, future.endOffsetForEpoch(end.epoch), before))
    if (future.logEndOffset === before) break
  }
  if (future.logEndOffset > log.logEndOffset) await future.truncateTo(log.logEndOffset)
}
