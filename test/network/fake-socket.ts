import { Duplex } from 'node:stream'

/** One end of a connection whose other end is the test: `feed` is what the client sends, `sent` what it gets. */
export class FakeSocket extends Duplex {
  readonly sent: Buffer[] = []
  /** Sizes of the single writes that reached the "system". */
  readonly writes: number[] = []
  #held: (() => void)[] | null = null

  constructor(highWaterMark = 16_384) {
    super({ allowHalfOpen: true, highWaterMark })
  }

  feed(bytes: Uint8Array): void {
    this.push(bytes)
  }

  /** The client sends nothing more. */
  feedEnd(): void {
    this.push(null)
  }

  get sentBytes(): Buffer {
    return Buffer.concat(this.sent)
  }

  /** The client does not read any more, until `unblock`. */
  block(): void {
    this.#held ??= []
  }

  unblock(): void {
    const held = this.#held ?? []
    this.#held = null
    for (const run of held) run()
  }

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.#take([chunk], done)
  }

  override _writev(chunks: { chunk: Buffer }[], done: () => void): void {
    this.#take(
      chunks.map(({ chunk }) => chunk),
      done,
    )
  }

  #take(chunks: Buffer[], done: () => void): void {
    const run = () => {
      // What was sent does not change when its bytes are used again.
      this.sent.push(...chunks.map(chunk => Buffer.from(chunk)))
      this.writes.push(chunks.reduce((sum, chunk) => sum + chunk.length, 0))
      done()
    }
    if (this.#held) this.#held.push(run)
    else run()
  }
}

/** Resolves after what is due in this turn of the event loop, and in the next, has run. */
export async function settled(): Promise<void> {
  for (let i = 0; i < 3; i++) await new Promise<void>(resolve => setImmediate(resolve))
}
