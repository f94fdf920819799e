/** What is measured: a process that serves Kafka clients, started, watched and stopped. */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Kafka, logLevel } from 'kafkajs'

export type TargetName = 'ottla' | 'ottla-unsynced' | 'kafka' | 'kafka-synced' | 'sink' | 'sink-unsynced'

export interface Target {
  readonly name: TargetName
  readonly bootstrap: string
  /** From spawn to the first acknowledged write, milliseconds. */
  readonly firstWriteMs: number
  createTopic(topic: string, partitions: number): Promise<void>
  usage(): { cpuSeconds: number; residentMb: number }
  stop(): Promise<void>
}

const ticksPerSecond = 100

export async function startTarget(name: TargetName): Promise<Target> {
  const directory = mkdtempSync(join(process.env.BENCH_DIR ?? tmpdir(), 'bench-'))
  const port = await freePort()
  // The first start formats the directory and creates the topic; what is measured is an ordinary start.
  const formatting = launch(name, directory, port)
  await ready(name, formatting, port)
  await end(name, formatting)
  const started = process.hrtime.bigint()
  const child = launch(name, directory, port)
  const bootstrap = await ready(name, child, port)
  const firstWriteMs = Number(process.hrtime.bigint() - started) / 1e6
  const pid = child.pid ?? 0
  return {
    name,
    bootstrap,
    firstWriteMs,
    async createTopic(topic, partitions) {
      if (name.startsWith('sink')) return
      const admin = client(bootstrap).admin()
      await admin.connect()
      await admin.createTopics({ topics: [{ topic, numPartitions: partitions, replicationFactor: 1 }] })
      await admin.disconnect()
    },
    usage() {
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ')
      const resident = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? '0'
      return { cpuSeconds: (Number(stat[11]) + Number(stat[12])) / ticksPerSecond, residentMb: Number(resident) / 1024 }
    },
    async stop() {
      await end(name, child)
      rmSync(directory, { recursive: true, force: true })
    },
  }
}

function launch(name: TargetName, directory: string, port: number): ChildProcess {
  const stdio: ['ignore', 'pipe', 'ignore'] = ['ignore', 'pipe', 'ignore']
  switch (name) {
    case 'ottla':
    case 'ottla-unsynced': {
      // Kafka's own default, said aloud, chooses Kafka's behaviour.
      const unsynced = ['--override', 'log.flush.interval.messages=9223372036854775807']
      const options = ['start', '--data-dir', directory, '--listen', `127.0.0.1:${port}`]
      return spawn('node', ['dist/bin/ottla.js', ...options, ...(name === 'ottla' ? [] : unsynced)], { stdio })
    }
    case 'kafka':
    case 'kafka-synced': {
      // Heap and collector as Apache Kafka's own start script sets them.
      const env = {
        ...process.env,
        OTTLA_KAFKA_HEAP: '1g',
        OTTLA_KAFKA_JVM: '-XX:+UseG1GC -XX:MaxGCPauseMillis=20 -server',
      }
      const synced = name === 'kafka-synced' ? ['log.flush.interval.messages=1'] : []
      return spawn('bash', ['compat/kafka/start.sh', `${port}`, directory, ...synced], { stdio, env })
    }
    case 'sink':
    case 'sink-unsynced':
      return spawn('node', ['dist/bench/sink.js', directory, '100', name === 'sink' ? 'sync' : 'nosync'], { stdio })
  }
}

async function ready(name: TargetName, child: ChildProcess, port: number): Promise<string> {
  const bootstrap = name.startsWith('sink') ? await sinkAddress(child) : `127.0.0.1:${port}`
  if (!name.startsWith('sink')) await firstWrite(bootstrap, child)
  return bootstrap
}

async function end(name: TargetName, child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return
  const exited = new Promise(resolve => child.once('exit', resolve))
  child.kill(name.startsWith('sink') ? 'SIGKILL' : 'SIGTERM')
  await exited
}

function sinkAddress(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    child.stdout?.once('data', (line: Buffer) => resolve(String(line).trim().split(' ').at(-1) ?? ''))
    child.once('exit', () => reject(new Error('the sink ended')))
  })
}

function client(bootstrap: string): Kafka {
  return new Kafka({ brokers: [bootstrap], logLevel: logLevel.NOTHING, retry: { retries: 0 } })
}

/** Tries until one write is acknowledged: what a user waits for. */
async function firstWrite(bootstrap: string, child: ChildProcess): Promise<void> {
  for (;;) {
    if (child.exitCode !== null) throw new Error(`the process ended with ${child.exitCode}`)
    const producer = client(bootstrap).producer({ allowAutoTopicCreation: true })
    try {
      await producer.connect()
      await producer.send({ topic: 'first-write', acks: -1, messages: [{ value: 'x' }] })
      return
    } catch {
      await new Promise(resolve => setTimeout(resolve, 5))
    } finally {
      await producer.disconnect().catch(() => {})
    }
  }
}

function freePort(): Promise<number> {
  return new Promise(resolve => {
    const server = createServer()
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0))
    })
  })
}
