/**
 * One log directory: whose it is, that nobody else uses it, whether it was closed in good order, and what lies in it.
 */
import type { Disk, Host, Lock, Logger } from '../host/host.ts'
import { DiskError } from '../host/host.ts'
import { assert } from '../lib/assert.ts'
import { DurableFile } from './durable-file.ts'
import { type MetaProperties, readMetaProperties, writeMetaProperties } from './meta-properties.ts'

const lockFile = '.lock'
export const cleanShutdownFile = '.kafka_cleanshutdown'

/** The longest name that a directory entry may have on the file systems in use, bytes. */
const nameBytesMax = 255

export type PartitionSuffix = 'delete' | 'future' | 'stray'

export interface PartitionDirectory {
  /** Name of the directory itself, within the log directory. */
  readonly name: string
  readonly topic: string
  readonly partition: number
  /** Null for a partition in use; `delete` waits for removal, `stray` for a person, `future` is one being moved here. */
  readonly suffix: PartitionSuffix | null
}

const plainName = /^(.+)-(\d{1,10})$/
const suffixedName = /^(.*)-(\d{1,10})\.(\S+)-(delete|future|stray)$/

/** Null for a name that is no partition's. */
export function parsePartitionDirectory(name: string): PartitionDirectory | null {
  const suffixed = suffixedName.exec(name)
  const match = suffixed ?? plainName.exec(name)
  if (!match) return null
  const partition = Number(match[2])
  if (partition > 2 ** 31 - 1) return null
  return { name, topic: match[1], partition, suffix: suffixed ? (suffixed[4] as PartitionSuffix) : null }
}

/**
 * `<topic>-<n>.<unique>-<suffix>`, Kafka's name for a directory that is out of use. A topic whose name leaves no room
 * is cut short: such a directory is never opened again.
 */
export function suffixedDirectoryName(
  topic: string,
  partition: number,
  unique: string,
  suffix: PartitionSuffix,
): string {
  const tail = `-${partition}.${unique}-${suffix}`
  return topic.slice(0, nameBytesMax - tail.length) + tail
}

export class LogDirectory {
  readonly path: string
  readonly #disk: Disk
  readonly #log: Logger
  readonly #lock: Lock
  readonly #marker: DurableFile
  #meta: MetaProperties | null
  #cleanBrokerEpoch: number | null
  #failure: Error | null = null
  #watchers: ((failure: Error) => void)[] = []

  private constructor(
    host: Host,
    path: string,
    lock: Lock,
    found: { meta: MetaProperties | null; cleanBrokerEpoch: number | null },
  ) {
    this.path = path
    this.#disk = host.disk
    this.#log = host.log.child({ directory: path })
    this.#lock = lock
    this.#marker = new DurableFile(host.disk, path, cleanShutdownFile)
    this.#meta = found.meta
    this.#cleanBrokerEpoch = found.cleanBrokerEpoch
  }

  /**
   * Makes the directory if need be, locks it, and takes the clean shutdown marker away durably: from here on only
   * `close` may bring it back, so a crash while loading is an unclean shutdown too. Throws DiskError (ELOCKED when
   * somebody else has it) and MetaPropertiesError.
   */
  static async open(host: Host, path: string): Promise<LogDirectory> {
    await host.disk.makeDirectory(path)
    const lock = await host.disk.lock(`${path}/${lockFile}`)
    try {
      const meta = await readMetaProperties(host.disk, path)
      const marker = new DurableFile(host.disk, path, cleanShutdownFile)
      const bytes = await marker.read()
      if (bytes !== null) await marker.remove()
      const cleanBrokerEpoch = bytes === null ? null : parseMarker(bytes)
      return new LogDirectory(host, path, lock, { meta, cleanBrokerEpoch })
    } catch (error) {
      await lock.release()
      throw error
    }
  }

  /** Null until the directory is formatted. */
  get meta(): MetaProperties | null {
    return this.#meta
  }

  /** Whether all logs were closed in good order before: then they need no recovery. */
  get wasShutDownCleanly(): boolean {
    return this.#cleanBrokerEpoch !== null
  }

  /** The broker epoch that shut down cleanly, -1 when it is unknown: sent with the registration (KIP-966). */
  get previousBrokerEpoch(): number {
    return this.#cleanBrokerEpoch ?? -1
  }

  /** Says whose directory this is. Durable when it resolves. Throws DiskError. */
  async format(meta: MetaProperties): Promise<void> {
    assert(this.#meta === null || this.#meta.clusterId === meta.clusterId, `${this.path} belongs to another cluster`)
    await writeMetaProperties(this.#disk, this.path, meta)
    this.#meta = meta
  }

  /** What partitions lie here, those out of use included. Throws DiskError. */
  async partitions(): Promise<PartitionDirectory[]> {
    const found: PartitionDirectory[] = []
    for (const entry of await this.#disk.list(this.path)) {
      const partition = entry.directory ? parsePartitionDirectory(entry.name) : null
      if (partition) found.push(partition)
      else if (entry.directory) this.#log.warn({ name: entry.name }, 'not a partition directory')
    }
    return found.sort((a, b) => (a.name < b.name ? -1 : 1))
  }

  get isOffline(): boolean {
    return this.#failure !== null
  }

  /** Why the directory is offline, null while it is not. */
  get failure(): Error | null {
    return this.#failure
  }

  /**
   * A failure after which nothing that was written here can be trusted to be there: no more writes until the process
   * starts again and recovers. Later calls change nothing.
   */
  fail(failure: Error): void {
    if (this.#failure) return
    this.#failure = failure
    this.#log.error({ err: failure }, 'log directory is offline')
    const watchers = this.#watchers
    this.#watchers = []
    for (const watcher of watchers) watcher(failure)
  }

  /** Runs when the directory goes offline, at once when it is. */
  whenOffline(run: (failure: Error) => void): void {
    if (this.#failure) run(this.#failure)
    else this.#watchers.push(run)
  }

  /**
   * Gives the directory up. With `clean` all its logs must have been loaded, flushed and closed without any error: the
   * marker then says that they need no recovery. `brokerEpoch` is -1 when there was none.
   */
  async close(clean: boolean, brokerEpoch = -1): Promise<void> {
    try {
      if (clean && !this.#failure) await this.#marker.write(JSON.stringify({ version: 0, brokerEpoch }))
    } finally {
      await this.#lock.release().catch(error => {
        if (!(error instanceof DiskError)) throw error
        this.#log.warn({ err: error }, 'could not remove the lock file')
      })
    }
  }
}

/** The broker epoch in the marker; -1 when there is none: older versions left the file empty. */
function parseMarker(bytes: Buffer): number {
  try {
    const content: unknown = JSON.parse(bytes.toString('utf8'))
    if (typeof content !== 'object' || content === null || !('brokerEpoch' in content)) return -1
    return typeof content.brokerEpoch === 'number' ? content.brokerEpoch : -1
  } catch {
    return -1
  }
}
