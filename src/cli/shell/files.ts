/** Files that options name; `-` is standard input. */
import type { Session } from './session.ts'
import { UsageError } from './usage-error.ts'

/** For files that are read whole. */
const wholeBytesMax = 64 * 1024 * 1024

/** Piece by piece, at the pace of whoever reads. Throws UsageError. */
export async function* readPieces(session: Session, path: string): AsyncGenerator<Buffer, void, void> {
  if (path === '-') {
    yield* session.terminal.input.chunks()
    return
  }
  try {
    yield* session.terminal.input.chunks(path)
  } catch (error) {
    if (!(error instanceof Error && 'syscall' in error)) throw error
    throw new UsageError(`cannot read ${path}: ${error.message}`)
  }
}

export async function readWhole(session: Session, path: string): Promise<Buffer> {
  const pieces: Buffer[] = []
  let bytes = 0
  for await (const piece of readPieces(session, path)) {
    bytes += piece.length
    if (bytes > wholeBytesMax) throw new UsageError(`${path} is larger than ${wholeBytesMax} bytes`)
    pieces.push(piece)
  }
  return Buffer.concat(pieces)
}

export async function readJsonFile(session: Session, path: string): Promise<object> {
  const text = (await readWhole(session, path)).toString('utf8')
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    throw new UsageError(`${path} is no JSON: ${(error as Error).message}`)
  }
  if (typeof value !== 'object' || value === null) throw new UsageError(`${path}: a JSON object is expected`)
  return value
}
