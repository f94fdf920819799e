/** Several things were to be done: which were, which were not, and with which exit code that ends. */
import type { Outcome } from '../../client/topics.ts'
import { ExitCode } from './exit-codes.ts'
import { failureOf, shownFailure } from './failure.ts'
import type { Session } from './session.ts'

export interface OutcomeWords<T> {
  /** The line for one that was done. */
  done(item: T): string
  /** What names it in JSON. */
  json(item: T): object
}

/** Prints each, and gives the exit code: that of the failure when all failed alike, PARTIAL when only some did. */
export async function reportOutcomes<T>(
  session: Session,
  outcomes: readonly Outcome<T>[],
  words: OutcomeWords<T>,
): Promise<number> {
  const failures = outcomes.flatMap(({ error }) => (error ? [failureOf(error)] : []))
  if (session.json) {
    const results = outcomes.map(({ item, error }) => {
      if (!error) return { ...words.json(item), ok: true, error: null }
      const { kind, code, message, hints } = failureOf(error)
      return { ...words.json(item), ok: false, error: { kind, code, message, hints } }
    })
    await session.printJson({ results })
  } else {
    for (const { item, error } of outcomes) {
      if (error) await session.terminal.errors.write(shownFailure(failureOf(error), false))
      else await session.print(`${words.done(item)}\n`)
    }
  }
  if (failures.length === 0) return ExitCode.OK
  const [{ exitCode }] = failures
  const alike = failures.length === outcomes.length && failures.every(each => each.exitCode === exitCode)
  return alike ? exitCode : ExitCode.PARTIAL
}
