#!/usr/bin/env node
// Runs foreign Kafka clients against a broker and prints a table of client x capability.
//
//   node compat/run.mjs                          the quick clients against Ottla (started from dist/)
//   node compat/run.mjs --all                    heavy clients too
//   node compat/run.mjs --broker kafka           against Apache Kafka, started here
//   node compat/run.mjs --bootstrap HOST:PORT    against any running broker (--data-dir DIR: its files, if at hand)
//   --client a,b      only these          --only REGEXP   only tests whose name matches
//   --ci              as CI runs it: installs Debian's packages where they are missing and it may
//   --expected FILE   what must pass      --write-expected  record what passes now (never takes a pass away)
//   --report FILE     the table as Markdown
//
// A test that the file of expected results lists as passing and that fails makes the run exit 1.
// A client whose toolchain is absent is reported as not run.
import { spawn, spawnSync } from 'node:child_process'
import { createWriteStream, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { startKafka, startOttla } from './lib/brokers.mjs'
import { startCluster } from './lib/clusters.mjs'
import { serveControl } from './lib/control.mjs'
import { markdownTable, summaryLines, textTable } from './lib/table.mjs'

const here = fileURLToPath(new URL('./', import.meta.url))
const cacheRoot = process.env.OTTLA_COMPAT_CACHE ?? join(here, '../.cache/compat')

const { values: options } = parseArgs({
  options: {
    all: { type: 'boolean', default: false },
    bootstrap: { type: 'string' },
    broker: { type: 'string', default: 'ottla' },
    ci: { type: 'boolean', default: false },
    client: { type: 'string' },
    'data-dir': { type: 'string' },
    expected: { type: 'string' },
    'keep-data': { type: 'boolean', default: false },
    only: { type: 'string' },
    report: { type: 'string' },
    'write-expected': { type: 'boolean', default: false },
  },
})

function loadClients() {
  const wanted = options.client?.split(',')
  const clients = []
  for (const name of readdirSync(here)) {
    const file = join(here, name, 'client.json')
    if (!existsSync(file)) continue
    const client = { name, ...JSON.parse(readFileSync(file, 'utf8')) }
    if (wanted ? wanted.includes(name) : options.all || !client.heavy) clients.push(client)
  }
  for (const name of wanted ?? []) {
    if (!clients.some(client => client.name === name)) throw new Error(`no client '${name}' in compat/`)
  }
  return clients.sort((a, b) => a.order - b.order)
}

/** Names in tests.txt, one a line; `#` starts a comment. */
function listedTests(name) {
  const lines = readFileSync(join(here, name, 'tests.txt'), 'utf8').split('\n')
  return lines.map(line => line.replace(/(^|\s)#.*/, '').trim()).filter(Boolean)
}

/** Installs or builds the client in its cache folder. Returns null, or why it cannot run here. */
function prepare(client, environment) {
  const result = spawnSync(join(here, client.name, 'run.sh'), ['prepare'], {
    cwd: environment.COMPAT_CACHE,
    env: environment,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: (client.prepareSeconds ?? 600) * 1000,
    maxBuffer: 1 << 28,
  })
  writeFileSync(join(environment.COMPAT_CACHE, 'prepare.log'), `${result.stdout}\n${result.stderr}`)
  if (result.status === 0) return null
  const lines = `${result.stderr}`.trim().split('\n')
  return lines[lines.length - 1] || `prepare ended with ${result.status ?? result.signal}`
}

/** Runs the client's tests; returns results by test name. */
async function runTests(client, environment, logName = 'run.log') {
  const child = spawn(join(here, client.name, 'run.sh'), ['test'], {
    cwd: environment.COMPAT_CACHE,
    env: environment,
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true, // a process group of its own, so that a hanging client is ended with its children
  })
  const log = createWriteStream(join(environment.COMPAT_CACHE, logName))
  child.stderr.pipe(log)
  const results = new Map()
  const lines = createInterface({ input: child.stdout })
  lines.on('line', line => {
    log.write(`${line}\n`)
    if (!line.startsWith('{"test":')) return
    const result = JSON.parse(line)
    results.set(result.test, result)
    if (result.status === 'fail' && process.env.COMPAT_QUIET !== '1') {
      console.error(`  ${client.name}: ${result.test}: ${String(result.detail).split('\n')[0]}`)
    }
  })
  const timer = setTimeout(() => process.kill(-child.pid, 'SIGKILL'), (client.timeoutSeconds ?? 240) * 1000)
  await Promise.all([
    new Promise(resolve => child.on('close', resolve)),
    new Promise(resolve => lines.on('close', resolve)),
  ])
  clearTimeout(timer)
  return results
}

function complete(client, results) {
  const only = options.only ? new RegExp(options.only) : null
  for (const test of listedTests(client.name)) {
    if (only && !only.test(test)) continue
    if (!results.has(test))
      results.set(test, { test, status: 'fail', detail: 'no result: the client did not get to it' })
  }
  return results
}

async function runClient(client, broker, notServed) {
  const cache = join(cacheRoot, client.name)
  mkdirSync(cache, { recursive: true })
  const environment = {
    ...process.env,
    COMPAT_BOOTSTRAP: broker.bootstrap,
    COMPAT_CONTROL: broker.control ?? '',
    COMPAT_CACHE: cache,
    COMPAT_DATA_DIR: broker.dataDir ?? '',
    COMPAT_HEAVY: options.all ? '1' : '',
    COMPAT_INSTALL: options.ci ? '1' : '',
    COMPAT_NOT_SERVED: notServed.join(','),
    COMPAT_ONLY: options.only ?? '',
  }
  const reason = prepare(client, environment)
  if (reason) return { client, notRun: reason, results: new Map(), seconds: 0 }
  const start = performance.now()
  const results = complete(client, await runTests(client, environment))
  return { client, results, seconds: (performance.now() - start) / 1000 }
}

function compare(runs, expected) {
  const regressions = []
  for (const { client, notRun, results } of runs) {
    if (notRun) continue
    for (const test of expected[client.name] ?? []) {
      const result = results.get(test)
      if (options.only && !result) continue
      if (result?.status !== 'pass') regressions.push(`${client.name}: ${test}`)
    }
  }
  return regressions
}

function writeExpected(file, runs, expected) {
  for (const { client, notRun, results } of runs) {
    if (notRun) continue
    const passes = new Set(expected[client.name] ?? [])
    for (const { test, status } of results.values()) if (status === 'pass') passes.add(test)
    expected[client.name] = [...passes].sort()
  }
  const sorted = Object.fromEntries(Object.entries(expected).sort(([a], [b]) => (a < b ? -1 : 1)))
  writeFileSync(file, `${JSON.stringify(sorted, null, 2)}\n`)
}

async function startBroker() {
  mkdirSync(cacheRoot, { recursive: true })
  const logFile = join(cacheRoot, `${options.broker}.log`)
  if (options.bootstrap) return { bootstrap: options.bootstrap, dataDir: options['data-dir'], stop: async () => {} }
  return options.broker === 'kafka' ? startKafka(logFile) : startOttla(logFile)
}

/** A cluster for the clients that want one, with its nodes under their control. Against Apache Kafka, all nodes are its. */
async function startNodes(wanted) {
  if (options.bootstrap) return { bootstrap: options.bootstrap, stop: async () => {} }
  mkdirSync(cacheRoot, { recursive: true })
  const cluster = await startCluster({
    kind: options.broker,
    settings: { 'min.insync.replicas': 2 },
    ...(typeof wanted === 'number' ? { nodes: wanted } : wanted),
    ...(options.broker === 'kafka' &&
      wanted.nodes && { nodes: wanted.nodes.map(each => ({ ...each, kind: 'kafka' })) }),
  })
  const { url, close } = await serveControl(cluster)
  return { bootstrap: cluster.bootstrap, control: url, stop: keep => cluster.stop(keep).finally(close) }
}

async function main() {
  const isKafka = options.broker === 'kafka'
  const expectedFile = options.expected ?? join(here, isKafka ? 'kafka.expected.json' : 'expected.json')
  const expected = existsSync(expectedFile) ? JSON.parse(readFileSync(expectedFile, 'utf8')) : {}
  const notServed = isKafka ? [] : JSON.parse(readFileSync(join(here, 'not-served.json'), 'utf8'))
  const clients = loadClients()
  const runs = []
  const kindOf = ({ cluster }) => JSON.stringify(cluster ?? null)
  for (const kind of new Set(clients.map(kindOf))) {
    const wanted = clients.filter(client => kindOf(client) === kind)
    const { cluster } = wanted[0]
    const broker = cluster ? await startNodes(cluster) : await startBroker()
    try {
      for (const client of wanted) {
        console.error(`${client.name}: ${client.title} against ${broker.bootstrap}`)
        runs.push(await runClient(client, broker, notServed))
      }
    } finally {
      await broker.stop(options['keep-data'])
    }
  }
  console.log(textTable(runs))
  if (options.report) writeFileSync(options.report, markdownTable(runs))
  if (options['write-expected']) writeExpected(expectedFile, runs, expected)
  const regressions = compare(runs, expected)
  for (const line of regressions) console.log(`expected to pass: ${line}`)
  for (const line of summaryLines(runs)) console.log(line)
  process.exitCode = regressions.length > 0 ? 1 : 0
}

await main()
