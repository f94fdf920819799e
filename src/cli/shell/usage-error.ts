/** What was typed cannot be meant. */
export class UsageError extends Error {
  readonly hints: readonly string[]
  constructor(message: string, hints: readonly string[] = []) {
    super(message)
    this.name = 'UsageError'
    this.hints = hints
  }
}

/** A destructive act that nobody confirmed. */
export class NotConfirmed extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'NotConfirmed'
  }
}
