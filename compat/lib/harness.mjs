// What the Node clients of the suite share: named tests with a time limit, reported as JSON lines on stdout.
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'

export { assert }
export const bootstrap = process.env.COMPAT_BOOTSTRAP ?? '127.0.0.1:9092'
export const cacheDir = process.env.COMPAT_CACHE ?? process.cwd()

const notServed = new Set((process.env.COMPAT_NOT_SERVED ?? '').split(',').filter(Boolean))
const only = process.env.COMPAT_ONLY ? new RegExp(process.env.COMPAT_ONLY) : null
const tests = []

/** A name nobody else uses on this broker. */
export const unique = prefix => `${prefix}-${randomBytes(5).toString('hex')}`

/**
 * Registers a test. `options.needs` names a feature that the broker under test may not serve; with `options.needsControl` it
 * stops nodes, which only works on a cluster that was started for the suite.
 */
export function test(name, run, options = {}) {
  const needs = options.needsControl && !process.env.COMPAT_CONTROL ? 'control' : options.needs
  tests.push({ name, run, needs, timeoutMs: options.timeoutMs ?? 30_000 })
}

/** Fails unless `run` rejects with an error that `matches` accepts (a RegExp on its text, or a predicate). */
export async function rejects(run, matches) {
  let error
  try {
    await (typeof run === 'function' ? run() : run)
  } catch (caught) {
    error = caught
  }
  assert.ok(error, 'expected an error, got none')
  if (!matches) return error
  const text = `${error.type ?? ''} ${error.code ?? ''} ${error.name ?? ''} ${error.message ?? error}`
  const fits = matches instanceof RegExp ? matches.test(text) : matches(error)
  assert.ok(fits, `unexpected error: ${text}`)
  return error
}

/** Resolves with the first truthy value of `probe`, asked again every `everyMs`. */
export async function eventually(probe, { timeoutMs = 15_000, everyMs = 50, what = 'condition' } = {}) {
  const end = performance.now() + timeoutMs
  for (;;) {
    const value = await probe()
    if (value) return value
    if (performance.now() > end) throw new Error(`timed out waiting for ${what}`)
    await new Promise(resolve => setTimeout(resolve, everyMs))
  }
}

/** A promise that can be settled from outside. */
export function deferred() {
  const handle = {}
  handle.promise = new Promise((resolve, reject) => Object.assign(handle, { resolve, reject }))
  return handle
}

export function report(test, status, detail, ms) {
  process.stdout.write(`${JSON.stringify({ test, status, detail, ms })}\n`)
}

function limited(promise, timeoutMs) {
  let timer
  const limit = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no end after ${timeoutMs} ms`)), timeoutMs)
  })
  return Promise.race([promise, limit]).finally(() => clearTimeout(timer))
}

async function runOne({ name, run, needs, timeoutMs }) {
  if (only && !only.test(name)) return
  if (needs && (needs === 'control' || notServed.has(needs))) {
    report(name, 'not served', needs, 0)
    return
  }
  const start = performance.now()
  const ms = () => Math.round(performance.now() - start)
  try {
    await limited(run(), timeoutMs)
    report(name, 'pass', undefined, ms())
  } catch (error) {
    report(name, 'fail', String(error?.stack ?? error).slice(0, 1500), ms())
  }
}

/** Runs every registered test, `parallel` of them at a time, then `cleanup`, and ends the process. */
export async function runAll(cleanup, parallel = 1) {
  process.on('unhandledRejection', error => console.error('unhandled rejection:', error))
  const queue = tests[Symbol.iterator]()
  const worker = async () => {
    for (const each of queue) await runOne(each)
  }
  await Promise.all(Array.from({ length: parallel }, worker))
  try {
    if (cleanup) await limited(cleanup(), 10_000)
  } catch (error) {
    console.error('cleanup:', error)
  }
  process.exit(0)
}
