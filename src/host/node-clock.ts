/** Time and randomness of the real machine. */
import { randomBytes, randomInt } from 'node:crypto'
import type { Cancel, Clock, Random } from './host.ts'

/** The longest delay that Node's timers take; a longer one would fire at once. */
const timerMaxMs = 2 ** 31 - 1

export const nodeClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(delayMs: number, run: () => void): Cancel {
    let timer: NodeJS.Timeout
    const arm = (remainingMs: number) => {
      const next = Math.min(remainingMs, timerMaxMs)
      timer = setTimeout(() => (remainingMs > next ? arm(remainingMs - next) : run()), next)
      timer.unref()
    }
    arm(delayMs)
    return () => clearTimeout(timer)
  },
  soon(run: () => void): void {
    setImmediate(run)
  },
}

/** The number of bytes in a UUID. */
const uuidBytes = 16

/** Sixteen random bytes as a version 4 UUID in Kafka's spelling, from any source of bytes. */
export function uuidFrom(source: (n: number) => Buffer): string {
  for (;;) {
    const bytes = source(uuidBytes)
    bytes[6] = (bytes[6] & 0x0f) | 0x40
    bytes[8] = (bytes[8] & 0x3f) | 0x80
    const text = bytes.toString('base64url')
    // A name that begins with a dash reads as an option on a command line; Kafka draws again too.
    if (!text.startsWith('-')) return text
  }
}

/** `randomInt` takes ranges below 2^48 only. */
const drawMax = 2 ** 48 - 1

export const nodeRandom: Random = {
  below: n => (n <= 1 ? 0 : randomInt(Math.min(n, drawMax))),
  bytes: n => randomBytes(n),
  uuid: () => uuidFrom(randomBytes),
}
