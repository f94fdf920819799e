/** `ottla record consume --group`: as a member of a group. What was printed is committed, not what was fetched. */
import { ClientError } from '../../client/client-error.ts'
import { GroupMember } from '../../client/group-member.ts'
import { commitOffsets, committedOffsets } from '../../client/group-offsets.ts'
import { PartitionReader, type ReadRange } from '../../client/partition-reader.ts'
import { partitionName, type TopicPartition } from '../../client/topic-partition.ts'
import { extentsOf, offsetsOf, parsePlace } from '../shell/place.ts'
import type { Session } from '../shell/session.ts'
import { UsageError } from '../shell/usage-error.ts'
import { namedTopics } from '../topic/named-topics.ts'
import type { ConsumeOptions } from './consume-options.ts'
import type { RecordSink } from './record-sink.ts'

const commitEveryMs = 2000

type GroupOptions = ConsumeOptions & { readonly group: string }

export async function consumeAsMember(
  session: Session,
  options: GroupOptions,
  topics: string[],
  sink: RecordSink,
): Promise<void> {
  if (topics.some(topic => topic.includes(':')))
    throw new UsageError('--group has its partitions assigned: name topics only')
  if (options.to !== undefined) throw new UsageError('--to is not for members of a group')
  await namedTopics(session, topics)
  const consumer = new MemberConsumer(session, options, topics, sink)
  try {
    await consumer.run()
  } finally {
    await consumer.leave()
  }
  await sink.end()
}

class MemberConsumer {
  readonly #session: Session
  readonly #options: GroupOptions
  readonly #sink: RecordSink
  readonly #member: GroupMember
  /** Offsets to be committed. */
  readonly #printed = new Map<string, TopicPartition & { offset: number }>()
  #committedMs = 0

  constructor(session: Session, options: GroupOptions, topics: readonly string[], sink: RecordSink) {
    this.#session = session
    this.#options = options
    this.#sink = sink
    this.#member = new GroupMember(session.client, options.group, topics)
  }

  async run(): Promise<void> {
    const { interrupted } = this.#session.terminal
    while (!interrupted.aborted && !this.#sink.hasEnough) {
      const rebalance = new AbortController()
      const assigned = await this.#member.join(() => rebalance.abort())
      const signal = AbortSignal.any([rebalance.signal, interrupted])
      if (assigned.length === 0 && this.#options.follow) await aborted(signal)
      else await this.#read(await this.#ranges(assigned), signal)
      await this.#commit()
      if (!rebalance.signal.aborted) return
    }
  }

  leave(): Promise<void> {
    return this.#member.leave().catch(error => {
      // The session ends by itself then.
      if (!(error instanceof ClientError)) throw error
    })
  }

  async #ranges(assigned: readonly TopicPartition[]): Promise<ReadRange[]> {
    const { client, host } = this.#session
    const { group, from = 'earliest', follow, isolation } = this.#options
    const committed = new Map((await committedOffsets(client, group)).map(each => [partitionName(each), each.offset]))
    const extents = await extentsOf(client, assigned, isolation)
    const begins = await offsetsOf(client, extents, parsePlace(from, 'from', host.clock.now()))
    return extents.map((extent, i) => {
      const { topic, partition, begin, end } = extent
      const at = committed.get(partitionName(extent)) ?? begins[i]
      return { topic, partition, from: Math.min(Math.max(at, begin), end), until: follow ? null : end }
    })
  }

  async #read(ranges: readonly ReadRange[], signal: AbortSignal): Promise<void> {
    const { client, host } = this.#session
    const reader = new PartitionReader(client, ranges, { isolation: this.#options.isolation, signal })
    for await (const piece of reader.read()) {
      const { topic, partition } = piece
      const offset = await this.#sink.takeAll(piece)
      this.#printed.set(partitionName(piece), { topic, partition, offset })
      if (this.#sink.hasEnough || signal.aborted) return
      if (host.clock.monotonic() - this.#committedMs > commitEveryMs) await this.#commit()
    }
  }

  async #commit(): Promise<void> {
    this.#committedMs = this.#session.host.clock.monotonic()
    if (this.#printed.size === 0) return
    const offsets = [...this.#printed.values()]
    this.#printed.clear()
    const outcomes = await commitOffsets(this.#session.client, this.#options.group, offsets, this.#member.committer)
    const failed = outcomes.find(({ error }) => error)
    // Somebody else has the partition by now, and will read these once more.
    if (failed?.error) await this.#session.note(`not committed: ${failed.error.message}`)
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    if (signal.aborted) resolve()
    signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
