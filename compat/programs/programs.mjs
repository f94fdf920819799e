// Programs of Apache Kafka as processes of their own.
import { spawn } from 'node:child_process'
import { createWriteStream, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { assert, bootstrap, cacheDir, eventually } from '../lib/harness.mjs'

const running = new Set()
export const scratch = mkdtempSync(join(tmpdir(), 'ottla-programs-'))
const logging = fileURLToPath(new URL('../kafka/log4j2.properties', import.meta.url))
const logs = join(cacheDir, 'logs')
mkdirSync(logs, { recursive: true })
let count = 0

/** Starts a class; `.out` grows, `.done` resolves with the exit code (null for a signal). */
export function start(main, args, { input, directory = scratch } = {}) {
  const java = ['-Xmx384m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', `-Dlog4j2.configurationFile=${logging}`]
  const classes = `${join(cacheDir, 'classes')}:${join(cacheDir, 'libs')}/*`
  const child = spawn('java', [...java, '-cp', classes, main, ...args], {
    cwd: directory,
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  const program = { out: '', err: '', child }
  const log = createWriteStream(join(logs, `${++count}-${main.split('.').at(-1)}.log`))
  child.stdin.on('error', () => {})
  child.stdin.end(input ?? '')
  for (const [name, stream] of [
    ['out', child.stdout],
    ['err', child.stderr],
  ]) {
    stream.on('data', chunk => {
      program[name] += chunk
      log.write(chunk)
    })
  }
  running.add(child)
  program.done = new Promise(resolve => child.on('close', code => running.delete(child) && resolve(code)))
  program.kill = async (signal = 'SIGKILL') => {
    child.kill(signal)
    return program.done
  }
  return program
}

/** Runs a class to its end, which must be a good one; what it printed. */
export async function run(main, args, options) {
  const program = start(main, args, options)
  const code = await program.done
  assert.equal(code, 0, `${main} ended with ${code}: ${program.err.slice(-800)}${program.out.slice(-400)}`)
  return program.out
}

export const createTopics = (...topics) => run('Topic', [bootstrap, 'create', ...topics])
export const fill = (topic, lines) => run('Topic', [bootstrap, 'fill', topic], { input: `${lines.join('\n')}\n` })

/** Committed records up to the end of now, as [key, value]. */
export async function read(topic, address = bootstrap) {
  const out = await run('Topic', [address, 'read', topic])
  return out
    .split('\n')
    .filter(Boolean)
    .map(line => line.split('\t'))
}

export function properties(name, values) {
  const file = join(scratch, name)
  writeFileSync(
    file,
    Object.entries(values)
      .map(([key, value]) => `${key}=${value}\n`)
      .join(''),
  )
  return file
}

export const says = (program, text, timeoutMs = 90_000) =>
  eventually(() => program.out.includes(text) || program.child.exitCode !== null, {
    timeoutMs,
    what: text,
    everyMs: 100,
  })

export async function closeAll() {
  for (const child of running) child.kill('SIGKILL')
  rmSync(scratch, { recursive: true, force: true })
}
