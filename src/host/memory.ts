/**
 * A disk in memory, for a broker embedded in a test that keeps nothing. Every byte written is durable for as long as
 * the disk itself lives: a broker that is stopped and started on the same MemoryDisk finds its data.
 */
import type { DirectoryEntry, Disk, File, Lock, OpenMode } from './host.ts'
import { DiskError } from './host.ts'

/** Files grow by doubling up to this step: small ones stay small, large ones waste little. */
const growthBytesMax = 1 << 20
const growthBytesMin = 1 << 12

/** What the disk says its size is; nothing enforces it. */
const nominalBytes = 2 ** 40

type Node = Content | Directory
type Directory = Map<string, Node>

export class MemoryDisk implements Disk {
  readonly #root: Directory
  readonly #locks = new Set<string>()
  #usedBytes = 0

  constructor(root: Directory = new Map()) {
    this.#root = root
  }

  /** A disk of its own that holds what this one holds now. Bytes are shared, since none of them ever changes; locks are not. */
  copy(): MemoryDisk {
    const copy: MemoryDisk = new MemoryDisk(copied(this.#root, bytes => copy.#account(bytes)))
    copy.#usedBytes = this.#usedBytes
    return copy
  }

  async open(path: string, mode: OpenMode): Promise<File> {
    const { parent, name } = this.#locate(path)
    const found = parent?.get(name)
    if (!parent || (!found && mode === 'read')) throw new DiskError('ENOENT', `open ${path}: no such file`)
    if (found instanceof Map) throw new DiskError('EOTHER', `open ${path}: it is a directory`)
    if (found && mode === 'create') throw new DiskError('EEXIST', `open ${path}: it exists`)
    const content = found ?? new Content(bytes => this.#account(bytes))
    if (!found) parent.set(name, content)
    return new MemoryFile(path, content, mode === 'read')
  }

  async list(directory: string): Promise<DirectoryEntry[]> {
    const node = this.#find(directory)
    if (!(node instanceof Map)) throw new DiskError('ENOENT', `list ${directory}: no such directory`)
    return [...node].map(([name, entry]) => ({ name, directory: entry instanceof Map }))
  }

  async exists(path: string): Promise<boolean> {
    return this.#find(path) !== undefined
  }

  async makeDirectory(directory: string): Promise<void> {
    let at = this.#root
    for (const part of partsOf(directory)) {
      let next = at.get(part)
      if (next === undefined) {
        next = new Map()
        at.set(part, next)
      }
      if (!(next instanceof Map)) throw new DiskError('EEXIST', `make ${directory}: ${part} is a file`)
      at = next
    }
  }

  async rename(from: string, to: string): Promise<void> {
    const source = this.#locate(from)
    const target = this.#locate(to)
    const node = source.parent?.get(source.name)
    if (!source.parent || !node || !target.parent)
      throw new DiskError('ENOENT', `rename ${from} to ${to}: no such file`)
    const replaced = target.parent.get(target.name)
    if (replaced === node) return
    if (replaced instanceof Map && replaced.size > 0)
      throw new DiskError('EEXIST', `rename ${from} to ${to}: it exists`)
    if (replaced instanceof Content) this.#account(-replaced.size)
    source.parent.delete(source.name)
    target.parent.set(target.name, node)
  }

  async remove(path: string): Promise<void> {
    const { parent, name } = this.#locate(path)
    const node = parent?.get(name)
    if (!parent || !node) return
    this.#account(-bytesIn(node))
    parent.delete(name)
  }

  async syncDirectory(directory: string): Promise<void> {
    if (!(this.#find(directory) instanceof Map)) throw new DiskError('ENOENT', `sync ${directory}: no such directory`)
  }

  async lock(path: string): Promise<Lock> {
    const key = partsOf(path).join('/')
    if (this.#locks.has(key)) throw new DiskError('ELOCKED', `${path} is locked`)
    this.#locks.add(key)
    let held = true
    return {
      release: async () => {
        if (held) this.#locks.delete(key)
        held = false
      },
    }
  }

  async space(): Promise<{ freeBytes: number; totalBytes: number }> {
    return { freeBytes: Math.max(0, nominalBytes - this.#usedBytes), totalBytes: nominalBytes }
  }

  #account(bytes: number): void {
    this.#usedBytes += bytes
  }

  #find(path: string): Node | undefined {
    const parts = partsOf(path)
    let at: Node | undefined = this.#root
    for (const part of parts) at = at instanceof Map ? at.get(part) : undefined
    return at
  }

  #locate(path: string): { parent: Directory | null; name: string } {
    const parts = partsOf(path)
    const name = parts.pop() ?? ''
    let at: Node | undefined = this.#root
    for (const part of parts) at = at instanceof Map ? at.get(part) : undefined
    return { parent: at instanceof Map && name !== '' ? at : null, name }
  }
}

function partsOf(path: string): string[] {
  const parts: string[] = []
  for (const part of path.split(/[\\/]/)) {
    if (part === '..') parts.pop()
    else if (part !== '' && part !== '.') parts.push(part)
  }
  return parts
}

function copied(directory: Directory, account: (bytes: number) => void): Directory {
  const copy: Directory = new Map()
  for (const [name, node] of directory) copy.set(name, node instanceof Map ? copied(node, account) : node.copy(account))
  return copy
}

function bytesIn(node: Node): number {
  if (node instanceof Content) return node.size
  let sum = 0
  for (const entry of node.values()) sum += bytesIn(entry)
  return sum
}

/** The bytes of one file, in extents that are never moved once filled. */
class Content {
  size = 0
  #extents: { readonly start: number; readonly bytes: Buffer }[] = []
  readonly #account: (bytes: number) => void

  constructor(account: (bytes: number) => void) {
    this.#account = account
  }

  /** Both go on in extents of their own. */
  copy(account: (bytes: number) => void): Content {
    this.#seal()
    const copy = new Content(account)
    copy.size = this.size
    copy.#extents = [...this.#extents]
    return copy
  }

  append(chunk: Uint8Array): void {
    let at = 0
    while (at < chunk.length) {
      let extent = this.#extents.at(-1)
      if (!extent || this.size === extent.start + extent.bytes.length) {
        const wanted = Math.max(growthBytesMin, chunk.length - at, Math.min(growthBytesMax, this.size))
        extent = { start: this.size, bytes: Buffer.allocUnsafeSlow(wanted) }
        this.#extents.push(extent)
      }
      const into = this.size - extent.start
      const taken = Math.min(chunk.length - at, extent.bytes.length - into)
      extent.bytes.set(chunk.subarray(at, at + taken), into)
      at += taken
      this.size += taken
    }
    this.#account(chunk.length)
  }

  overwrite(position: number, bytes: Uint8Array): void {
    for (let at = 0, index = this.#indexOf(position); at < bytes.length; index++) {
      const extent = this.#extents[index]
      const into = position + at - extent.start
      const taken = Math.min(bytes.length - at, extent.bytes.length - into)
      extent.bytes.set(bytes.subarray(at, at + taken), into)
      at += taken
    }
  }

  read(position: number, length: number): Buffer {
    const result = Buffer.allocUnsafe(Math.max(0, Math.min(length, this.size - position)))
    let done = 0
    for (let index = this.#indexOf(position); done < result.length; index++) {
      const { start, bytes } = this.#extents[index]
      const from = position + done - start
      done += bytes.copy(result, done, from, Math.min(bytes.length, from + result.length - done))
    }
    return result
  }

  truncate(size: number): void {
    if (size > this.size) {
      this.append(Buffer.alloc(size - this.size))
      return
    }
    this.#account(size - this.size)
    while (this.#extents.length > 0 && this.#extents.at(-1)!.start >= size) this.#extents.pop()
    this.size = size
    // What is cut off may be another disk's as well.
    this.#seal()
  }

  /** Nothing more is written to the last extent. */
  #seal(): void {
    const last = this.#extents.at(-1)
    if (last)
      this.#extents[this.#extents.length - 1] = { ...last, bytes: last.bytes.subarray(0, this.size - last.start) }
  }

  /** The extent that holds `position`: the last that starts at or before it. */
  #indexOf(position: number): number {
    let low = 0
    let high = this.#extents.length - 1
    while (low < high) {
      const middle = (low + high + 1) >>> 1
      if (this.#extents[middle].start <= position) low = middle
      else high = middle - 1
    }
    return low
  }
}

class MemoryFile implements File {
  readonly #path: string
  readonly #content: Content
  readonly #readOnly: boolean
  #closed = false

  constructor(path: string, content: Content, readOnly: boolean) {
    this.#path = path
    this.#content = content
    this.#readOnly = readOnly
  }

  get size(): number {
    return this.#content.size
  }

  async append(chunks: readonly Uint8Array[]): Promise<void> {
    this.#check('append to', true)
    for (const chunk of chunks) this.#content.append(chunk)
  }

  async overwrite(position: number, bytes: Uint8Array): Promise<void> {
    this.#check('overwrite', true)
    this.#content.overwrite(position, bytes)
  }

  async read(position: number, length: number): Promise<Buffer> {
    this.#check('read', false)
    return this.#content.read(position, length)
  }

  async sync(): Promise<void> {
    this.#check('sync', false)
  }

  async truncate(size: number): Promise<void> {
    this.#check('truncate', true)
    this.#content.truncate(size)
  }

  async close(): Promise<void> {
    this.#closed = true
  }

  #check(what: string, writes: boolean): void {
    if (this.#closed) throw new DiskError('EOTHER', `${what} ${this.#path}: the file is closed`)
    if (writes && this.#readOnly) throw new DiskError('EOTHER', `${what} ${this.#path}: opened for reading`)
  }
}
