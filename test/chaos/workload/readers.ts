/** The test client's own consumers without a group, what else it asks of brokers, and the reading of everything in the end. */
import { Errors, fetch, listOffsets, zeroUuid } from '../../../protocol/index.ts'

import { isControl, iterateBatches, nextOffset, readRecords } from '../../../protocol/records/index.ts'
import type { History } from '../../history/history.ts'
import { sleep } from './clock.ts'
import { type ClusterClient, partitionsSeenBy, Refused } from './cluster-client.ts'
import { type Endpoint, Outage } from './connection.ts'
import { nameIn } from './values.ts'

export interface ReaderWorld {
  readonly client: ClusterClient
  readonly history: History
  readonly stopping: () => boolean
  /** Something that no cluster may answer. */
  readonly wrong: (message: string) => void
}

const fetchVersion = 12
const listOffsetsVersion = 6
const requestTimeoutMs = 2000
const fetchWaitMs = 200
const fetchBytes = 1 << 20

interface Fetched {
  readonly records: [number, string][]
  /** Where to read on. */
  readonly next: number
  readonly highWatermark: number
}

async function fetchFrom(client: ClusterClient, partition: string, offset: number): Promise<Fetched> {
  const { topic, index } = split(partition)
  const answer = await client.toLeader(
    partition,
    fetch,
    fetchVersion,
    currentLeaderEpoch => ({
      replicaId: -1,
      maxWaitMs: fetchWaitMs,
      minBytes: 1,
      maxBytes: fetchBytes,
      isolationLevel: 0,
      topics: [
        {
          topic,
          topicId: zeroUuid,
          partitions: [{ partition: index, currentLeaderEpoch, fetchOffset: offset, partitionMaxBytes: fetchBytes }],
        },
      ],
      forgottenTopicsData: [],
    }),
    requestTimeoutMs,
  )
  if (answer.errorCode !== Errors.NONE) throw new Refused(answer.errorCode)
  const told = answer.responses[0].partitions[0]
  if (told.errorCode !== Errors.NONE) throw new Refused(told.errorCode)
  const bytes = told.records ?? Buffer.alloc(0)
  const records: [number, string][] = []
  let next = offset
  for (const at of iterateBatches(bytes)) {
    if (nextOffset(bytes, at) <= offset) continue
    next = nextOffset(bytes, at)
    if (isControl(bytes, at)) continue
    for (const record of readRecords(bytes, at)) {
      if (record.offset >= offset) records.push([record.offset, nameIn(record.value)])
    }
  }
  return { records, next, highWatermark: told.highWatermark }
}

/** Reads all partitions from the beginning, forever, each on its own. */
export async function follow(world: ReaderWorld, consumer: string, partitions: readonly string[]): Promise<void> {
  world.history.note(consumer, 'assign', { consumer, partitions }, {})
  await Promise.all(partitions.map(partition => followOne(world, consumer, partition)))
}

async function followOne(
  { client, history, stopping, wrong }: ReaderWorld,
  name: string,
  partition: string,
): Promise<void> {
  // One consumer of one partition: polls of different partitions overlap in time.
  const consumer = `${name}/${partition}`
  for (let position = 0; !stopping(); ) {
    const operation = history.invoke(consumer, 'poll', { consumer })
    try {
      const { records, next } = await fetchFrom(client, partition, position)
      operation.ok({ records: { [partition]: records } })
      position = next
    } catch (error) {
      // The position stays where it is, so nothing was given to anybody: that is a poll without records.
      operation.ok({ records: {} })
      if (error instanceof Refused && error.code === Errors.OFFSET_OUT_OF_RANGE) {
        wrong(`${consumer} at ${position}: OFFSET_OUT_OF_RANGE`)
      } else if (!(error instanceof Outage || error instanceof Refused)) throw error
      await sleep(100)
      await client.refresh().catch(() => {})
    }
  }
}

async function endOf(client: ClusterClient, partition: string, timestamp: number): Promise<number> {
  const { topic, index } = split(partition)
  const answer = await client.toLeader(
    partition,
    listOffsets,
    listOffsetsVersion,
    currentLeaderEpoch => ({
      replicaId: -1,
      isolationLevel: 0,
      topics: [{ name: topic, partitions: [{ partitionIndex: index, currentLeaderEpoch, timestamp }] }],
      timeoutMs: requestTimeoutMs,
    }),
    requestTimeoutMs,
  )
  const { errorCode, offset } = answer.topics[0].partitions[0]
  if (errorCode !== Errors.NONE) throw new Refused(errorCode)
  return offset
}

const latest = -1
const earliest = -2
const watchPauseMs = 300

/** Asks for the ends of the partitions, over and over. */
export async function watchOffsets(
  { client, history, stopping }: ReaderWorld,
  process: string,
  partitions: readonly string[],
): Promise<void> {
  while (!stopping()) {
    for (const partition of partitions) {
      const at = Math.random() < 0.2 ? 'earliest' : 'latest'
      const operation = history.invoke(process, 'listOffsets', { at, partitions: [partition] })
      try {
        operation.ok({ offsets: { [partition]: await endOf(client, partition, at === 'latest' ? latest : earliest) } })
      } catch (error) {
        if (!(error instanceof Outage || error instanceof Refused)) throw error
        operation.fail(error.message)
        await client.refresh().catch(() => {})
      }
    }
    await sleep(watchPauseMs)
  }
}

/** Asks one broker who leads, over and over. A broker that was away begins anew: it may have to catch up first. */
export async function watchBroker(
  world: ReaderWorld,
  broker: number,
  endpoint: Endpoint,
  topic: string,
): Promise<void> {
  for (let life = 0; !world.stopping(); ) {
    const operation = world.history.invoke(`watch-${broker}/${life}`, 'metadata', { broker })
    try {
      const connection = await world.client.connection(endpoint)
      const { partitions } = await partitionsSeenBy(connection, [topic], requestTimeoutMs)
      const leaders = [...partitions].map(([name, { leader, epoch }]) => [name, { leader, epoch }] as const)
      operation.ok({ leaders: Object.fromEntries(leaders) })
    } catch (error) {
      if (!(error instanceof Outage)) throw error
      operation.fail(error.message)
      life++
    }
    await sleep(watchPauseMs)
  }
}

/** Every partition from its first record to its end, in a cluster at rest. Throws when that cannot be done in time. */
export async function readEverything(
  { client, history }: ReaderWorld,
  partitions: readonly string[],
  timeoutMs: number,
): Promise<void> {
  const deadline = performance.now() + timeoutMs
  const insist = async <T>(what: string, run: () => Promise<T>): Promise<T> => {
    for (;;) {
      try {
        return await run()
      } catch (error) {
        if (!(error instanceof Outage || error instanceof Refused)) throw error
        if (performance.now() > deadline) throw new Error(`${what}: ${error.message}`)
        await sleep(100)
        await client.refresh().catch(() => {})
      }
    }
  }
  for (const partition of partitions) {
    const consumer = `final/${partition}`
    const end = await insist(`the end of ${partition}`, () => endOf(client, partition, latest))
    let position = await insist(`the beginning of ${partition}`, () => endOf(client, partition, earliest))
    do {
      const operation = history.invoke(consumer, 'poll', { consumer, final: [partition] })
      const { records, next } = await insist(`${partition} at ${position}`, () =>
        fetchFrom(client, partition, position),
      )
      operation.ok({ records: { [partition]: records } })
      if (performance.now() > deadline) throw new Error(`${partition}: read to ${position} of ${end} only`)
      position = next
    } while (position < end)
  }
}

export function split(partition: string): { topic: string; index: number } {
  const at = partition.lastIndexOf('-')
  return { topic: partition.slice(0, at), index: Number(partition.slice(at + 1)) }
}
