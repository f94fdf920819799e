/** Where the commands print: lines, held back until a piece is worth writing, and what is wrong, counted. */

/** Writes a piece of text; resolves when more may come. */
export type Write = (text: string) => Promise<void>

const pieceChars = 1 << 16

export class Output {
  readonly #write: Write
  readonly #writeProblem: Write
  #held: string[] = []
  #heldChars = 0
  #problems = 0

  constructor(write: Write, writeProblem: Write) {
    this.#write = write
    this.#writeProblem = writeProblem
  }

  /** How often something was reported that should not be. */
  get problems(): number {
    return this.#problems
  }

  /** True when `flush` should be called before more is printed, or memory grows. */
  get isFull(): boolean {
    return this.#heldChars >= pieceChars
  }

  line(text: string): void {
    this.#held.push(text, '\n')
    this.#heldChars += text.length + 1
  }

  /** Counts as one problem, however many lines it has. They come after all that was printed before. */
  async problem(...lines: readonly string[]): Promise<void> {
    this.#problems++
    await this.note(...lines)
  }

  /** Beside the output proper, and no reason to fail. */
  async note(...lines: readonly string[]): Promise<void> {
    await this.flush()
    await this.#writeProblem(lines.map(line => `${line}\n`).join(''))
  }

  async flush(): Promise<void> {
    if (this.#held.length === 0) return
    const text = this.#held.join('')
    this.#held = []
    this.#heldChars = 0
    await this.#write(text)
  }
}
