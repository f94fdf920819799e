// Apache Kafka's command-line tools, run in one JVM by src/ToolServer.java.
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { assert, bootstrap } from '../lib/harness.mjs'

const classPath = process.env.CLASSPATH
const log = new URL('../kafka/log4j2.properties', import.meta.url).pathname
const light = ['-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-Xshare:auto', `-Dlog4j2.configurationFile=${log}`]
export const folder = mkdtempSync(join(tmpdir(), 'compat-cluster-'))

let server = null
const waiting = []

function toolServer() {
  if (server) return server
  server = spawn('java', ['-Xmx256m', ...light, '-cp', classPath, 'ToolServer'], { stdio: ['pipe', 'pipe', 'inherit'] })
  createInterface({ input: server.stdout }).on('line', line => waiting.shift()?.(JSON.parse(line)))
  server.on('exit', () => {
    for (const resolve of waiting.splice(0)) resolve({ code: 255, out: '', err: 'the JVM of the tools ended' })
    server = null
  })
  return server
}

/** Exit code and output of a tool: its class, without `org.apache.kafka.tools.`, and its arguments. */
export function tool(...command) {
  const { stdin } = toolServer()
  return new Promise(resolve => {
    waiting.push(resolve)
    stdin.write(`${JSON.stringify(command.map(String))}\n`)
  })
}

/** What a tool printed, that must end well. */
export async function ok(name, ...args) {
  const { code, out, err } = await tool(name, ...args)
  assert.equal(code, 0, `${name} ${args.join(' ')} ended with ${code}: ${out}${err}`)
  return out
}

/** What a tool said that must fail. */
export async function refused(name, ...args) {
  const { code, out, err } = await tool(name, ...args)
  assert.notEqual(code, 0, `${name} ${args.join(' ')} ended well: ${out}`)
  return out + err
}

export const at = ['--bootstrap-server', bootstrap]

/** A tool in a JVM of its own: `.out` as it grows, `.done` with the exit code, `.stop()`. */
export function started(name, ...args) {
  const main = `org.apache.kafka.tools.${name}`
  const child = spawn('java', ['-Xmx128m', ...light, '-cp', classPath, main, ...args.map(String)])
  const state = { out: '', err: '', stop: () => child.kill('SIGTERM') }
  child.stdout.on('data', chunk => {
    state.out += chunk
  })
  child.stderr.on('data', chunk => {
    state.err += chunk
  })
  state.done = new Promise(resolve => child.on('close', resolve))
  return state
}

/** The path of a file with this JSON in it. */
export function jsonFile(name, value) {
  const path = join(folder, name)
  writeFileSync(path, JSON.stringify(value))
  return path
}

/** The path of a file with these properties in it. */
export function propertiesFile(name, values) {
  const path = join(folder, name)
  writeFileSync(
    path,
    Object.entries(values)
      .map(([key, value]) => `${key}=${value}\n`)
      .join(''),
  )
  return path
}

export function closeTools() {
  server?.stdin.end()
  rmSync(folder, { recursive: true, force: true })
}
