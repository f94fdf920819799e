/** The file system of the real machine. */
import * as fs from 'node:fs'
import * as path from 'node:path'
import { assert } from '../lib/assert.ts'
import type { DirectoryEntry, Disk, File, Lock, OpenMode } from './host.ts'
import { DiskError } from './host.ts'
import { diskError } from './node-errors.ts'
import { acquireLock } from './node-lock.ts'

/** The most chunks that one writev takes: IOV_MAX of Linux, macOS and the BSDs. */
const chunksPerWrite = 1024

/** The most bytes that one read asks for: Linux caps a transfer a little below 2 GiB, Node at 2 GiB - 1. */
const readBytesMax = 1 << 30

async function attempt<T>(what: string, run: () => Promise<T>): Promise<T> {
  try {
    return await run()
  } catch (error) {
    throw diskError(error as NodeJS.ErrnoException, what)
  }
}

const flags: Readonly<Record<OpenMode, number>> = {
  read: fs.constants.O_RDONLY,
  update: fs.constants.O_RDWR,
  append: fs.constants.O_RDWR | fs.constants.O_CREAT,
  create: fs.constants.O_RDWR | fs.constants.O_CREAT | fs.constants.O_EXCL,
}

/** Syncs of directories that run, and those that begin after them: thousands of partitions may be made at once. */
const runningSyncs = new Map<string, Promise<void>>()
const nextSyncs = new Map<string, Promise<void>>()

async function syncNames(directory: string): Promise<void> {
  await attempt(`sync directory ${directory}`, async () => {
    const handle = await fs.promises.open(directory, fs.constants.O_RDONLY)
    try {
      await handle.sync()
    } catch (error) {
      // Some network file systems have no sync for directories: they write names through.
      if ((error as NodeJS.ErrnoException).code !== 'EINVAL') throw error
    } finally {
      await handle.close()
    }
  })
}

export const nodeDisk: Disk = {
  async open(name: string, mode: OpenMode): Promise<File> {
    return attempt(`open ${name}`, async () => {
      const handle = await fs.promises.open(name, flags[mode], 0o644)
      try {
        return new NodeFile(name, handle, mode, (await handle.stat()).size)
      } catch (error) {
        await handle.close()
        throw error
      }
    })
  },
  async list(directory: string): Promise<DirectoryEntry[]> {
    const entries = await attempt(`list ${directory}`, () => fs.promises.readdir(directory, { withFileTypes: true }))
    return entries.map(entry => ({ name: entry.name, directory: entry.isDirectory() }))
  },
  async exists(name: string): Promise<boolean> {
    try {
      await fs.promises.access(name)
      return true
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code
      if (code === 'ENOENT' || code === 'ENOTDIR') return false
      throw diskError(error as NodeJS.ErrnoException, `look for ${name}`)
    }
  },
  async makeDirectory(directory: string): Promise<void> {
    const first = await attempt(`make ${directory}`, () => fs.promises.mkdir(directory, { recursive: true }))
    // The names of all directories made, not only of the last, have to survive.
    for (let made = directory; first !== undefined; made = path.dirname(made)) {
      await nodeDisk.syncDirectory(path.dirname(made))
      if (path.resolve(made) === path.resolve(first) || path.dirname(made) === made) break
    }
  },
  rename: (from, to) => attempt(`rename ${from} to ${to}`, () => fs.promises.rename(from, to)),
  remove: name => attempt(`remove ${name}`, () => fs.promises.rm(name, { recursive: true, force: true })),
  syncDirectory(directory: string): Promise<void> {
    // Windows opens no directories and needs no such thing: NTFS journals names.
    if (process.platform === 'win32') return Promise.resolve()
    const key = path.resolve(directory)
    const waiting = nextSyncs.get(key)
    if (waiting) return waiting
    // A sync that has begun may have missed the caller's change: this one begins after it, for all who ask meanwhile.
    const next: Promise<void> = (runningSyncs.get(key) ?? Promise.resolve())
      .catch(() => {})
      .then(() => {
        nextSyncs.delete(key)
        const running = syncNames(directory).finally(() => {
          if (runningSyncs.get(key) === running) runningSyncs.delete(key)
        })
        runningSyncs.set(key, running)
        return running
      })
    nextSyncs.set(key, next)
    return next
  },
  lock: (name): Promise<Lock> => acquireLock(name),
  async space(name: string): Promise<{ freeBytes: number; totalBytes: number }> {
    const stats = await attempt(`space of ${name}`, () => fs.promises.statfs(name))
    return { freeBytes: stats.bavail * stats.bsize, totalBytes: stats.blocks * stats.bsize }
  },
}

/** Reads and syncs may overlap with anything; a write (append, truncate) only with those. */
class NodeFile implements File {
  readonly #name: string
  readonly #handle: fs.promises.FileHandle
  readonly #fd: number
  readonly #readOnly: boolean
  #size: number
  #writing = false
  /** Calls under way: the descriptor is closed after them, since its number may be another file's at once. */
  #busy = 0
  #idle: (() => void) | null = null
  #closed = false
  #syncFailure: DiskError | null = null

  constructor(name: string, handle: fs.promises.FileHandle, mode: OpenMode, size: number) {
    this.#name = name
    this.#handle = handle
    this.#fd = handle.fd
    this.#readOnly = mode === 'read'
    this.#size = size
  }

  get size(): number {
    return this.#size
  }

  async append(chunks: readonly Uint8Array[]): Promise<void> {
    await this.#use('append to', async () => {
      await this.#exclusively(async () => {
        for (let at = 0; at < chunks.length; at += chunksPerWrite)
          await this.#write(chunks.slice(at, at + chunksPerWrite))
      })
    })
  }

  async read(position: number, length: number, into?: Buffer): Promise<Buffer> {
    return this.#use('read', async () => {
      let available = this.#size - position
      // Somebody else may be writing the file that this one only reads.
      if (available < length && this.#readOnly) {
        this.#size = (await this.#handle.stat()).size
        available = this.#size - position
      }
      const bytesMax = Math.max(0, Math.min(length, available))
      const buffer = into ? into.subarray(0, bytesMax) : Buffer.allocUnsafe(bytesMax)
      let done = 0
      while (done < buffer.length) {
        const bytes = await read(this.#fd, buffer, done, Math.min(buffer.length - done, readBytesMax), position + done)
        if (bytes === 0) break
        done += bytes
      }
      return done === buffer.length ? buffer : buffer.subarray(0, done)
    })
  }

  async overwrite(position: number, bytes: Uint8Array): Promise<void> {
    assert(position + bytes.length <= this.#size, `overwriting beyond the end of ${this.#name}`)
    await this.#use('overwrite', async () => {
      await this.#exclusively(async () => {
        for (let at = 0; at < bytes.length; ) {
          const written = await writev(this.#fd, [bytes.subarray(at)], position + at)
          if (written === 0) throw new DiskError('EIO', `overwriting ${this.#name}: nothing was written`)
          at += written
        }
      })
    })
  }

  async sync(): Promise<void> {
    // Linux marks the pages of a failed sync clean: a second one would succeed although the bytes are gone.
    if (this.#syncFailure) throw this.#syncFailure
    try {
      await this.#use('sync', () => datasync(this.#fd))
    } catch (error) {
      this.#syncFailure = error as DiskError
      throw error
    }
  }

  async truncate(size: number): Promise<void> {
    await this.#use('truncate', async () => {
      await this.#exclusively(async () => {
        await this.#handle.truncate(size)
        this.#size = size
      })
    })
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    if (this.#busy > 0) {
      await new Promise<void>(resolve => {
        this.#idle = resolve
      })
    }
    await attempt(`close ${this.#name}`, () => this.#handle.close())
  }

  /** One writev, and more while the system takes less than it is given. A full disk shows as a short count first. */
  async #write(chunks: readonly Uint8Array[]): Promise<void> {
    let rest = chunks.filter(chunk => chunk.length > 0)
    while (rest.length > 0) {
      let written = await writev(this.#fd, rest, this.#size)
      if (written === 0) throw new DiskError('EIO', `append to ${this.#name}: nothing was written`)
      this.#size += written
      let whole = 0
      while (whole < rest.length && written >= rest[whole].length) written -= rest[whole++].length
      rest = rest.slice(whole)
      if (written > 0) rest[0] = rest[0].subarray(written)
    }
  }

  async #exclusively(run: () => Promise<void>): Promise<void> {
    assert(!this.#writing, `two writes at once to ${this.#name}`)
    this.#writing = true
    try {
      await run()
    } finally {
      this.#writing = false
    }
  }

  async #use<T>(what: string, run: () => Promise<T>): Promise<T> {
    if (this.#closed) throw new DiskError('EOTHER', `${what} ${this.#name}: the file is closed`)
    this.#busy++
    try {
      return await attempt(`${what} ${this.#name}`, run)
    } finally {
      if (--this.#busy === 0) this.#idle?.()
    }
  }
}

function writev(fd: number, chunks: readonly Uint8Array[], position: number): Promise<number> {
  return new Promise((resolve, reject) => {
    fs.writev(fd, chunks, position, (error, written) => (error ? reject(error) : resolve(written)))
  })
}

function read(fd: number, buffer: Buffer, at: number, length: number, position: number): Promise<number> {
  return new Promise((resolve, reject) => {
    fs.read(fd, buffer, at, length, position, (error, bytes) => (error ? reject(error) : resolve(bytes)))
  })
}

function datasync(fd: number): Promise<void> {
  return new Promise((resolve, reject) => {
    fs.fdatasync(fd, error => (error ? reject(error) : resolve()))
  })
}
