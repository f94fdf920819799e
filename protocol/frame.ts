/** A frame announces a size that is not accepted. The connection cannot be used any further. */
export class FrameError extends Error {
  readonly sizeBytes: number
  constructor(sizeBytes: number, limitBytes: number) {
    super(sizeBytes < 0 ? `frame of ${sizeBytes} bytes` : `frame of ${sizeBytes} bytes, the limit is ${limitBytes}`)
    this.name = 'FrameError'
    this.sizeBytes = sizeBytes
  }
}

const sizeFieldBytes = 4
/** Pieces below this are gathered in a buffer of the second size, or a frame sent byte by byte would cost an object each. */
const smallPieceBytes = 1024
const gatherBytes = 8 * 1024

/**
 * Cuts a stream into frames: int32 size, then that many bytes. A frame that lies in one chunk is a view of it; a frame in
 * pieces is put together once, when its last piece is here. Nothing is allocated on the word of a size: only bytes that have
 * arrived are held.
 */
export class FrameAssembler {
  /** The largest frame accepted from now on, in bytes, its size field not counted. */
  limitBytes: number
  #pieces: Buffer[] = []
  /** Where small pieces go; its first `#gatherUsed` bytes come after `#pieces`. */
  #gather: Buffer | null = null
  #gatherUsed = 0
  /** Bytes held, of the frame that is arriving and its size field. */
  #heldBytes = 0
  /** The bytes to be held before something can be done: the size field, or it and its frame. */
  #wantedBytes = sizeFieldBytes
  #failure: FrameError | null = null

  constructor(limitBytes: number) {
    this.limitBytes = limitBytes
  }

  /** Bytes held that are not part of a complete frame yet. */
  get pendingBytes(): number {
    return this.#heldBytes
  }

  /** Size in bytes of the frame that is arriving, its size field included; 0 while its size is not known. */
  get announcedBytes(): number {
    return this.#heldBytes < sizeFieldBytes ? 0 : this.#wantedBytes
  }

  /** What follows the frames given out so far, when that is no frame: nothing more will come. */
  get failure(): FrameError | null {
    return this.#failure
  }

  /**
   * Takes the next bytes of the stream and returns the frames that are complete with them, without their size fields. Throws
   * FrameError for a size below zero or above the limit; frames in front of it are returned first, and `failure` tells.
   */
  push(chunk: Buffer): Buffer[] {
    if (this.#failure) throw this.#failure
    const frames: Buffer[] = []
    try {
      this.#cut(chunk, frames)
    } catch (error) {
      if (!(error instanceof FrameError)) throw error
      this.#failure = error
      if (frames.length === 0) throw error
    }
    return frames
  }

  #cut(chunk: Buffer, frames: Buffer[]): void {
    let at = 0
    while (at < chunk.length) {
      if (this.#heldBytes === 0) {
        at = this.#cutWhole(chunk, at, frames)
        if (at === chunk.length) break
      }
      const length = Math.min(this.#wantedBytes - this.#heldBytes, chunk.length - at)
      this.#hold(chunk.subarray(at, at + length))
      at += length
      if (this.#heldBytes === this.#wantedBytes) this.#complete(frames)
    }
  }

  /** Cuts the frames that lie in the chunk as a whole and returns where the rest begins. */
  #cutWhole(chunk: Buffer, from: number, frames: Buffer[]): number {
    let at = from
    while (chunk.length - at >= sizeFieldBytes) {
      const size = this.#checked(chunk.readInt32BE(at))
      const begin = at + sizeFieldBytes
      if (chunk.length - begin < size) break
      frames.push(chunk.subarray(begin, begin + size))
      at = begin + size
    }
    return at
  }

  #hold(piece: Buffer): void {
    this.#heldBytes += piece.length
    if (piece.length >= smallPieceBytes) {
      this.#pushGathered()
      this.#pieces.push(piece)
      return
    }
    if (this.#gather !== null && this.#gather.length - this.#gatherUsed < piece.length) this.#pushGathered()
    this.#gather ??= Buffer.allocUnsafe(gatherBytes)
    this.#gatherUsed += piece.copy(this.#gather, this.#gatherUsed)
  }

  #pushGathered(): void {
    if (this.#gather === null) return
    this.#pieces.push(this.#gather.subarray(0, this.#gatherUsed))
    this.#gather = null
    this.#gatherUsed = 0
  }

  /** What was wanted is held: the size field, which tells what is wanted next, or a whole frame. */
  #complete(frames: Buffer[]): void {
    if (this.#heldBytes === sizeFieldBytes && this.#gather !== null) {
      this.#wantedBytes = sizeFieldBytes + this.#checked(this.#gather.readInt32BE(0))
      if (this.#wantedBytes > sizeFieldBytes) return
    }
    this.#pushGathered()
    const whole = this.#pieces.length === 1 ? this.#pieces[0] : Buffer.concat(this.#pieces, this.#heldBytes)
    frames.push(whole.subarray(sizeFieldBytes))
    this.#pieces = []
    this.#heldBytes = 0
    this.#wantedBytes = sizeFieldBytes
  }

  #checked(size: number): number {
    if (size < 0 || size > this.limitBytes) throw new FrameError(size, this.limitBytes)
    return size
  }
}
