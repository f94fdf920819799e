/** What the exit codes of the commands mean; docs/cli.md has the same table. */
import type { ClientFailure } from '../../client/client-error.ts'

export const ExitCode = {
  OK: 0,
  /** A fault of this program. */
  BUG: 1,
  USAGE: 2,
  CONNECTION: 3,
  NOT_FOUND: 4,
  REFUSED: 5,
  /** Some of several things were done, others not. */
  PARTIAL: 6,
  UNSUPPORTED: 7,
  /** No answer in time: it may have been done. */
  TIMEOUT: 8,
  NOT_CONFIRMED: 9,
  /** What was to be checked is not so. */
  CHECK_FAILED: 10,
  INTERRUPTED: 130,
  TERMINATED: 143,
} as const

export const exitCodeOf: Readonly<Record<ClientFailure, number>> = {
  connection: ExitCode.CONNECTION,
  timeout: ExitCode.TIMEOUT,
  'not-found': ExitCode.NOT_FOUND,
  refused: ExitCode.REFUSED,
  unsupported: ExitCode.UNSUPPORTED,
  invalid: ExitCode.USAGE,
  interrupted: ExitCode.INTERRUPTED,
}
