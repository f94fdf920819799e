/**
 * Attacks the decoders for a while: `npm run fuzz -- SECONDS SEED`. Prints the seed, so that a failure can be repeated, and
 * ends with an error at the first one.
 */
import { attackMessages, messageSamples } from './messages.ts'
import { SeededRandom } from './random.ts'

const seconds = Number(process.argv[2] ?? 60)
const seed = Number(process.argv[3] ?? Date.now() % 2 ** 31)
console.log(`${seconds} seconds, seed ${seed}`)

// Errors are made by the thousand, and nobody reads where.
Error.stackTraceLimit = 0

const random = new SeededRandom(seed)
const samples = messageSamples(['filled', 'nulls', 'empty-inner', 'extreme'])
const end = performance.now() + seconds * 1000
let attacks = 0
try {
  while (performance.now() < end) {
    for (let i = 0; i < 1000; i++) attackMessages(samples, random)
    attacks += 1000
  }
  console.log(`${attacks} attacks, all refused or read within bounds`)
} catch (error) {
  console.error(`after ${attacks} attacks of seed ${seed}:`, error)
  process.exitCode = 1
}
