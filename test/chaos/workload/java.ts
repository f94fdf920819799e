/** Apache Kafka's own verifiable producer and consumer, from the jars that compat/kafka/fetch.sh brings. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { Pending } from '../../history/history.ts'
import { monotonicMs } from './clock.ts'
import type { KafkajsWorld } from './kafkajs.ts'
import { nameIn } from './values.ts'

const compat = fileURLToPath(new URL('../../../../compat/kafka/', import.meta.url))

interface Line {
  readonly name: string
  readonly value: string
  readonly partition: number
  readonly offset: number
  readonly exception?: string
  readonly message?: string
  readonly success?: boolean
  readonly partitions: readonly { readonly partition: number; readonly maxOffset: number }[]
}

/** Its values are `number.sequence`. */
const valuePrefix = 7
const member = 'java-member'

export class JavaClients {
  readonly #world: KafkajsWorld
  readonly #group: string
  readonly #producer: ChildProcess
  readonly #consumer: ChildProcess
  readonly #begun = monotonicMs()
  readonly #reported = new Set<string>()
  #records: Record<string, (readonly [number, string])[]> = {}
  #commit: Pending<'commitOffsets'> | null = null

  constructor(world: KafkajsWorld, group: string) {
    this.#world = world
    this.#group = group
    const servers = world.bootstrap.map(({ host, port }) => `${host}:${port}`).join(',')
    const common = ['--bootstrap-server', servers, '--topic', world.topic]
    const perSecond = Math.ceil(1000 / world.pauseMs)
    const writing = ['--max-messages', '-1', '--throughput', perSecond, '--acks', '-1', '--value-prefix', valuePrefix]
    const reading = ['--group-id', group, '--verbose', '--reset-policy', 'earliest', '--session-timeout', '6000']
    this.#producer = this.#tool('VerifiableProducer', [...common, ...writing.map(String)], line => this.#wrote(line))
    this.#consumer = this.#tool('VerifiableConsumer', [...common, ...reading], line => this.#read(line))
  }

  async stop(): Promise<void> {
    const ends = [once(this.#producer, 'close'), once(this.#consumer, 'close')]
    this.#producer.kill('SIGTERM')
    this.#consumer.kill('SIGTERM')
    await Promise.all(ends)
  }

  #tool(name: string, args: readonly string[], hear: (line: Line) => void): ChildProcess {
    const libs = spawnSync(`${compat}fetch.sh`, { encoding: 'utf8' }).stdout.trim()
    const jvm = ['-Xmx96m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-Xshare:auto', '-cp', `${libs}/*`]
    const log = `-Dlog4j2.configurationFile=${compat}log4j2.properties`
    const child = spawn('java', [...jvm, log, `org.apache.kafka.tools.${name}`, ...args], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    createInterface({ input: child.stdout! }).on('line', text => hear(JSON.parse(text) as Line))
    return child
  }

  #partition(index: number): string {
    return `${this.#world.topic}-${index}`
  }

  /** When it began to write a value is not known, only that it was after its own start. */
  #wrote(line: Line): void {
    const { name, value, partition, offset } = line
    if (name !== 'producer_send_success' && name !== 'producer_send_error') return
    // It has its retries off, so that is nothing special. The partition is not told: it counts as not reported.
    if (name === 'producer_send_error') return
    this.#reported.add(value)
    this.#write(value, partition, 'java').ok({ offset })
  }

  #write(value: string, partition: number, name: string): Pending<'produce'> {
    const producer = { name, idempotent: false, repeats: false, acks: -1 } as const
    return this.#world.history.invoke(
      'java',
      'produce',
      { partition: this.#partition(partition), values: [value], producer },
      this.#begun,
    )
  }

  /** After the last poll. Values that it never reported may be anywhere; those that somebody has read are where they were read. */
  admitTheRest(): void {
    const found = new Map<string, number>()
    for (const { kind, result } of this.#world.history.operations) {
      if (kind !== 'poll' || !result || !('records' in result)) continue
      for (const [partition, records] of Object.entries(result.records)) {
        for (const [, value] of records) {
          if (!value.startsWith(`${valuePrefix}.`) || this.#reported.has(value)) continue
          found.set(value, Number(partition.slice(partition.lastIndexOf('-') + 1)))
        }
      }
    }
    for (const [value, partition] of found) this.#write(value, partition, `java ${value}`).info('never reported')
  }

  #read(line: Line): void {
    const { history } = this.#world
    const { name } = line
    if (name === 'partitions_assigned' || name === 'partitions_revoked') {
      const given =
        name === 'partitions_assigned' ? line.partitions.map(({ partition }) => this.#partition(partition)) : []
      history.note(
        member,
        'assignment',
        { consumer: member, group: this.#group, member, generation: null, partitions: given },
        {},
      )
    } else if (name === 'record_data') {
      const partition = this.#partition(line.partition)
      this.#records[partition] ??= []
      this.#records[partition].push([line.offset, nameIn(Buffer.from(line.value))])
    } else if (name === 'records_consumed') {
      history.note(member, 'poll', { consumer: member }, { records: this.#records })
      this.#records = {}
      const offsets = Object.fromEntries(
        line.partitions.map(({ partition, maxOffset }) => [this.#partition(partition), maxOffset + 1]),
      )
      this.#commit = history.invoke(member, 'commitOffsets', { group: this.#group, offsets })
    } else if (name === 'offsets_committed') {
      if (line.success) this.#commit?.ok({})
      else this.#commit?.info('refused')
    }
  }
}
