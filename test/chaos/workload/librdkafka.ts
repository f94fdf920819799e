/** Runs librdkafka.py and writes down what it says. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import type { Pending } from '../../history/history.ts'
import type { ProducerIdentity } from '../../history/operations.ts'
import type { KafkajsWorld } from './kafkajs.ts'
import { nameIn } from './values.ts'

interface Line {
  readonly what:
    | 'ok'
    | 'info'
    | 'fail'
    | 'produce'
    | 'assigned'
    | 'poll'
    | 'commit'
    | 'commit-ok'
    | 'commit-info'
    | 'error'
    | 'end'
  readonly value: string
  readonly error: string
  readonly offset: number
  readonly partition: number
  readonly time: number
  readonly member: string
  readonly partitions: readonly number[]
  readonly records: Readonly<Record<string, readonly (readonly [number, string])[]>>
  readonly offsets: Readonly<Record<string, number>>
}

const producer: ProducerIdentity = { name: 'rd', idempotent: true, repeats: false, acks: -1 }
const membersCount = 2

export class Librdkafka {
  readonly #world: KafkajsWorld
  readonly #group: string
  readonly #child: ChildProcess
  readonly #writes = new Map<string, Pending<'produce'>>()
  readonly #commits = new Map<string, Pending<'commitOffsets'>>()
  #ended = false

  constructor(world: KafkajsWorld, group: string) {
    this.#world = world
    this.#group = group
    const { bootstrap, topic, partitions, pauseMs } = world
    const servers = bootstrap.map(({ host, port }) => `${host}:${port}`).join(',')
    const script = new URL('../../../../test/chaos/workload/librdkafka.py', import.meta.url).pathname
    const args = [script, servers, topic, partitions.length, group, membersCount, pauseMs].map(String)
    this.#child = spawn('/usr/bin/python3', args, { stdio: ['pipe', 'pipe', 'inherit'] })
    createInterface({ input: this.#child.stdout! }).on('line', text => this.#line(JSON.parse(text) as Line))
  }

  /** Resolves when it has ended by itself. */
  async stop(): Promise<void> {
    const exit = once(this.#child, 'close')
    this.#child.stdin!.end('stop\n')
    await exit
    if (!this.#ended) this.#world.failed('librdkafka', new Error('it died'))
  }

  kill(): void {
    this.#child.kill('SIGKILL')
  }

  #partition(index: number | string): string {
    return `${this.#world.topic}-${index}`
  }

  #line(line: Line): void {
    const { history } = this.#world
    const { member } = line
    if (line.what === 'produce') {
      const call = { partition: this.#partition(line.partition), values: [line.value], producer }
      this.#writes.set(line.value, history.invoke('rd', 'produce', call, line.time))
    } else if (line.what === 'ok' || line.what === 'info' || line.what === 'fail') this.#written(line)
    else if (line.what === 'assigned') {
      const partitions = line.partitions.map(index => this.#partition(index))
      history.note(
        member,
        'assignment',
        { consumer: member, group: this.#group, member, generation: null, partitions },
        {},
      )
    } else if (line.what === 'poll') {
      const records = Object.entries(line.records).map(([index, list]) => {
        return [
          this.#partition(index),
          list.map(([offset, value]) => [offset, nameIn(Buffer.from(value))] as const),
        ] as const
      })
      // Debian's librdkafka knows no leader epochs: a leader that has slept through its own replacement sends it back to the
      // beginning. Kafka does the same to it.
      if (records.some(([, list]) => list[0][0] === 0)) {
        history.note(member, 'assign', { consumer: member, partitions: [], sought: true }, {})
      }
      history.note(member, 'poll', { consumer: member }, { records: Object.fromEntries(records) })
    } else if (line.what === 'commit') {
      const offsets = Object.entries(line.offsets).map(([index, offset]) => [this.#partition(index), offset])
      const call = { group: this.#group, offsets: Object.fromEntries(offsets) as Record<string, number> }
      this.#commits.set(member, history.invoke(member, 'commitOffsets', call))
    } else if (line.what === 'commit-ok') this.#commits.get(member)!.ok({})
    else if (line.what === 'commit-info') this.#commits.get(member)!.info(line.error)
    else if (line.what === 'end') this.#ended = true
  }

  #written({ what, value, offset, error }: Line): void {
    const write = this.#writes.get(value)!
    this.#writes.delete(value)
    if (what === 'ok') write.ok({ offset: offset < 0 ? null : offset })
    else {
      this.#world.failed('librdkafka', new Error(error))
      if (what === 'fail') write.fail(error)
      else write.info(error)
    }
  }
}
