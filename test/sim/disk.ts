/**
 * A disk that loses power. Every operation has a number, so a test can let the power fail at each of them in turn.
 *
 * Injected, because a broker has to survive them:
 * - power failure: of what was not synced, each file loses all, nothing, a suffix, some 512-byte sectors, or its bytes
 *   but not its length (zeros); of names that were not synced (created, renamed, removed), a suffix is lost;
 * - death of the process alone: everything written stays;
 * - a full disk: an append writes what fits and fails; an I/O error on any operation: an append writes a part, a sync
 *   counts the pages as clean although they are lost, so that a second sync succeeds;
 * - slow operations, in the time of the simulated clock.
 *
 * Not injected by itself, since no broker alone survives them: a sync that lies, synced bytes that change, writes to the
 * wrong place. `corrupt` changes bytes on purpose, for tests of what then is reported.
 */
import type { DirectoryEntry, Disk, DiskErrorCode, File, Lock, OpenMode } from '../../src/host/host.ts'
import { DiskError } from '../../src/host/host.ts'
import type { SimClock } from './clock.ts'
import { changeNames, DirectoryNode, FileNode, type Loss, losses, makeDurable, type Node } from './disk-nodes.ts'
import { SimRandom } from './random.ts'

export type OperationKind =
  | 'open'
  | 'list'
  | 'exists'
  | 'makeDirectory'
  | 'rename'
  | 'remove'
  | 'syncDirectory'
  | 'append'
  | 'overwrite'
  | 'read'
  | 'sync'
  | 'truncate'
  | 'close'

export interface Operation {
  /** From 1 up, in the order in which they begin. */
  readonly number: number
  readonly kind: OperationKind
  readonly path: string
}

export interface SimDiskOptions {
  /** Operations take time when there is a clock. */
  readonly clock?: Pick<SimClock, 'sleep'>
  readonly capacityBytes?: number
  /** The error that an operation meets, null for none. */
  readonly fault?: (operation: Operation) => DiskErrorCode | null
}

/** Longest time of an operation, in simulated milliseconds. */
const syncMaxMs = 4
const otherMaxMs = 0.2

/** What the disk says its size is when a test does not care. */
const unlimitedBytes = 2 ** 40

/** What a disk claims to have done without doing it: for proving that tests notice. */
export interface Lies {
  sync: (path: string) => boolean
  syncDirectory: (path: string) => boolean
}

export class SimDisk implements Disk {
  /** Of all disks. */
  static readonly lies: Lies = { sync: () => false, syncDirectory: () => false }
  readonly #root: DirectoryNode
  readonly #random: SimRandom
  readonly #options: SimDiskOptions
  readonly #locks = new Set<string>()
  readonly #directories = new Set<DirectoryNode>()
  #crashAt = Number.POSITIVE_INFINITY
  #isDown = false
  #operations = 0
  #syncs = 0
  capacityBytes: number
  /** Operations take so many times as long as usual. */
  slowness = 1
  fault: (operation: Operation) => DiskErrorCode | null
  #down: () => void = () => {}
  /** Resolves when the power has failed or the process was killed. Operations under way never end. */
  readonly down = new Promise<void>(resolve => {
    this.#down = resolve
  })

  constructor(seed: number, options: SimDiskOptions = {}, root = new DirectoryNode()) {
    this.#random = new SimRandom(seed)
    this.#options = options
    this.#root = root
    this.capacityBytes = options.capacityBytes ?? unlimitedBytes
    this.fault = options.fault ?? (() => null)
    this.#adopt(root)
  }

  /** How many operations have begun. */
  get operations(): number {
    return this.#operations
  }

  /** How many syncs of files and directories have begun. */
  get syncs(): number {
    return this.#syncs
  }

  get isDown(): boolean {
    return this.#isDown
  }

  /** The power fails as operation `number` begins. */
  crashAt(number: number): void {
    this.#crashAt = number
  }

  /** The power fails now, or the process dies: what was open is of no use any more. */
  stop(): void {
    this.#isDown = true
    this.#down()
  }

  /** The disk after a power failure. Each seed is another possible outcome; `loss` fixes the kind for all files. */
  afterPowerLoss(seed: number, loss?: Loss, clock = this.#options.clock): SimDisk {
    this.stop()
    const random = new SimRandom(seed)
    for (const directory of this.#directories) {
      const keeps = loss === 'none' ? directory.pending.length : loss ? 0 : random.below(directory.pending.length + 1)
      for (const change of directory.pending.slice(0, keeps)) makeDurable(change)
    }
    const root = copyTree(this.#root, 'durable', file => file.survivor(loss ?? random.pick(losses), random))
    return new SimDisk(random.below(2 ** 32), { ...this.#options, clock }, root)
  }

  /** The same disk for the next process on the same machine: what was not synced is still owed. */
  reopened(clock = this.#options.clock): SimDisk {
    this.stop()
    return new SimDisk(this.#random.below(2 ** 32), { ...this.#options, clock }, this.#root)
  }

  /** The disk as the next process finds it when only this one died. Syncs that never happened are owed no more. */
  afterKill(): SimDisk {
    this.stop()
    const root = copyTree(this.#root, 'live', file => file.survivor('none', this.#random))
    return new SimDisk(this.#random.below(2 ** 32), this.#options, root)
  }

  /** Changes bytes of a file for good, as a bad disk does. */
  corrupt(path: string, position: number, bytes: Buffer): void {
    const node = this.#find(path)
    if (node?.kind !== 'file') throw new Error(`${path} is no file`)
    node.live.write(position, bytes)
    node.durable.write(position, bytes)
  }

  get usedBytes(): number {
    return usedBytes(this.#root)
  }

  /** For checks: what is in a file now, or what of it is on the platter. Empty when there is none. */
  peek(path: string, side: 'live' | 'durable' = 'live'): Buffer {
    const node = this.#find(path)
    if (node?.kind !== 'file') return Buffer.alloc(0)
    const image = node[side]
    return image.read(0, image.size)
  }

  /** For checks: the names in a directory now. */
  names(path: string): string[] {
    const node = this.#find(path)
    return node?.kind === 'directory' ? [...node.live.keys()] : []
  }

  open(path: string, mode: OpenMode): Promise<File> {
    return this.#operate('open', path, () => {
      const { parent, name } = this.#locate(path)
      const found = parent?.live.get(name)
      if (!parent || (!found && (mode === 'read' || mode === 'update')))
        throw new DiskError('ENOENT', `open ${path}: no such file`)
      if (found?.kind === 'directory') throw new DiskError('EOTHER', `open ${path}: it is a directory`)
      if (found && mode === 'create') throw new DiskError('EEXIST', `open ${path}: it exists`)
      const node = found ?? new FileNode()
      if (!found) changeNames({ directories: [parent], apply: names => names(parent).set(name, node) })
      return new SimFile(this.#fileAccess(path, node), mode === 'read')
    })
  }

  list(path: string): Promise<DirectoryEntry[]> {
    return this.#operate('list', path, () =>
      [...this.#directory(path).live].map(([name, node]) => ({ name, directory: node.kind === 'directory' })),
    )
  }

  exists(path: string): Promise<boolean> {
    return this.#operate('exists', path, () => this.#find(path) !== undefined)
  }

  makeDirectory(path: string): Promise<void> {
    return this.#operate('makeDirectory', path, () => {
      let at = this.#root
      for (const part of partsOf(path)) {
        const parent = at
        let next = at.live.get(part)
        if (next?.kind === 'file') throw new DiskError('EEXIST', `make ${path}: ${part} is a file`)
        if (!next) {
          const made = new DirectoryNode()
          changeNames({ directories: [parent], apply: names => names(parent).set(part, made) })
          parent.sync()
          this.#directories.add(made)
          next = made
        }
        at = next
      }
    })
  }

  rename(from: string, to: string): Promise<void> {
    return this.#operate('rename', `${from} -> ${to}`, () => {
      const source = this.#locate(from)
      const target = this.#locate(to)
      const node = source.parent?.live.get(source.name)
      const [parent, newParent] = [source.parent, target.parent]
      if (!parent || !node || !newParent) throw new DiskError('ENOENT', `rename ${from} to ${to}: no such file`)
      const replaced = newParent.live.get(target.name)
      if (replaced === node) return
      if (replaced?.kind === 'directory' && replaced.live.size > 0) {
        throw new DiskError('EEXIST', `rename ${from} to ${to}: it exists`)
      }
      changeNames({
        directories: [parent, newParent],
        apply(names) {
          names(parent).delete(source.name)
          names(newParent).set(target.name, node)
        },
      })
    })
  }

  remove(path: string): Promise<void> {
    return this.#operate('remove', path, () => {
      const { parent, name } = this.#locate(path)
      if (!parent?.live.has(name)) return
      changeNames({ directories: [parent], apply: names => names(parent).delete(name) })
    })
  }

  async syncDirectory(path: string): Promise<void> {
    const directory = await this.#operate('syncDirectory', path, () => {
      this.#syncs++
      return this.#directory(path)
    })
    if (!SimDisk.lies.syncDirectory(path)) directory.sync()
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
    return { freeBytes: this.#freeBytes(), totalBytes: this.capacityBytes }
  }

  #freeBytes(): number {
    return Math.max(0, this.capacityBytes - usedBytes(this.#root))
  }

  /**
   * One operation. `effect` happens at once, in memory: what the power failure then leaves of it is drawn like all that
   * is not synced. `effect` gets the error that the operation is to meet, if it can fail half-way.
   */
  async #operate<T>(kind: OperationKind, path: string, effect: (error: DiskErrorCode | null) => T): Promise<T> {
    // The process that called is gone with the power: nothing happens, and nobody is told.
    if (this.#isDown) return new Promise<T>(() => {})
    const operation: Operation = { number: ++this.#operations, kind, path }
    const error = this.fault(operation)
    const failsHalfWay = kind === 'append' || kind === 'sync'
    const result = error === null || failsHalfWay ? effect(error) : null
    if (operation.number >= this.#crashAt) this.stop()
    if (this.#options.clock) {
      const maxMs = kind === 'sync' || kind === 'syncDirectory' ? syncMaxMs : otherMaxMs
      await this.#options.clock.sleep((this.#random.below(1000) / 1000) * maxMs * this.slowness)
    }
    if (this.#isDown) return new Promise<T>(() => {})
    if (error !== null) throw new DiskError(error, `${kind} ${path}: injected ${error}`)
    return result as T
  }

  #fileAccess(path: string, node: FileNode): FileAccess {
    return {
      path,
      node,
      operate: (kind, effect) => {
        if (kind === 'sync') this.#syncs++
        return this.#operate(kind, path, effect)
      },
      freeBytes: () => (this.capacityBytes === unlimitedBytes ? unlimitedBytes : this.#freeBytes()),
      draw: n => this.#random.below(n),
    }
  }

  #adopt(directory: DirectoryNode): void {
    this.#directories.add(directory)
    for (const node of directory.live.values()) if (node.kind === 'directory') this.#adopt(node)
  }

  #find(path: string): Node | undefined {
    let at: Node | undefined = this.#root
    for (const part of partsOf(path)) at = at?.kind === 'directory' ? at.live.get(part) : undefined
    return at
  }

  #directory(path: string): DirectoryNode {
    const node = this.#find(path)
    if (node?.kind !== 'directory') throw new DiskError('ENOENT', `${path}: no such directory`)
    return node
  }

  #locate(path: string): { parent: DirectoryNode | null; name: string } {
    const parts = partsOf(path)
    const name = parts.pop() ?? ''
    const parent = this.#find(parts.join('/'))
    return { parent: parent?.kind === 'directory' ? parent : null, name }
  }
}

interface FileAccess {
  readonly path: string
  readonly node: FileNode
  operate<T>(kind: OperationKind, effect: (error: DiskErrorCode | null) => T): Promise<T>
  freeBytes(): number
  draw(n: number): number
}

class SimFile implements File {
  readonly #access: FileAccess
  readonly #readOnly: boolean
  #size: number
  #writing = false
  #closed = false

  constructor(access: FileAccess, readOnly: boolean) {
    this.#access = access
    this.#readOnly = readOnly
    this.#size = access.node.live.size
  }

  get size(): number {
    return this.#size
  }

  append(chunks: readonly Uint8Array[]): Promise<void> {
    const { node, path } = this.#access
    return this.#write('append', async () => {
      const bytes = Buffer.concat(chunks)
      let taken = 0
      try {
        await this.#access.operate('append', error => {
          taken = error ? this.#access.draw(bytes.length + 1) : Math.min(this.#access.freeBytes(), bytes.length)
          if (taken > 0) node.change({ kind: 'write', position: this.#size, bytes: bytes.subarray(0, taken) })
        })
      } finally {
        this.#size += taken
      }
      if (taken < bytes.length) throw new DiskError('ENOSPC', `append to ${path}: no space left`)
    })
  }

  overwrite(position: number, bytes: Uint8Array): Promise<void> {
    const { node } = this.#access
    return this.#write('overwrite', async () => {
      await this.#access.operate('overwrite', () => node.change({ kind: 'write', position, bytes: Buffer.from(bytes) }))
    })
  }

  async read(position: number, length: number): Promise<Buffer> {
    this.#check('read')
    const { live } = this.#access.node
    return this.#access.operate('read', () => {
      if (this.#readOnly) this.#size = live.size
      return live.read(position, Math.min(length, Math.max(0, this.#size - position)))
    })
  }

  async sync(): Promise<void> {
    this.#check('sync')
    let end: (lost: boolean) => void = () => {}
    try {
      await this.#access.operate('sync', () => {
        if (!SimDisk.lies.sync(this.#access.path)) end = this.#access.node.beginSync()
      })
    } catch (error) {
      end(true)
      throw error
    }
    end(false)
  }

  truncate(size: number): Promise<void> {
    return this.#write('truncate', async () => {
      await this.#access.operate('truncate', () => this.#access.node.change({ kind: 'truncate', size }))
      this.#size = size
    })
  }

  async close(): Promise<void> {
    this.#closed = true
    await this.#access.operate('close', () => {})
  }

  async #write(what: string, run: () => Promise<void>): Promise<void> {
    this.#check(what)
    if (this.#readOnly) throw new DiskError('EOTHER', `${what} ${this.#access.path}: opened for reading`)
    if (this.#writing) throw new Error(`two writes at once to ${this.#access.path}`)
    this.#writing = true
    try {
      await run()
    } finally {
      this.#writing = false
    }
  }

  #check(what: string): void {
    if (this.#closed) throw new DiskError('EOTHER', `${what} ${this.#access.path}: the file is closed`)
  }
}

function copyTree(
  from: DirectoryNode,
  side: 'live' | 'durable',
  copyFile: (file: FileNode) => FileNode,
): DirectoryNode {
  const names = new Map<string, Node>()
  for (const [name, node] of from[side]) {
    names.set(name, node.kind === 'file' ? copyFile(node) : copyTree(node, side, copyFile))
  }
  return new DirectoryNode(names, new Map(names))
}

function usedBytes(directory: DirectoryNode): number {
  let sum = 0
  for (const node of directory.live.values()) sum += node.kind === 'file' ? node.live.size : usedBytes(node)
  return sum
}

function partsOf(path: string): string[] {
  return path.split('/').filter(part => part !== '' && part !== '.')
}
