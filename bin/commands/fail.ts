/** How a command ends that cannot do what it was asked: the reason on standard error, exit code 1. */
export function fail(error: unknown): never {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
  process.exit(1)
}
