/** What a simulated disk consists of: for files and directories alike, what is in memory and what is on the platter. */
import type { SimRandom } from './random.ts'

const sectorBytes = 512

type FileChange =
  | { readonly kind: 'write'; readonly position: number; readonly bytes: Buffer }
  | { readonly kind: 'truncate'; readonly size: number }

/** Bytes with a length, zero-filled where nothing was written. */
export class Image {
  #bytes = Buffer.alloc(0)
  #size = 0

  get size(): number {
    return this.#size
  }

  write(position: number, bytes: Buffer): void {
    this.resize(Math.max(this.#size, position + bytes.length))
    bytes.copy(this.#bytes, position)
  }

  resize(size: number): void {
    if (size < this.#size) this.#bytes.fill(0, size, this.#size)
    if (size > this.#bytes.length) {
      const larger = Buffer.alloc(Math.max(size, 2 * this.#bytes.length))
      this.#bytes.copy(larger, 0, 0, this.#size)
      this.#bytes = larger
    }
    this.#size = size
  }

  /** A copy. */
  read(position: number, length: number): Buffer {
    return Buffer.from(this.#bytes.subarray(position, Math.max(position, Math.min(this.#size, position + length))))
  }

  apply(change: FileChange): void {
    if (change.kind === 'write') this.write(change.position, change.bytes)
    else this.resize(change.size)
  }

  clone(): Image {
    const copy = new Image()
    copy.write(0, this.read(0, this.#size))
    return copy
  }
}

/** What a power failure does to the writes of one file that were never synced. */
export type Loss = 'all' | 'none' | 'suffix' | 'sectors' | 'zeros'
export const losses: readonly Loss[] = ['all', 'none', 'suffix', 'sectors', 'zeros']

export class FileNode {
  readonly kind = 'file'
  readonly live: Image
  readonly durable: Image
  /** Changes since the last sync, in order. */
  #pending: FileChange[] = []

  constructor(live = new Image(), durable = new Image()) {
    this.live = live
    this.durable = durable
  }

  change(change: FileChange): void {
    this.live.apply(change)
    this.#pending.push(change)
  }

  /** Begins a sync: the call of what it returns ends it. With `lost` the changes count as written but are not. */
  beginSync(): (lost: boolean) => void {
    const covered = this.#pending.length
    const changes = this.#pending.slice(0, covered)
    return lost => {
      // Another sync may have ended in between: what it covered is no longer pending.
      const rest = this.#pending.filter(change => !changes.includes(change))
      if (!lost) for (const change of this.#pending) if (changes.includes(change)) this.durable.apply(change)
      this.#pending = rest
    }
  }

  /** What is on the platter after the power failed. */
  survivor(loss: Loss, random: SimRandom): FileNode {
    const image = this.durable.clone()
    if (loss === 'none') for (const change of this.#pending) image.apply(change)
    if (loss === 'suffix' || loss === 'sectors' || loss === 'zeros') {
      const kept = this.#pending.slice(0, random.below(this.#pending.length + 1))
      for (const change of kept) {
        if (change.kind === 'truncate') image.apply(change)
        else keepSome(image, change, loss, random)
      }
      const next = this.#pending[kept.length]
      // The write that was under way when the power failed got some bytes down, and no more.
      if (loss === 'suffix' && next?.kind === 'write') {
        image.write(next.position, next.bytes.subarray(0, random.below(next.bytes.length + 1)))
      }
    }
    return new FileNode(image.clone(), image)
  }

  /** Everything written is still there: only the process died. */
  clone(): FileNode {
    const copy = new FileNode(this.live.clone(), this.durable.clone())
    copy.#pending = [...this.#pending]
    return copy
  }
}

/** Sectors get down in any order; the length of the file is written before or after its bytes. */
function keepSome(image: Image, change: FileChange & { kind: 'write' }, loss: Loss, random: SimRandom): void {
  const { position, bytes } = change
  if (loss === 'suffix') {
    image.write(position, bytes)
    return
  }
  image.resize(Math.max(image.size, position + bytes.length))
  if (loss === 'zeros' && random.oneIn(2)) return
  for (let at = 0; at < bytes.length; ) {
    const end = Math.min(bytes.length, at + sectorBytes - ((position + at) % sectorBytes))
    if (loss === 'zeros' || !random.oneIn(3)) image.write(position + at, bytes.subarray(at, end))
    at = end
  }
}

export type Node = FileNode | DirectoryNode

/** A change of names: one directory, or two for a rename between them. It reaches the platter in both or in none. */
interface NameChange {
  readonly directories: readonly DirectoryNode[]
  readonly apply: (names: (directory: DirectoryNode) => Map<string, Node>) => void
}

export class DirectoryNode {
  readonly kind = 'directory'
  readonly live: Map<string, Node>
  readonly durable: Map<string, Node>
  /** Changes of names since the last sync, in order. */
  pending: NameChange[] = []

  constructor(live = new Map<string, Node>(), durable = new Map<string, Node>()) {
    this.live = live
    this.durable = durable
  }

  /** All changes so far are on the platter. */
  sync(): void {
    while (this.pending.length > 0) makeDurable(this.pending[0])
  }
}

export function changeNames(change: NameChange): void {
  change.apply(directory => directory.live)
  for (const directory of new Set(change.directories)) directory.pending.push(change)
}

/** A file system's journal keeps the order: what came before in either directory goes down first. */
export function makeDurable(change: NameChange): void {
  for (const directory of change.directories) {
    while (directory.pending.length > 0 && directory.pending[0] !== change && directory.pending.includes(change)) {
      makeDurable(directory.pending[0])
    }
  }
  if (!change.directories.some(directory => directory.pending.includes(change))) return
  change.apply(directory => directory.durable)
  for (const directory of change.directories) directory.pending = directory.pending.filter(other => other !== change)
}
