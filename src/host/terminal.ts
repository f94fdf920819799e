/** Who sits before a command: a person at a terminal, or a program at the ends of pipes. */

/** Standard input, output and error, and the signals. */
export interface Terminal {
  readonly input: Input
  /** What was asked for. */
  readonly output: Sink
  /** Everything beside it: complaints, questions, progress. */
  readonly errors: Sink
  readonly environment: Readonly<Record<string, string | undefined>>
  /** Aborted by Ctrl-C, or by being told to end; the reason is the signal's name. */
  readonly interrupted: AbortSignal
}

export interface Input {
  readonly isTerminal: boolean
  /** What comes in, or what a file or a named pipe holds, at the pace of whoever reads it. */
  chunks(path?: string): AsyncIterable<Buffer>
}

export interface Sink {
  readonly isTerminal: boolean
  /** Of the terminal; 80 where there is none. */
  readonly columns: number
  /** Resolves when more may come. Rejects with SinkClosed when nobody reads any more. */
  write(piece: string | Buffer): Promise<void>
}

/** Whoever read has seen enough (`| head`): no failure. */
export class SinkClosed extends Error {
  constructor() {
    super('nobody reads the output any more')
    this.name = 'SinkClosed'
  }
}
