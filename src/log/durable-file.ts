/**
 * A small file that is replaced as a whole: after a crash it holds what one of the writes gave it, never a mixture.
 */
import type { Disk } from '../host/host.ts'
import { DiskError } from '../host/host.ts'

/** Kafka's name for a replacement that is not in place yet; leftovers are overwritten by the next write. */
const temporarySuffix = '.tmp'

export class DurableFile {
  readonly path: string
  readonly #disk: Disk
  readonly #directory: string
  #running: Promise<void> | null = null
  #next: { bytes: Buffer; done: Promise<void> } | null = null

  constructor(disk: Disk, directory: string, name: string) {
    this.#disk = disk
    this.#directory = directory
    this.path = `${directory}/${name}`
  }

  /**
   * Resolves when this content, or that of a later call, is durable. Calls during a write are put together: only the
   * last one's content is written. Throws DiskError.
   */
  write(content: string | Buffer): Promise<void> {
    const bytes = typeof content === 'string' ? Buffer.from(content) : content
    if (this.#next) {
      this.#next.bytes = bytes
      return this.#next.done
    }
    if (!this.#running) return this.#start(bytes)
    const next = { bytes, done: Promise.resolve() }
    next.done = this.#running
      .catch(() => {})
      .then(() => {
        this.#next = null
        return this.#start(next.bytes)
      })
    this.#next = next
    return next.done
  }

  /** Resolves when no write is under way. Never rejects. */
  async idle(): Promise<void> {
    for (let last = this.#next?.done ?? this.#running; last; last = this.#next?.done ?? this.#running) {
      await last.catch(() => {})
    }
  }

  /** Null when absent. Throws DiskError when it cannot be read. */
  async read(): Promise<Buffer | null> {
    try {
      const file = await this.#disk.open(this.path, 'read')
      try {
        return await file.read(0, file.size)
      } finally {
        await file.close()
      }
    } catch (error) {
      if (error instanceof DiskError && error.code === 'ENOENT') return null
      throw error
    }
  }

  /** Removes the file; the removal is durable. */
  async remove(): Promise<void> {
    await this.#disk.remove(this.path)
    await this.#disk.syncDirectory(this.#directory)
  }

  #start(bytes: Buffer): Promise<void> {
    const running = this.#replace(bytes).finally(() => {
      if (this.#running === running) this.#running = null
    })
    this.#running = running
    return running
  }

  async #replace(bytes: Buffer): Promise<void> {
    const temporary = this.path + temporarySuffix
    const file = await this.#disk.open(temporary, 'append')
    try {
      if (file.size > 0) await file.truncate(0)
      await file.append([bytes])
      await file.sync()
    } finally {
      await file.close()
    }
    await this.#disk.rename(temporary, this.path)
    await this.#disk.syncDirectory(this.#directory)
  }
}
