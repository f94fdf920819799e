/** Types commands of the command line in this process, at a terminal or into pipes, and gathers what they say. */

import { clusterNoun } from '../../src/cli/cluster/cluster.ts'
import { configNoun } from '../../src/cli/config/config.ts'
import { groupNoun } from '../../src/cli/group/group.ts'
import { recordNoun } from '../../src/cli/record/record.ts'
import { type DefineNoun, runCommand } from '../../src/cli/shell/run.ts'
import { topicNoun } from '../../src/cli/topic/topic.ts'
import { transactionNoun } from '../../src/cli/transaction/transaction.ts'
import { quietHost } from '../../src/host/node-quiet.ts'
import type { Terminal } from '../../src/host/terminal.ts'

export const allNouns: readonly DefineNoun[] = [
  topicNoun,
  recordNoun,
  groupNoun,
  configNoun,
  clusterNoun,
  transactionNoun,
]

export interface Typing {
  readonly input?: string | Buffer | AsyncIterable<Buffer>
  /** A person sits there: input, output and errors are terminals of this many columns. */
  readonly columns?: number
  readonly environment?: Record<string, string>
  readonly interrupted?: AbortSignal
  /** Hears each piece of output at once. */
  readonly onOutput?: (piece: string) => void
}

export interface Said {
  readonly code: number
  readonly out: string
  readonly err: string
}

/** A command line that always speaks to one cluster. */
export function typist(bootstrap: string): (words: string, typing?: Typing) => Promise<Said> {
  return (words, typing) =>
    typed(words, { ...typing, environment: { OTTLA_BOOTSTRAP: bootstrap, ...typing?.environment } })
}

/** Words are parted by spaces; single quotes keep them together. */
export async function typed(words: string, typing: Typing = {}): Promise<Said> {
  const { input = '', columns, environment = {}, interrupted = new AbortController().signal, onOutput } = typing
  const said = { out: [] as Buffer[], err: [] as Buffer[] }
  const isTerminal = columns !== undefined
  const sink = (pieces: Buffer[], heard?: (piece: string) => void) => ({
    isTerminal,
    columns: columns ?? 80,
    async write(piece: string | Buffer) {
      pieces.push(Buffer.from(piece))
      heard?.(piece.toString())
    },
  })
  const terminal: Terminal = {
    input: { isTerminal, chunks: path => (path === undefined ? chunksOf(input) : fromFile(path)) },
    output: sink(said.out, onOutput),
    errors: sink(said.err),
    environment,
    interrupted,
  }
  const parted = [...words.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain)
  const code = await runCommand(parted, { host: quietHost, terminal, version: '0.0.0-test' }, allNouns)
  return { code, out: Buffer.concat(said.out).toString(), err: Buffer.concat(said.err).toString() }
}

async function* chunksOf(input: string | Buffer | AsyncIterable<Buffer>): AsyncGenerator<Buffer, void, void> {
  if (typeof input === 'string' || Buffer.isBuffer(input)) yield Buffer.from(input)
  else yield* input
}

async function* fromFile(path: string): AsyncGenerator<Buffer, void, void> {
  const file = await quietHost.disk.open(path, 'read')
  yield await file.read(0, file.size)
  await file.close()
}

/** Nobody types, nobody reads. */
export function silentTerminal(): Terminal {
  const sink = { isTerminal: false, columns: 80, async write() {} }
  const input = { isTerminal: false, chunks: () => chunksOf('') }
  return { input, output: sink, errors: sink, environment: {}, interrupted: new AbortController().signal }
}
