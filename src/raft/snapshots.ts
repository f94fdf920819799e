/** The snapshots beside the metadata log: which there are, pieces of them for others, and one that arrives in pieces. */
import type { Disk, File } from '../host/host.ts'
import { listSnapshots, readSnapshot, type Snapshot, type SnapshotId, snapshotFileName } from './snapshot-file.ts'
import { writeFileAtomically } from './snapshot-writer.ts'

const partSuffix = '.part'

interface Arriving {
  readonly id: SnapshotId
  readonly file: File
}

export class Snapshots {
  readonly #disk: Disk
  readonly #directory: string
  /** Oldest first. */
  #ids: SnapshotId[] = []
  #arriving: Arriving | null = null

  constructor(disk: Disk, directory: string) {
    this.#disk = disk
    this.#directory = directory
  }

  /** Looks at what is there; what another life left half done goes. Throws DiskError. */
  async load(): Promise<void> {
    this.#ids = await listSnapshots(this.#disk, this.#directory)
    for (const { name } of await this.#disk.list(this.#directory)) {
      if (name.endsWith(`.checkpoint${partSuffix}`)) await this.#disk.remove(`${this.#directory}/${name}`)
    }
  }

  /** Null when there is none but the one a cluster is formatted with. */
  get earliest(): SnapshotId | null {
    return this.#ids.find(({ endOffset }) => endOffset > 0) ?? null
  }

  get latest(): SnapshotId | null {
    const last = this.#ids.at(-1)
    return last && last.endOffset > 0 ? last : null
  }

  /** The newest of all, the one of the format included. */
  get newest(): SnapshotId | null {
    return this.#ids.at(-1) ?? null
  }

  /** Throws DiskError and SnapshotError. */
  read(id: SnapshotId): Promise<Snapshot | null> {
    return readSnapshot(this.#disk, this.#path(id))
  }

  /** Bytes of the whole and of a piece; null when there is no such snapshot, or it is not for others. Throws DiskError. */
  async piece(
    id: SnapshotId,
    position: number,
    bytesMax: number,
  ): Promise<{ readonly sizeBytes: number; readonly bytes: Buffer } | null> {
    if (id.endOffset === 0 || !this.#has(id)) return null
    const file = await this.#disk.open(this.#path(id), 'read')
    try {
      const sizeBytes = file.size
      const inside = position >= 0 && position < sizeBytes
      return { sizeBytes, bytes: inside ? await file.read(position, bytesMax) : Buffer.alloc(0) }
    } finally {
      await file.close()
    }
  }

  /** Durable when it resolves. Throws DiskError. */
  async save(id: SnapshotId, bytes: Buffer): Promise<void> {
    await writeFileAtomically(this.#disk, this.#directory, snapshotFileName(id), bytes)
    this.#add(id)
  }

  /** Appends a piece that arrived; the first one, at position 0, begins anew. Throws DiskError. */
  async receive(id: SnapshotId, position: number, bytes: Buffer): Promise<void> {
    if (position === 0) {
      await this.dropArriving()
      const path = this.#path(id) + partSuffix
      await this.#disk.remove(path)
      this.#arriving = { id, file: await this.#disk.open(path, 'create') }
    }
    const arriving = this.#arriving
    if (!arriving || arriving.file.size !== position) throw new Error(`a piece at ${position} that nobody asked for`)
    await arriving.file.append([bytes])
  }

  /** All pieces are there: reads it, and gives it its name when it can be read. Throws DiskError and SnapshotError. */
  async complete(id: SnapshotId): Promise<Snapshot | null> {
    const part = this.#path(id) + partSuffix
    const arriving = this.#arriving
    this.#arriving = null
    await arriving?.file.sync()
    await arriving?.file.close()
    const snapshot = await readSnapshot(this.#disk, part)
    await this.#disk.rename(part, this.#path(id))
    await this.#disk.syncDirectory(this.#directory)
    this.#add(id)
    return snapshot
  }

  /** Forgets a snapshot of which not all pieces came. Never rejects. */
  async dropArriving(): Promise<void> {
    const arriving = this.#arriving
    this.#arriving = null
    if (!arriving) return
    try {
      await arriving.file.close()
      await this.#disk.remove(this.#path(arriving.id) + partSuffix)
    } catch {
      // It has a name that nobody reads.
    }
  }

  /** Bytes of all of them. Throws DiskError. */
  async sizeBytes(): Promise<number> {
    let sum = 0
    for (const id of this.#ids) {
      const file = await this.#disk.open(this.#path(id), 'read')
      sum += file.size
      await file.close()
    }
    return sum
  }

  /** The one after the oldest; null when there is only one. */
  get second(): SnapshotId | null {
    return this.#ids.filter(({ endOffset }) => endOffset > 0)[1] ?? null
  }

  /** Throws DiskError. */
  async removeBefore(endOffset: number): Promise<void> {
    for (const id of this.#ids.filter(other => other.endOffset < endOffset)) {
      this.#ids = this.#ids.filter(other => other !== id)
      await this.#disk.remove(this.#path(id))
    }
  }

  #has({ endOffset, epoch }: SnapshotId): boolean {
    return this.#ids.some(other => other.endOffset === endOffset && other.epoch === epoch)
  }

  #add(id: SnapshotId): void {
    if (this.#has(id)) return
    this.#ids = [...this.#ids, id].sort((a, b) => a.endOffset - b.endOffset || a.epoch - b.epoch)
  }

  #path(id: SnapshotId): string {
    return `${this.#directory}/${snapshotFileName(id)}`
  }
}
