// Starts the broker under test: Ottla from dist/, or Apache Kafka for comparison.
import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, openSync, rmSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../../', import.meta.url))

export async function freePort() {
  const server = createServer()
  await new Promise(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address()
  await new Promise(resolve => server.close(resolve))
  return port
}

async function reachable(port, child, timeoutMs) {
  const end = Date.now() + timeoutMs
  while (Date.now() < end) {
    if (child.exitCode !== null) throw new Error(`the broker ended with exit code ${child.exitCode}`)
    const up = await new Promise(resolve => {
      const socket = connect(port, '127.0.0.1')
      socket.on('connect', () => resolve(socket.end() && true))
      socket.on('error', () => resolve(false))
    })
    if (up) return
    await new Promise(resolve => setTimeout(resolve, 100))
  }
  throw new Error('the broker did not start')
}

function handle(child, bootstrap, dataDir, logDir, logFile) {
  const ended = new Promise(resolve => child.on('exit', resolve))
  const state = { bootstrap, dataDir: logDir, logFile, pid: child.pid, ended: false }
  ended.then(() => {
    state.ended = true
  })
  state.stop = async keep => {
    if (!state.ended) child.kill('SIGTERM')
    const timer = setTimeout(() => child.kill('SIGKILL'), 15_000)
    await ended
    clearTimeout(timer)
    if (!keep) rmSync(dataDir, { recursive: true, force: true })
  }
  return state
}

/** Ottla as `npm start` runs it, on a free port. Without `dataDir` it has one of its own, removed when it stops. */
export async function startOttla(logFile, settings = [], dataDir = mkdtempSync(join(tmpdir(), 'ottla-compat-'))) {
  const overrides = [
    'group.initial.rebalance.delay.ms=0',
    'offsets.topic.replication.factor=1',
    'offsets.topic.num.partitions=8',
    'group.consumer.min.heartbeat.interval.ms=100',
    ...settings,
  ]
  const args = [join(root, 'dist/bin/ottla.js'), 'start', '--data-dir', dataDir, '--listen', '127.0.0.1:0']
  for (const setting of overrides) args.push('--override', setting)
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', openSync(logFile, 'w')] })
  const bootstrap = await new Promise((resolve, reject) => {
    let text = ''
    child.stdout.on('data', chunk => {
      text += chunk
      const ready = /ottla ready on (\S+:\d+)/.exec(text)
      if (ready) resolve(ready[1])
    })
    child.on('exit', code => reject(new Error(`ottla ended with exit code ${code}; see ${logFile}`)))
  })
  return handle(child, bootstrap, dataDir, dataDir, logFile)
}

/** A single-node Apache Kafka by compat/kafka/start.sh; its log directory is `log` in `dataDir`. */
export async function startKafka(logFile, settings = [], dataDir = mkdtempSync(join(tmpdir(), 'kafka-compat-'))) {
  mkdirSync(dataDir, { recursive: true })
  const port = await freePort()
  const log = openSync(logFile, 'w')
  const args = settings.map(setting => setting.replaceAll('CONTROLLER_PORT', String(port + 1)))
  const child = spawn(join(root, 'compat/kafka/start.sh'), [String(port), dataDir, ...args], {
    stdio: ['ignore', log, log],
  })
  await reachable(port, child, 120_000)
  await new Promise(resolve => setTimeout(resolve, 3000)) // the port opens before the broker is unfenced
  return handle(child, `127.0.0.1:${port}`, dataDir, join(dataDir, 'log'), logFile)
}
