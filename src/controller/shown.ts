/** Waiting for a node's own metadata to show what an answer tells of. */
import type { Clock } from '../host/host.ts'
import type { Watermark } from '../lib/watermark.ts'

/** A true answer is given after this long even if this node's own metadata does not show it yet, milliseconds. */
export const shownMaxMs = 2000

/** Resolves when `test` holds, which is looked at as often as `served` moves, or when that took too long. */
export function whenShown(clock: Pick<Clock, 'after'>, served: Watermark, test: () => boolean): Promise<void> {
  if (test()) return Promise.resolve()
  return new Promise(resolve => {
    let waiter = { cancel() {} }
    const finish = () => {
      cancel()
      waiter.cancel()
      resolve()
    }
    const look = (failure: Error | null) => {
      if (failure || test()) return finish()
      waiter = served.reached(served.value + 1, look)
    }
    const cancel = clock.after(shownMaxMs, finish)
    waiter = served.reached(served.value + 1, look)
  })
}
