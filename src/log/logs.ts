/** All logs in all log directories of this broker: loading, making, deleting, and what runs by the clock. */
import { Errors, KafkaError } from '../../protocol/errors.ts'
import { type Cancel, DiskError, type Host } from '../host/host.ts'
import { assert } from '../lib/assert.ts'
import { BufferPool } from '../lib/buffer-pool.ts'
import { severalAtATime } from '../lib/several-at-a-time.ts'
import { Cleaner } from './compaction/cleaner.ts'
import { type CleanerSettings, defaultCleanerSettings } from './compaction/settings.ts'
import { LogDirectory, type PartitionDirectory, suffixedDirectoryName } from './directory.ts'
import { DirectoryCheckpoints } from './directory-checkpoints.ts'
import type { DirectoryState } from './directory-state.ts'
import { FutureLogs } from './future-logs.ts'
import { IndexCache } from './index-cache.ts'
import { type LogLimits, logLimits } from './limits.ts'
import type { Log } from './log.ts'
import type { LogConfig } from './log-config.ts'
import { loadLog } from './log-loader.ts'
import type { LogServices } from './log-services.ts'
import { OpenFiles } from './open-files.ts'
import { writeTopicId } from './partition-metadata.ts'
import { Scrubber } from './scrubber.ts'
import { SpaceGuard } from './space-guard.ts'
import { TailCacheBudget } from './tail-cache.ts'

export { type CleanerSettings, cleanerSettingsOf } from './compaction/settings.ts'
export type { CorruptRange } from './segment.ts'

export interface LogsOptions {
  /** Paths of the log directories, at least one. */
  readonly directories: readonly string[]
  readonly limits?: Partial<LogLimits>
  readonly recoveryPointCheckpointMs?: number
  readonly logStartCheckpointMs?: number
  readonly highWatermarkCheckpointMs?: number
  readonly retentionCheckMs?: number
  readonly producerIdExpirationMs?: number
  readonly producerIdExpirationCheckMs?: number
  /** How much work on one directory goes on at the same time while logs are loaded or closed. */
  readonly recoveryThreads?: number
  /** Bytes that are read in the background each second to verify checksums; 0 for none. */
  readonly scrubBytesPerSecond?: number
  /** From the end of one round over all segments to the beginning of the next. */
  readonly scrubIntervalMs?: number
}

export interface StartOptions {
  /** Asked whenever it matters; Kafka's defaults unless given. */
  readonly cleanerSettings?: () => CleanerSettings
}

interface NewLog {
  readonly topic: string
  readonly topicId: string
  readonly partition: number
  readonly config: LogConfig
}

/** Kafka's pause before the first retention check, milliseconds. */
const firstRetentionMs = 30_000

export class Logs {
  readonly #host: Host
  readonly #options: LogsOptions
  /** Compaction of all logs. */
  readonly cleaner: Cleaner
  readonly #limits: LogLimits
  readonly #states: DirectoryState[] = []
  readonly #byName = new Map<string, Log>()
  readonly #timers = new Set<Cancel>()
  /** Names on their way to be made or removed: one at a time. */
  readonly #busy = new Map<string, Promise<unknown>>()
  readonly #scrubber: Scrubber
  #damaged: (log: Log) => void = () => {}
  #cleanerSettings = () => defaultCleanerSettings
  /** How long an idle producer is remembered; may be changed at any time. */
  producerIdExpirationMs: number
  /** Copies on their way to another directory. */
  readonly futures: FutureLogs
  #closed = false
  #loadFailed = false

  private constructor(host: Host, options: LogsOptions) {
    this.#host = host
    this.#options = options
    this.#limits = { ...logLimits, ...options.limits }
    this.producerIdExpirationMs = options.producerIdExpirationMs ?? 86_400_000
    this.futures = new FutureLogs(host, {
      states: this.#states,
      stateOf: log => this.#stateOf(log),
      exclusively: (name, run) => this.#exclusively(name, run),
      retire: log => this.#retire(log, 'delete'),
      add: (state, name, log) => this.#add(state, name, log),
      failed: (state, error) => this.#failed(state, error),
    })
    this.#scrubber = new Scrubber({
      host,
      limits: this.#limits,
      bytesPerSecond: options.scrubBytesPerSecond ?? 32 << 20,
      intervalMs: options.scrubIntervalMs ?? 604_800_000,
      logs: () => this.all(),
      damaged: log => this.#damaged(log),
    })
    this.cleaner = new Cleaner({
      host,
      settings: () => this.#cleanerSettings(),
      logs: () => this.#byName.values(),
      servicesOf: log => this.#stateOf(log).services,
      saveCleaned: log => this.#stateOf(log).checkpoints.writeCleaned(),
    })
  }

  /**
   * Locks the directories and reads their checkpoints; loads no log yet. Throws DiskError (ELOCKED when another broker
   * has one) and MetaPropertiesError; then nothing stays locked.
   */
  static async open(host: Host, options: LogsOptions): Promise<Logs> {
    assert(options.directories.length > 0, 'a broker has at least one log directory')
    const logs = new Logs(host, options)
    try {
      for (const path of options.directories) await logs.#openDirectory(path)
    } catch (error) {
      for (const { directory } of logs.#states) await directory.close(false)
      throw error
    }
    return logs
  }

  /** The log directories, in the order given: their identities (`meta`, `format`) and whether they are online. */
  get directories(): LogDirectory[] {
    return this.#states.map(state => state.directory)
  }

  all(): Log[] {
    return [...this.#byName.values()]
  }

  get(topic: string, partition: number): Log | undefined {
    return this.#byName.get(`${topic}-${partition}`)
  }

  /** The log directory in which a log lies. */
  directoryOf(log: Log): LogDirectory {
    return this.#stateOf(log).directory
  }

  /** Partitions that lie in the directories and have not been loaded yet. */
  get waiting(): PartitionDirectory[] {
    return this.#states.flatMap(state => [...state.waiting.values()])
  }

  /** Loads one log that lies in a directory; undefined when there is none. Rejects with KafkaError KAFKA_STORAGE_ERROR. */
  async load(topic: string, partition: number, config: LogConfig): Promise<Log | undefined> {
    const name = `${topic}-${partition}`
    const loaded = this.#byName.get(name)
    if (loaded) return loaded
    const state = this.#states.find(one => one.waiting.has(name))
    if (!state) return undefined
    await this.#load(state, name, topic, partition, config)
    const log = this.#byName.get(name)
    if (!log) throw new KafkaError(Errors.KAFKA_STORAGE_ERROR, `${name} could not be loaded`)
    return log
  }

  /**
   * Loads all others, several at a time. A log that cannot be loaded takes its directory offline. `configOf` gives the
   * settings of a topic, `assignedTo` the id of the directory that the controller believes a partition to lie in.
   */
  async loadAll(
    configOf: (topic: string) => LogConfig,
    assignedTo: (topic: string, partition: number) => string | null = () => null,
  ): Promise<void> {
    await this.futures.removeReplaced(assignedTo)
    await Promise.all(
      this.#states.map(state =>
        severalAtATime([...state.waiting.values()], this.#workers, ({ topic, partition, name }) =>
          this.#load(state, name, topic, partition, configOf(topic)),
        ),
      ),
    )
    // What was recovered has been synced: the next crash need not recover it again.
    await Promise.all(
      this.#states.map(state => state.checkpoints.writeAll().catch(error => this.#failed(state, error))),
    )
  }

  /**
   * The log of a partition, made if need be, in the directory with this id, or else in that with the fewest. Its names are durable when it resolves.
   * Rejects with KafkaError KAFKA_STORAGE_ERROR.
   */
  async create(
    topic: string,
    topicId: string,
    partition: number,
    config: LogConfig,
    directoryId: string | null = null,
  ): Promise<Log> {
    const name = `${topic}-${partition}`
    return this.#exclusively(name, async () => {
      const existing = await this.load(topic, partition, config)
      if (existing) return existing
      // Never in another one while its own is offline: what lies there may be all that is left of it.
      const assigned = this.#states.filter(({ directory }) => directory.meta?.directoryId === directoryId)
      const usable = directoryId !== null && assigned.length > 0 ? assigned : [...this.#states]
      const online = usable.filter(state => !state.directory.isOffline)
      const state = online.sort((a, b) => a.logs.size - b.logs.size)[0]
      if (!state || this.#closed) throw new KafkaError(Errors.KAFKA_STORAGE_ERROR, 'no log directory is online')
      try {
        return await this.#create(state, name, { topic, topicId, partition, config })
      } catch (error) {
        if (!(error instanceof DiskError)) throw error
        if (error.code !== 'ENOSPC') state.directory.fail(error)
        throw new KafkaError(Errors.KAFKA_STORAGE_ERROR, error.message)
      }
    })
  }

  /**
   * Deletes a partition: its directory is renamed durably before this resolves, its files go after
   * `file.delete.delay.ms`. Those who wait on it get UNKNOWN_TOPIC_OR_PARTITION. Rejects with KafkaError.
   */
  async delete(topic: string, partition: number): Promise<void> {
    const name = `${topic}-${partition}`
    await this.#exclusively(name, async () => {
      const log = this.#byName.get(name)
      if (!log) return
      const state = this.#stateOf(log)
      this.#byName.delete(name)
      state.logs.delete(name)
      await log.abandon()
      await this.#moveAway(state, log, 'delete')
    })
  }

  /** Puts a directory that belongs to no partition of this broker out of use, but keeps it: a person may want it. */
  async setAside(log: Log): Promise<void> {
    const name = `${log.topic}-${log.partition}`
    await this.#exclusively(name, () => this.#retire(log, 'stray'))
  }

  async #retire(log: Log, suffix: 'delete' | 'stray'): Promise<void> {
    const name = `${log.topic}-${log.partition}`
    const state = this.#stateOf(log)
    this.#byName.delete(name)
    state.logs.delete(name)
    await log.close()
    await this.#moveAway(state, log, suffix)
  }

  /** The settings of a topic changed. */
  updateConfig(topic: string, config: LogConfig): void {
    for (const log of this.#byName.values()) if (log.topic === topic) log.config = config
  }

  /** Runs for each log in whose segments damage is found while it is in use. Must not throw. */
  whenDamaged(run: (log: Log) => void): void {
    this.#damaged = run
  }

  /** Starts what runs by the clock: checkpoints, retention, compaction, expiry of producers, scrubbing. */
  start(options: StartOptions = {}): void {
    if (options.cleanerSettings) this.#cleanerSettings = options.cleanerSettings
    this.cleaner.start()
    this.#scrubber.start()
    const { recoveryPointCheckpointMs, logStartCheckpointMs, highWatermarkCheckpointMs } = this.#options
    const { retentionCheckMs, producerIdExpirationCheckMs } = this.#options
    const each = (write: (checkpoints: DirectoryCheckpoints) => Promise<void>) => () =>
      Promise.all(this.#states.map(state => write(state.checkpoints).catch(error => this.#failed(state, error))))
    this.#repeat(
      highWatermarkCheckpointMs ?? 5_000,
      each(checkpoints => checkpoints.writeHighWatermarks()),
    )
    this.#repeat(
      recoveryPointCheckpointMs ?? 60_000,
      each(checkpoints => checkpoints.writeRecoveryPoints()),
    )
    this.#repeat(
      logStartCheckpointMs ?? 60_000,
      each(checkpoints => checkpoints.writeLogStarts()),
    )
    const retentionMs = retentionCheckMs ?? 300_000
    this.#repeat(retentionMs, () => this.enforceRetention(), Math.min(firstRetentionMs, retentionMs))
    this.#repeat(producerIdExpirationCheckMs ?? 600_000, async () => {
      for (const log of this.all()) if (!log.failure) log.expireProducers()
    })
  }

  /** Retention of all logs, one after the other. Never fails: a failing log takes its directory offline by itself. */
  async enforceRetention(): Promise<void> {
    for (const log of this.all()) {
      if (log.failure || this.#closed) continue
      const removed = await log.enforceRetention().catch(error => {
        if (!(error instanceof KafkaError)) throw error
        return 0
      })
      if (removed > 0) await this.#stateOf(log).services.space.measure()
    }
  }

  /** Writes all checkpoints now. Never fails: a failing directory goes offline, a full one keeps its old checkpoints. */
  async checkpoint(): Promise<void> {
    await Promise.all(
      this.#states.map(state => state.checkpoints.writeAll().catch(error => this.#failed(state, error))),
    )
  }

  /**
   * Closes everything in good order, so that the next start need not recover. `brokerEpoch` goes into the marker of the
   * clean shutdown, -1 when there is none.
   */
  async close(brokerEpoch = -1): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    for (const cancel of this.#timers) cancel()
    await this.#scrubber.stop()
    await this.cleaner.close()
    await Promise.all([...this.#busy.values()].map(busy => busy.catch(() => {})))
    await this.futures.close()
    await Promise.all(this.#states.map(state => this.#closeDirectory(state, brokerEpoch)))
  }

  async #openDirectory(path: string): Promise<void> {
    const directory = await LogDirectory.open(this.#host, path)
    const logs = new Map<string, Log>()
    const checkpoints = new DirectoryCheckpoints(this.#host, path, logs)
    const space = new SpaceGuard(this.#host, this.#limits, path)
    const first = this.#states[0]?.services
    const services: LogServices = {
      host: this.#host,
      limits: this.#limits,
      files: first?.files ?? new OpenFiles(this.#host.disk, this.#limits.openFiles),
      tailBudget: first?.tailBudget ?? new TailCacheBudget(this.#limits.tailCacheBytes),
      readBuffers: first?.readBuffers ?? new BufferPool(this.#limits.readBuffersBytes),
      indexes: first?.indexes ?? new IndexCache(this.#limits.indexCacheBytes),
      directory,
      space,
      producerIdExpirationMs: () => this.producerIdExpirationMs,
      lowerCheckpoints: (log, offset) => checkpoints.lower(log, offset),
      saveLogStarts: () => checkpoints.writeLogStarts(),
      suspect: log => this.#scrubber.suspect(log),
      saveRecoveryPoints: () => checkpoints.writeRecoveryPoints(),
      removeLater: (file, delayMs) => this.#removeLater(file, delayMs),
    }
    const state: DirectoryState = { directory, services, checkpoints, logs, waiting: new Map() }
    this.#states.push(state)
    await checkpoints.read()
    await space.measure()
    // A process that was killed may have made directories whose names no sync has reached.
    if (!directory.wasShutDownCleanly) await this.#host.disk.syncDirectory(path)
    for (const found of await directory.partitions()) {
      if (found.suffix === 'delete') this.#removeLater(`${path}/${found.name}`, 0)
      else if (found.suffix === 'future') this.futures.noteLeft(state, found)
      else if (found.suffix === null) state.waiting.set(found.name, found)
    }
    directory.whenOffline(failure => {
      for (const log of logs.values()) log.fail(failure)
    })
  }

  async #load(state: DirectoryState, name: string, topic: string, partition: number, config: LogConfig): Promise<void> {
    state.waiting.delete(name)
    const { directory, services, checkpoints } = state
    if (directory.isOffline) return
    if (this.#byName.has(name)) {
      this.#host.log.error(
        { name, path: directory.path },
        'partition lies in two log directories: the second is not used',
      )
      return
    }
    try {
      const log = await loadLog({
        topic,
        partition,
        directory: `${directory.path}/${name}`,
        config,
        services,
        clean: directory.wasShutDownCleanly,
        ...checkpoints.of(name),
      })
      this.#add(state, name, log)
    } catch (error) {
      this.#loadFailed = true
      this.#failed(state, error)
    }
  }

  async #create(state: DirectoryState, name: string, request: NewLog): Promise<Log> {
    const { directory, services, checkpoints } = state
    const { disk } = this.#host
    const path = `${directory.path}/${name}`
    // A checkpoint of an older partition of this name would be taken for this one's.
    await checkpoints.forget(name)
    await disk.makeDirectory(path)
    await writeTopicId(disk, path, request.topicId)
    const log = await loadLog({
      topic: request.topic,
      partition: request.partition,
      directory: path,
      config: request.config,
      services,
      clean: true,
      newTopicId: request.topicId,
      recoveryPoint: null,
      logStartOffset: null,
      highWatermark: null,
      cleanedOffset: null,
    })
    this.#add(state, name, log)
    return log
  }

  #add(state: DirectoryState, name: string, log: Log): void {
    state.logs.set(name, log)
    this.#byName.set(name, log)
    if (state.directory.failure) log.fail(state.directory.failure)
  }

  async #moveAway(state: DirectoryState, log: Log, suffix: 'delete' | 'stray'): Promise<void> {
    const { directory, checkpoints } = state
    const unique = this.#host.random.bytes(16).toString('hex')
    const target = `${directory.path}/${suffixedDirectoryName(log.topic, log.partition, unique, suffix)}`
    try {
      await this.#host.disk.rename(log.directory, target)
      await this.#host.disk.syncDirectory(directory.path)
    } catch (error) {
      this.#failed(state, error)
      throw new KafkaError(Errors.KAFKA_STORAGE_ERROR, `${log.topic}-${log.partition} could not be removed`)
    }
    await checkpoints.forget(`${log.topic}-${log.partition}`).catch(error => this.#failed(state, error))
    if (suffix === 'delete') this.#removeLater(target, log.config.fileDeleteDelayMs)
  }

  async #closeDirectory(state: DirectoryState, brokerEpoch: number): Promise<void> {
    const { directory, checkpoints, services, logs } = state
    services.space.close()
    let clean = !this.#loadFailed && state.waiting.size === 0
    await severalAtATime([...logs.values()], this.#workers, async log => {
      if (!(await log.close())) clean = false
    })
    if (!directory.isOffline) {
      await checkpoints.writeAll().catch(error => {
        clean = false
        this.#failed(state, error)
      })
    }
    // Without the marker the next start recovers: no harm, only time.
    await directory.close(clean && !directory.isOffline, brokerEpoch).catch(error => this.#failed(state, error))
  }

  #stateOf(log: Log): DirectoryState {
    const state = this.#states.find(one => log.directory.startsWith(`${one.directory.path}/`))
    assert(state, `${log.directory} is in no log directory`)
    return state
  }

  /** A full disk may pass; anything else that a disk says ends the use of the directory. */
  #failed(state: DirectoryState, error: unknown): void {
    if (!(error instanceof DiskError)) throw error
    if (error.code === 'ENOSPC') this.#host.log.warn({ err: error }, 'disk is full')
    else state.directory.fail(error)
  }

  #removeLater(path: string, delayMs: number): void {
    if (this.#closed) return
    const cancel = this.#host.clock.after(Math.min(delayMs, 0x7fffffff), () => {
      this.#timers.delete(cancel)
      this.#host.disk.remove(path).catch(error => this.#host.log.warn({ err: error, path }, 'could not be removed'))
    })
    this.#timers.add(cancel)
  }

  get #workers(): number {
    return (this.#options.recoveryThreads ?? 2) * this.#limits.loadsPerRecoveryThread
  }

  #repeat(everyMs: number, run: () => Promise<unknown>, firstMs = everyMs): void {
    const arm = (delayMs: number) => {
      if (this.#closed) return
      const cancel = this.#host.clock.after(Math.min(delayMs, 0x7fffffff), () => {
        this.#timers.delete(cancel)
        void run().then(() => arm(everyMs))
      })
      this.#timers.add(cancel)
    }
    arm(firstMs)
  }

  /** One at a time for each name. */
  async #exclusively<T>(name: string, run: () => Promise<T>): Promise<T> {
    const before = this.#busy.get(name) ?? Promise.resolve()
    const mine = before.catch(() => {}).then(run)
    this.#busy.set(name, mine)
    try {
      return await mine
    } finally {
      if (this.#busy.get(name) === mine) this.#busy.delete(name)
    }
  }
}
