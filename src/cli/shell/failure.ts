/** How a failure is told: to people a sentence and what to do next, to programs JSON; both on standard error. */
import { errorName } from '../../../protocol/errors.ts'
import { ClientError } from '../../client/client-error.ts'
import { DiskError } from '../../host/host.ts'
import { ExitCode, exitCodeOf } from './exit-codes.ts'
import { NotConfirmed, UsageError } from './usage-error.ts'

export interface Failure {
  readonly exitCode: number
  readonly kind: string
  /** Kafka's name of the error, or null. */
  readonly code: string | null
  readonly message: string
  readonly hints: readonly string[]
}

export function failureOf(error: unknown): Failure {
  if (error instanceof ClientError) {
    const { failure: kind, code, message, hints } = error
    return { exitCode: exitCodeOf[kind], kind, code: code === null ? null : errorName(code), message, hints }
  }
  if (error instanceof UsageError) {
    return { exitCode: ExitCode.USAGE, kind: 'usage', code: null, message: error.message, hints: error.hints }
  }
  if (error instanceof NotConfirmed) {
    return { exitCode: ExitCode.NOT_CONFIRMED, kind: 'not-confirmed', code: null, message: error.message, hints: [] }
  }
  if (error instanceof DiskError) {
    return { exitCode: ExitCode.USAGE, kind: 'file', code: null, message: error.message, hints: [] }
  }
  const message = error instanceof Error ? (error.stack ?? error.message) : String(error)
  return { exitCode: ExitCode.BUG, kind: 'bug', code: null, message, hints: ['This is a fault of ottla itself.'] }
}

export function shownFailure({ kind, code, message, hints }: Failure, json: boolean): string {
  if (json) return `${JSON.stringify({ error: { kind, code, message, hints } })}\n`
  return [`error: ${message}`, ...hints.map(hint => `  ${hint}`)].map(line => `${line}\n`).join('')
}
