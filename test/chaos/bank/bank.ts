/**
 * The bank: transfers between accounts in different partitions, each a transaction, by kafkajs and librdkafka, some of them
 * ordered in a topic and carried out once together with the offset of the order. Brokers and clients are killed (-9) all the
 * time. In the end every transfer must be there once or not at all, and the total must be what was paid in.
 */
import { appendFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { SimRandom } from '../../sim/random.ts'
import { ChaosCluster } from '../cluster.ts'
import { loopback } from '../network.ts'
import { clientPort, type Target } from '../target.ts'
import { sleep } from '../workload/clock.ts'
import { ClusterClient } from '../workload/cluster-client.ts'
import { type Audit, audit } from './audit.ts'
import { BankClient } from './client.ts'
import { decided, readLedger } from './ledger.ts'
import type { BankLine, BankOptions } from './lines.ts'

export interface BankRunOptions {
  readonly target: Target
  readonly minutes: number
  readonly seed: number
  readonly accounts: number
  readonly pauseMs: number
  readonly overrides: readonly string[]
  readonly keep: boolean
  readonly say: (line: string) => void
}

export interface BankReport {
  readonly problems: readonly string[]
  readonly directory: string | null
}

const ledger = 'ledger'
const ledgerPartitions = 6
const opening = 1000
const settleLimitMs = 180_000
const kafkajsMain = fileURLToPath(new URL('./kafkajs-main.js', import.meta.url))
const librdkafkaMain = fileURLToPath(new URL('../../../../test/chaos/bank/librdkafka.py', import.meta.url))
const kafkajs = (role: string) => (options: BankOptions) => [
  process.execPath,
  kafkajsMain,
  role,
  JSON.stringify(options),
]
const librdkafka = (role: string) => (options: BankOptions) => [
  '/usr/bin/python3',
  librdkafkaMain,
  role,
  JSON.stringify(options),
]
/** What each client is; those with orders carry them out from a topic of their own. */
const cast = {
  'teller-js-1': { command: kafkajs('teller'), copies: false },
  'teller-js-2': { command: kafkajs('teller'), copies: false },
  'teller-rd': { command: librdkafka('teller'), copies: false },
  'copier-js': { command: kafkajs('copier'), copies: true },
  'copier-rd': { command: librdkafka('copier'), copies: true },
}

export async function runBank(options: BankRunOptions): Promise<BankReport> {
  const { target, seed, say, overrides } = options
  const random = new SimRandom(seed)
  const directory = mkdtempSync(join(tmpdir(), `ottla-chaos-${process.pid}-`))
  const problems: string[] = []
  const cluster = await ChaosCluster.create({
    ...{ directory, target, random, place: loopback, volumes: false, fakeClock: false },
    overrides: ['transaction.abort.timed.out.transaction.cleanup.interval.ms=1000', ...overrides],
  })
  const run = new BankRun(options, cluster, random, directory)
  try {
    cluster.start()
    await cluster.whole(null)
    say(`three brokers of ${target.name} stand, ${directory}`)
    problems.push(...(await run.run()))
  } catch (error) {
    problems.push((error as Error).message)
  } finally {
    await run.close()
    await cluster.destroy()
  }
  for (const node of cluster.nodes) problems.push(...node.surprises)
  const kept = options.keep || problems.length > 0
  if (!kept) rmSync(directory, { recursive: true, force: true })
  return { problems, directory: kept ? directory : null }
}

class BankRun {
  readonly #options: BankRunOptions
  readonly #cluster: ChaosCluster
  readonly #random: SimRandom
  readonly #directory: string
  readonly #lines: BankLine[] = []
  readonly #carriedOut = new Set<string>()
  readonly #clients: BankClient[] = []
  #brokerKills = 0
  #clientKills = 0

  constructor(options: BankRunOptions, cluster: ChaosCluster, random: SimRandom, directory: string) {
    this.#options = options
    this.#cluster = cluster
    this.#random = random
    this.#directory = directory
  }

  async run(): Promise<readonly string[]> {
    const { accounts, say } = this.#options
    const copiers = Object.entries(cast).flatMap(([name, { copies }]) => (copies ? [name] : []))
    const orderTopics = copiers.map(name => `orders-${name}`)
    await this.#cluster.createTopic(ledger, ledgerPartitions)
    for (const topic of orderTopics) await this.#cluster.createTopic(topic, 1)
    await this.#cluster.whole(ledger)
    const deposit = this.#client('deposit', kafkajs('deposit'), [])
    deposit.start()
    await deposit.ended()
    const reader = this.#client('reader', librdkafka('reader'), [])
    // No faster than its orders can be carried out on a busy machine.
    const clerk = this.#client('clerk', kafkajs('clerk'), orderTopics, 10)
    const workers = Object.entries(cast).map(([name, { command }]) => this.#client(name, command, [`orders-${name}`]))
    for (const client of [reader, clerk, ...workers]) client.start()
    await this.#mayhem(workers)
    await this.#cluster.whole(ledger)
    await clerk.stop()
    await this.#ordersCarriedOut()
    for (const worker of workers) await worker.stop()
    const books = await this.#books(reader)
    const { problems, counts, total } = audit({ lines: this.#lines, ledger: books, accounts, opening })
    this.#report(counts, total)
    for (const client of workers) if (client.lives < 2) say(`${client.name} was never killed`)
    return problems
  }

  async close(): Promise<void> {
    for (const client of this.#clients) await client.kill()
  }

  #client(
    name: string,
    command: (options: BankOptions) => readonly string[],
    orders: readonly string[],
    pauseFactor = 1,
  ): BankClient {
    const { accounts } = this.#options
    const pauseMs = this.#options.pauseMs * pauseFactor
    const servers = this.#cluster.nodes.map(({ host }) => `${host}:${clientPort}`).join(',')
    const client = new BankClient(
      { name, servers, ledger, ledgerPartitions, accounts, orders, pauseMs },
      command,
      join(this.#directory, `${name}.log`),
      line => {
        appendFileSync(join(this.#directory, 'lines.jsonl'), `${JSON.stringify({ client: name, ...line })}\n`)
        this.#hear(line)
      },
    )
    this.#clients.push(client)
    return client
  }

  #hear(line: BankLine): void {
    this.#lines.push(line)
    if (line.what === 'read') for (const [, , leg] of line.records) this.#carriedOut.add(leg.id)
  }

  async #mayhem(workers: readonly BankClient[]): Promise<void> {
    const random = this.#random
    const deadline = performance.now() + this.#options.minutes * 60_000
    const brokers = this.#killBrokers(deadline)
    while (performance.now() < deadline) {
      await sleep(1000 + random.below(4000))
      const victim = random.pick(workers)
      await victim.kill()
      this.#clientKills++
      await sleep(random.below(1000))
      victim.start()
    }
    await brokers
  }

  /** One, now and then all; the next when the cluster is whole again. */
  async #killBrokers(deadline: number): Promise<void> {
    const random = this.#random
    const { nodes } = this.#cluster
    while (performance.now() < deadline) {
      await sleep(2000 + random.below(5000))
      const victims = random.oneIn(8) ? nodes : [random.pick(nodes)]
      await Promise.all(victims.map(node => node.end('SIGKILL')))
      this.#brokerKills += victims.length
      await sleep(random.below(4000))
      for (const node of victims) node.start()
      await this.#cluster.whole(ledger)
    }
  }

  async #ordersCarriedOut(): Promise<void> {
    let deadline = performance.now() + settleLimitMs
    for (let before = Number.POSITIVE_INFINITY; ; ) {
      const missing = this.#lines.flatMap(line =>
        line.what === 'ordered' && !this.#carriedOut.has(line.id) ? [line.id] : [],
      )
      if (missing.length === 0) return
      if (missing.length < before) deadline = performance.now() + settleLimitMs
      before = missing.length
      if (performance.now() > deadline)
        throw new Error(`${missing.length} orders are not carried out: ${missing.slice(0, 5).join(', ')}`)
      await sleep(500)
    }
  }

  /** The ledger in the end, when the reader has come there too. */
  async #books(reader: BankClient) {
    const bootstrap = this.#cluster.nodes.map(({ host }) => ({ host, port: clientPort }))
    const client = new ClusterClient(bootstrap, [ledger])
    try {
      await decided(client, ledger, ledgerPartitions, settleLimitMs)
      const books = await readLedger(client, ledger, ledgerPartitions)
      const deadline = performance.now() + settleLimitMs
      while (books.some(({ leg }) => !this.#carriedOut.has(leg.id)) && performance.now() < deadline) await sleep(200)
      await sleep(1000)
      await reader.stop()
      return books
    } finally {
      client.close()
    }
  }

  #report(counts: Audit['counts'], total: number): void {
    const { say, minutes } = this.#options
    say(
      `${minutes} minutes, ${this.#brokerKills} kills of brokers, ${this.#clientKills} of clients: ${counts.attempts} transfers tried, ` +
        `${counts.committed} committed, ${counts.aborted} aborted, ${counts.unknown} of unknown end; ` +
        `${counts.orders} orders; ${counts.read} records read on the way; total ${total}`,
    )
  }
}
