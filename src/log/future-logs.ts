/**
 * Copies of logs on their way to another log directory (KIP-113): in a directory with Kafka's suffix `-future`, until one takes the
 * place of the log that it is a copy of.
 */
import { Errors, KafkaError } from '../../protocol/errors.ts'
import type { Host } from '../host/host.ts'
import { type LogDirectory, type PartitionDirectory, suffixedDirectoryName } from './directory.ts'
import type { DirectoryState } from './directory-state.ts'
import type { Log } from './log.ts'
import { loadLog } from './log-loader.ts'
import { writeTopicId } from './partition-metadata.ts'

/** What this needs of the logs that are in use. */
export interface LogsInUse {
  readonly states: readonly DirectoryState[]
  stateOf(log: Log): DirectoryState
  exclusively<T>(name: string, run: () => Promise<T>): Promise<T>
  /** Out of use: closed, and renamed durably to be removed. Rejects with KafkaError. */
  retire(log: Log): Promise<void>
  add(state: DirectoryState, name: string, log: Log): void
  /** Throws what is no DiskError. */
  failed(state: DirectoryState, error: unknown): void
}

/** A copy that was under way when the process ended. */
export interface UnfinishedMove {
  readonly topic: string
  readonly partition: number
  readonly to: LogDirectory
}

interface Future {
  readonly log: Log
  readonly state: DirectoryState
}

export class FutureLogs {
  readonly #host: Host
  readonly #inUse: LogsInUse
  /** By the name of the log that each is a copy of. */
  readonly #futures = new Map<string, Future>()
  readonly #left: { readonly state: DirectoryState; readonly found: PartitionDirectory }[] = []

  constructor(host: Host, inUse: LogsInUse) {
    this.#host = host
    this.#inUse = inUse
  }

  /** A directory of an earlier life of this broker. */
  noteLeft(state: DirectoryState, found: PartitionDirectory): void {
    this.#left.push({ state, found })
  }

  /** What earlier copies were for. The copies themselves go: what they lack is not known. */
  async takeUnfinished(): Promise<UnfinishedMove[]> {
    const left = this.#left.splice(0)
    for (const { state, found } of left) {
      const path = `${state.directory.path}/${found.name}`
      await this.#host.disk.remove(path).catch(error => this.#inUse.failed(state, error))
    }
    return left.map(({ state, found: { topic, partition } }) => ({ topic, partition, to: state.directory }))
  }

  /**
   * The process ended between the two renames of a move: the partition lies in both directories. What the controller was told
   * last counts; with no word of the controller's, both stay.
   */
  async removeReplaced(assignedTo: (topic: string, partition: number) => string | null): Promise<void> {
    for (const state of this.#inUse.states) {
      for (const { name, topic, partition } of [...state.waiting.values()]) {
        const assigned = assignedTo(topic, partition)
        const isElsewhere = this.#inUse.states.some(
          ({ directory, waiting }) => waiting.has(name) && directory.meta?.directoryId === assigned,
        )
        if (!isElsewhere || state.directory.meta?.directoryId === assigned) continue
        state.waiting.delete(name)
        const path = `${state.directory.path}/${name}`
        this.#host.log.warn({ path }, 'a replica had been moved to another log directory: this one is removed')
        await this.#host.disk.remove(path).catch(error => this.#inUse.failed(state, error))
      }
    }
  }

  get(topic: string, partition: number): Log | undefined {
    return this.#futures.get(`${topic}-${partition}`)?.log
  }

  all(): Log[] {
    return [...this.#futures.values()].map(({ log }) => log)
  }

  /** An empty copy of `log` in another directory. Rejects with KafkaError KAFKA_STORAGE_ERROR. */
  async create(log: Log, to: LogDirectory): Promise<Log> {
    const { topic, partition, topicId, config } = log
    const state = this.#inUse.states.find(({ directory }) => directory === to)
    if (!state || to.isOffline) throw storageError(`${to.path} is not online`)
    await this.drop(topic, partition)
    const { disk, random } = this.#host
    const unique = random.bytes(16).toString('hex')
    const directory = `${to.path}/${suffixedDirectoryName(topic, partition, unique, 'future')}`
    try {
      await disk.makeDirectory(directory)
      await writeTopicId(disk, directory, topicId)
      const future = await loadLog({
        ...{ topic, partition, directory, config, services: state.services },
        ...{
          clean: true,
          newTopicId: topicId,
          recoveryPoint: null,
          logStartOffset: null,
          highWatermark: null,
          cleanedOffset: null,
        },
      })
      this.#futures.set(`${topic}-${partition}`, { log: future, state })
      to.whenOffline(failure => future.fail(failure))
      return future
    } catch (error) {
      this.#inUse.failed(state, error)
      throw storageError(`${directory} could not be made`)
    }
  }

  /** Gives a copy up, if there is one. */
  async drop(topic: string, partition: number): Promise<void> {
    const name = `${topic}-${partition}`
    const future = this.#futures.get(name)
    if (!future) return
    this.#futures.delete(name)
    await future.log.abandon()
    await this.#host.disk.remove(future.log.directory).catch(error => this.#inUse.failed(future.state, error))
  }

  /**
   * The copy of `log` takes its place; the log that it becomes. Nobody may write to `log` meanwhile, and the copy has all of it.
   * Rejects with KafkaError, and then `log` is what it was. There is no time at which neither of them lies under the
   * partition's name: after a crash in between both do, with the same records.
   */
  async promote(log: Log): Promise<Log> {
    const { topic, partition, logStartOffset, highWatermark, config } = log
    const name = `${topic}-${partition}`
    return this.#inUse.exclusively(name, async () => {
      const future = this.#futures.get(name)
      if (!future || future.log.logEndOffset !== log.logEndOffset) throw storageError(`${name} has no whole copy`)
      const { state, log: copy } = future
      const { directory, checkpoints, services } = state
      const path = `${directory.path}/${name}`
      this.#futures.delete(name)
      try {
        if (!(await copy.close())) throw storageError(`the copy of ${name} could not be closed`)
        await checkpoints.forget(name)
        await this.#host.disk.rename(copy.directory, path)
        await this.#host.disk.syncDirectory(directory.path)
      } catch (error) {
        if (!(error instanceof KafkaError)) this.#inUse.failed(state, error)
        throw storageError(`${name} could not be moved`)
      }
      await this.#inUse.retire(log).catch(error => {
        // Its directory is offline by now. What counts is the copy.
        if (!(error instanceof KafkaError)) throw error
      })
      const recoveryPoint = copy.logEndOffset
      // What was copied before the log was compacted has to be compacted again.
      const offsets = { recoveryPoint, logStartOffset, highWatermark, cleanedOffset: null }
      const moved = await loadLog({ topic, partition, directory: path, config, services, clean: true, ...offsets })
      this.#inUse.add(state, name, moved)
      return moved
    })
  }

  /** The copies stay where they are, for the next start. */
  async close(): Promise<void> {
    for (const { log } of this.#futures.values()) await log.close()
    this.#futures.clear()
  }
}

function storageError(detail: string): KafkaError {
  return new KafkaError(Errors.KAFKA_STORAGE_ERROR, detail)
}
