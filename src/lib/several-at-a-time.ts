/** Runs `run` for each of `all`, for at most `count` of them at the same time; the last first. */
export async function severalAtATime<T>(
  all: readonly T[],
  count: number,
  run: (one: T) => Promise<void>,
): Promise<void> {
  const queue = [...all]
  const worker = async () => {
    for (let next = queue.pop(); next !== undefined; next = queue.pop()) await run(next)
  }
  await Promise.all(Array.from({ length: count }, worker))
}
