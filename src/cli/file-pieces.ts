/** A file read mostly forward, a large piece at a time: memory stays at one piece, however large the file is. */
import type { File } from '../host/host.ts'

const pieceBytes = 1 << 20

export class FilePieces {
  readonly file: File
  /** The piece last read. */
  buffer: Buffer = Buffer.alloc(0)
  #start = 0

  constructor(file: File) {
    this.file = file
  }

  get size(): number {
    return this.file.size
  }

  /** Where in `buffer` the bytes from `position` on are, `length` of them; -1 when the file ends before. Throws DiskError. */
  async at(position: number, length: number): Promise<number> {
    if (position < 0 || position + length > this.size) return -1
    if (position < this.#start || position + length > this.#start + this.buffer.length) {
      this.buffer = await this.file.read(position, Math.min(this.size - position, Math.max(length, pieceBytes)))
      this.#start = position
      if (this.buffer.length < length) return -1
    }
    return position - this.#start
  }
}
