/**
 * Files of all logs, opened when first needed and kept open while there is room: a broker with thousands of partitions
 * holds few descriptors while most of them are idle. A file in use is never closed, nor is its removal a problem: an
 * open file outlives its name.
 */
import { type Disk, DiskError, type File, type OpenMode } from '../host/host.ts'
import { assert } from '../lib/assert.ts'

/** One file that may or may not be open. `acquire` and `release` come in pairs. */
export class OpenFile {
  readonly #owner: OpenFiles
  #path: string
  #mode: OpenMode
  #file: File | null = null
  #opening: Promise<File> | null = null
  #users = 0
  #closeWhenIdle = false
  #ended = false

  constructor(owner: OpenFiles, path: string, mode: OpenMode) {
    this.#owner = owner
    this.#path = path
    this.#mode = mode
  }

  get path(): string {
    return this.#path
  }

  get isOpen(): boolean {
    return this.#file !== null
  }

  /** The open file, at once when it is open already. Throws DiskError, and then needs no release. */
  acquire(): File | Promise<File> {
    if (this.#ended) throw new DiskError('ENOENT', `${this.#path} is out of use`)
    this.#users++
    if (this.#file) {
      this.#owner.touch(this)
      return this.#file
    }
    return this.#open()
  }

  release(): void {
    this.#users--
    assert(this.#users >= 0, `released more often than acquired: ${this.#path}`)
    if (this.#users === 0 && this.#closeWhenIdle) void this.#close()
    else this.#owner.trim()
  }

  /** Runs `use` with the file open. */
  async with<T>(use: (file: File) => Promise<T>): Promise<T> {
    const file = await this.acquire()
    try {
      return await use(file)
    } finally {
      this.release()
    }
  }

  /** The file is about to get another name, and later to go: from here on it is only read, and never made again. */
  retire(path: string): void {
    this.#path = path
    this.#mode = 'read'
  }

  /** The file has got another name. */
  moved(path: string): void {
    this.#path = path
  }

  /** Whoever comes later finds no file: its name may belong to another one soon. */
  end(): Promise<void> {
    this.#ended = true
    return this.close()
  }

  /** Closes the file as soon as nobody uses it. It may be acquired again. */
  async close(): Promise<void> {
    if (this.#users === 0) await this.#close()
    else this.#closeWhenIdle = true
  }

  /** For the owner: closes when idle. */
  closeIdle(): boolean {
    if (this.#users > 0 || !this.#file) return false
    void this.#close()
    return true
  }

  async #open(): Promise<File> {
    try {
      this.#opening ??= this.#owner.disk.open(this.#path, this.#mode)
      const file = await this.#opening
      this.#opening = null
      // From now on it exists. Under the name of one that was removed meanwhile no new one must be made.
      if (this.#mode === 'append') this.#mode = 'update'
      if (this.#file === null) {
        this.#file = file
        this.#owner.opened(this)
      }
      return file
    } catch (error) {
      this.#opening = null
      this.#users--
      throw error
    }
  }

  async #close(): Promise<void> {
    const file = this.#file
    this.#file = null
    this.#closeWhenIdle = false
    this.#owner.closed(this)
    // All that must last was synced before; a failing close tells nothing new.
    if (file) await file.close().catch(() => {})
  }
}

export class OpenFiles {
  readonly disk: Disk
  readonly #limit: number
  /** In order of use, the least recent first. */
  readonly #open = new Set<OpenFile>()

  constructor(disk: Disk, limit: number) {
    this.disk = disk
    this.#limit = limit
  }

  get count(): number {
    return this.#open.size
  }

  file(path: string, mode: OpenMode): OpenFile {
    return new OpenFile(this, path, mode)
  }

  touch(file: OpenFile): void {
    // Moving to the end costs two hash operations on the hot path: worth it only when the table is nearly full.
    if (this.#open.size * 2 < this.#limit) return
    this.#open.delete(file)
    this.#open.add(file)
  }

  opened(file: OpenFile): void {
    this.#open.add(file)
    this.trim()
  }

  closed(file: OpenFile): void {
    this.#open.delete(file)
  }

  trim(): void {
    if (this.#open.size <= this.#limit) return
    for (const file of this.#open) if (file.closeIdle() && this.#open.size <= this.#limit) return
  }
}
