/**
 * Follows partitions of one leader over one connection: asks for what comes after the end of its own logs, appends what it
 * gets, waits until that is on its disk, and asks again. The offset of a fetch therefore tells the leader what is durable
 * here, nothing more.
 *
 * The batches of one answer go to the disks together. A partition that comes to be followed while a request waits at the
 * leader goes out in a second request, which ends the wait of the first (a leader that does not know of this answers one
 * after the other). A partition that cannot take part for a while (its files are being
 * cut, its leader does not know its role yet) is left out of the requests, and holds up no other.
 */
import { Errors, KafkaError } from '../../protocol/errors.ts'
import { fetch } from '../../protocol/messages/01-fetch.ts'
import { listOffsets } from '../../protocol/messages/02-list-offsets.ts'
import { baseOffset, batchHeaderBytes } from '../../protocol/records/batch.ts'
import type { AnyApi, DecodedResponseOf, RequestInputOf } from '../../protocol/schema.ts'
import type { Cancel, Clock, Endpoint, Logger, Random } from '../host/host.ts'
import { assert } from '../lib/assert.ts'
import { type EpochEnd, truncationOffset } from './divergence.ts'
import { FetchSessionClient, type SessionRequest, type Wanted } from './fetch-session-client.ts'
import type { Partition } from './partition.ts'
import { firstBackoffMs, type ReplicationSettings } from './settings.ts'
import type { Throttles } from './throttles.ts'

/** How a fetcher reaches other brokers; `Peers` is one. */
export interface PeerRequests {
  request<A extends AnyApi>(
    to: Endpoint,
    api: A,
    body: RequestInputOf<A>,
    options: { readonly lane: string; readonly timeoutMs: number; readonly minVersion?: number; maxVersion?: number },
  ): Promise<DecodedResponseOf<A>>
}

export interface FetcherOptions {
  readonly clock: Clock
  readonly random: Pick<Random, 'below'>
  readonly log: Logger
  readonly brokerId: number
  readonly brokerEpoch: () => number
  readonly peers: PeerRequests
  /** Where to reach a broker; null while that is not known. */
  readonly endpointOf: (brokerId: number) => Endpoint | null
  readonly settings: ReplicationSettings
  readonly throttles: Throttles
}

type Answer = DecodedResponseOf<typeof fetch>['responses'][number]['partitions'][number]

interface Followed {
  readonly key: string
  readonly partition: Partition
  readonly leaderEpoch: number
  /** Part of the requests. */
  ready: boolean
  failures: number
  cancelPause: Cancel
}

/** Topic ids came with version 13; 18 only serves the metadata quorum. */
const minVersion = 13
const maxVersion = 17
const noDirectory = 'AAAAAAAAAAAAAAAAAAAAAA'
const latest = -1
const earliest = -2
const noRecords = Buffer.alloc(0)

/** How long the next fetch waits for a disk that is slower than the others, milliseconds. */
const durableWaitMs = 100

export class Fetcher {
  readonly leaderId: number
  readonly #lane: string
  readonly #options: FetcherOptions
  readonly #followed = new Map<string, Followed>()
  readonly #session = new FetchSessionClient()
  #running = false
  #failures = 0
  /** Requests without an answer: one, or two when the second overtakes the first. */
  #outstanding = 0
  #last: Promise<void> = Promise.resolve()
  #wake: (() => void) | null = null
  #closed = false

  constructor(leaderId: number, index: number, options: FetcherOptions) {
    this.leaderId = leaderId
    this.#lane = `fetch-${index}`
    this.#options = options
  }

  get size(): number {
    return this.#followed.size
  }

  /** Follows the leader of this partition in its present epoch, unless it does so already. */
  follow(partition: Partition): void {
    const key = keyOf(partition.topicId, partition.index)
    const before = this.#followed.get(key)
    if (before && before.partition === partition && before.leaderEpoch === partition.leaderEpoch) {
      // It may be damaged, and free to be mended since it is no longer in sync.
      if (before.ready && partition.damagedFrom !== null) this.#whenDurable(before)
      return
    }
    if (before) this.#drop(before)
    const followed: Followed = {
      key,
      partition,
      leaderEpoch: partition.leaderEpoch,
      ready: false,
      failures: 0,
      cancelPause: () => {},
    }
    this.#followed.set(key, followed)
    this.#whenDurable(followed)
    this.#run()
  }

  unfollow(topicId: string, index: number): void {
    const followed = this.#followed.get(keyOf(topicId, index))
    if (followed) this.#drop(followed)
  }

  close(): void {
    this.#closed = true
    for (const followed of [...this.#followed.values()]) this.#drop(followed)
  }

  #drop(followed: Followed): void {
    this.#followed.delete(followed.key)
    followed.ready = false
    followed.cancelPause()
    this.#session.change(followed.key)
    this.#wake?.()
  }

  #isCurrent(followed: Followed): boolean {
    return this.#followed.get(followed.key) === followed && followed.partition.follows(followed.leaderEpoch)
  }

  /** Takes part in requests again, once everything that its log holds is durable. */
  #whenDurable(followed: Followed): void {
    const { log } = followed.partition
    log.durable.reached(log.logEndOffset, failure => {
      if (!this.#isCurrent(followed)) return
      const { damagedFrom } = followed.partition
      if (failure)
        this.#options.log.error({ ...namesOf(followed), err: failure }, 'a replica cannot be written any more')
      else if (damagedFrom !== null) void this.#mend(followed, damagedFrom)
      else this.#include(followed)
    })
  }

  #include(followed: Followed): void {
    followed.ready = true
    this.#session.change(followed.key)
    this.#wake?.()
    if (this.#outstanding === 1 && this.#session.isEstablished) this.#options.clock.soon(() => this.#overtake())
  }

  /** Does not let a partition wait for the end of a request that was sent without it. */
  #overtake(): void {
    if (this.#closed || this.#outstanding !== 1 || !this.#session.isEstablished || !this.#session.hasChanges) return
    this.#last = this.#fetch(this.#session.next(key => this.#wantedOf(key)))
  }

  #exclude(followed: Followed): void {
    followed.ready = false
    this.#session.change(followed.key)
  }

  /** Out of the requests for a while that doubles with each failure. */
  #pause(followed: Followed, delayMs = this.#backoffMs(followed.failures++)): void {
    this.#exclude(followed)
    followed.cancelPause = this.#options.clock.after(delayMs, () => {
      if (this.#isCurrent(followed)) this.#whenDurable(followed)
    })
  }

  #backoffMs(failures: number): number {
    const { settings, random } = this.#options
    const full = Math.min(settings.fetchBackoffMs, firstBackoffMs * 2 ** Math.min(failures, 16))
    return full / 2 + random.below(Math.floor(full / 2) + 1)
  }

  #run(): void {
    if (this.#running) return
    this.#running = true
    // What is followed in this turn goes into one request.
    this.#options.clock.soon(() => void this.#loop())
  }

  async #loop(): Promise<void> {
    while (!this.#closed && this.#followed.size > 0) {
      const request = this.#session.next(key => this.#wantedOf(key))
      if (this.#session.isEmpty && request.forgotten.length === 0) {
        await this.#changed()
        continue
      }
      let last = this.#fetch(request)
      for (this.#last = last; ; last = this.#last) {
        await last
        if (last === this.#last) break
      }
    }
    this.#running = false
    if (!this.#closed && this.#followed.size > 0) this.#run()
  }

  #changed(): Promise<void> {
    return new Promise(resolve => {
      this.#wake = () => {
        this.#wake = null
        resolve()
      }
    })
  }

  #wantedOf(key: string): Wanted | null {
    const followed = this.#followed.get(key)
    if (!followed?.ready) return null
    const { throttles, brokerId } = this.#options
    if (throttles.holdsBack('follower', followed.partition, brokerId)) {
      this.#pause(followed, throttles.pauseMs)
      return null
    }
    const { log, topicId, index } = followed.partition
    return {
      topicId,
      partition: index,
      currentLeaderEpoch: followed.leaderEpoch,
      fetchOffset: log.logEndOffset,
      lastFetchedEpoch: log.latestEpoch?.epoch ?? -1,
      logStartOffset: log.logStartOffset,
    }
  }

  async #fetch(session: SessionRequest): Promise<void> {
    const { peers, endpointOf, settings } = this.#options
    const endpoint = endpointOf(this.leaderId)
    if (!endpoint) return this.#lost('its address is not known')
    const timeoutMs = settings.fetchWaitMaxMs + settings.socketTimeoutMs
    let response: DecodedResponseOf<typeof fetch>
    this.#outstanding++
    try {
      const body = this.#requestOf(session)
      response = await peers.request(endpoint, fetch, body, { lane: this.#lane, timeoutMs, minVersion, maxVersion })
    } catch (error) {
      if (!(error instanceof Error)) throw error
      return this.#lost(error.message)
    } finally {
      this.#outstanding--
    }
    if (this.#closed) return
    this.#session.answered(session, response.errorCode, response.sessionId)
    if (response.errorCode !== Errors.NONE) {
      if (isSessionError(response.errorCode)) return
      return this.#lost(`error ${response.errorCode}`)
    }
    this.#failures = 0
    const written: Followed[] = []
    for (const { topicId, partitions } of response.responses) {
      for (const answer of partitions) this.#take(topicId, answer, written)
    }
    if (written.length > 0) await this.#durable(written)
  }

  #requestOf({ sessionId, sessionEpoch, added, forgotten }: SessionRequest) {
    const { settings, brokerId, brokerEpoch } = this.#options
    const topics = byTopic(added, wanted => ({
      partition: wanted.partition,
      currentLeaderEpoch: wanted.currentLeaderEpoch,
      fetchOffset: wanted.fetchOffset,
      lastFetchedEpoch: wanted.lastFetchedEpoch,
      logStartOffset: wanted.logStartOffset,
      partitionMaxBytes: settings.fetchMaxBytes,
      replicaDirectoryId: noDirectory,
    }))
    return {
      replicaId: brokerId,
      replicaState: { replicaId: brokerId, replicaEpoch: brokerEpoch() },
      maxWaitMs: settings.fetchWaitMaxMs,
      minBytes: settings.fetchMinBytes,
      maxBytes: settings.fetchResponseMaxBytes,
      isolationLevel: 0,
      sessionId,
      sessionEpoch,
      topics,
      forgottenTopicsData: byTopic(forgotten, ({ partition }) => partition),
    }
  }

  /** The leader cannot be reached, or refuses the whole request. */
  #lost(problem: string): Promise<void> {
    const { log, clock } = this.#options
    if (this.#failures === 0) log.warn({ leaderId: this.leaderId, lane: this.#lane, problem }, 'a fetch failed')
    this.#session.lost()
    return new Promise(resolve => clock.after(this.#backoffMs(this.#failures++), resolve))
  }

  #take(topicId: string, answer: Answer, written: Followed[]): void {
    const key = keyOf(topicId, answer.partitionIndex)
    const followed = this.#followed.get(key)
    const told = this.#session.told(key)
    if (!followed?.ready || !told || !this.#isCurrent(followed)) return
    // It was asked in an earlier role, whose answer says nothing about this one.
    if (told.currentLeaderEpoch !== followed.leaderEpoch || told.fetchOffset !== followed.partition.log.logEndOffset)
      return
    if (answer.errorCode !== Errors.NONE) return this.#refused(followed, answer)
    if (answer.divergingEpoch.epoch >= 0) return void this.#diverged(followed, answer.divergingEpoch)
    if (this.#append(followed, answer.records ?? noRecords, answer)) written.push(followed)
  }

  /** True when something was appended. */
  #append(followed: Followed, records: Buffer, { highWatermark, logStartOffset }: Answer): boolean {
    const { partition, leaderEpoch } = followed
    const { log } = partition
    const before = log.logEndOffset
    try {
      partition.appendFromLeader(records, leaderEpoch, highWatermark, logStartOffset)
      followed.failures = 0
      this.#options.throttles.record('follower', partition, records.length)
      this.#session.change(followed.key)
      return log.logEndOffset > before
    } catch (error) {
      if (!(error instanceof KafkaError)) throw error
      const isEmpty = before === log.logStartOffset
      if (error.code === Errors.OFFSET_OUT_OF_RANGE && isEmpty && records.length >= batchHeaderBytes) {
        // The leader's log starts inside a batch: this one has to begin where the batch does.
        void this.#restart(followed, baseOffset(records), { records, highWatermark, logStartOffset })
        return false
      }
      this.#options.log.error({ ...namesOf(followed), offset: before, err: error }, 'replicated records were refused')
      this.#pause(followed)
      return false
    }
  }

  #refused(followed: Followed, { errorCode }: Answer): void {
    switch (errorCode) {
      case Errors.OFFSET_OUT_OF_RANGE:
        return void this.#outOfRange(followed)
      // Metadata brings a newer epoch, and with it another call of `follow`.
      case Errors.FENCED_LEADER_EPOCH:
        return this.#pause(followed)
      // The leader has yet to learn of its role, or of ours.
      case Errors.UNKNOWN_LEADER_EPOCH:
      case Errors.NOT_LEADER_OR_FOLLOWER:
      case Errors.UNKNOWN_TOPIC_OR_PARTITION:
      case Errors.UNKNOWN_TOPIC_ID:
      case Errors.INCONSISTENT_TOPIC_ID:
        return this.#pause(followed)
      default:
        this.#options.log.warn({ ...namesOf(followed), errorCode }, 'a partition could not be fetched')
        return this.#pause(followed)
    }
  }

  async #diverged(followed: Followed, leaders: EpochEnd): Promise<void> {
    const { log } = followed.partition
    const offset = truncationOffset(leaders, log.endOffsetForEpoch(leaders.epoch), log.logEndOffset)
    this.#options.log.info({ ...namesOf(followed), offset, from: log.logEndOffset }, 'a replica is cut')
    await this.#cut(followed, offset)
  }

  /** Recovery found damage, and kept what it could not know to be held by others. */
  async #mend(followed: Followed, offset: number): Promise<void> {
    const { logEndOffset } = followed.partition.log
    this.#options.log.warn({ ...namesOf(followed), offset, logEndOffset }, 'damaged records are fetched again')
    await this.#cut(followed, offset)
  }

  /** The leader's log ends before ours, or starts after it. */
  async #outOfRange(followed: Followed): Promise<void> {
    this.#exclude(followed)
    const { log } = followed.partition
    const end = await this.#leadersOffset(followed, latest)
    if (end === null) return this.#pauseIfCurrent(followed)
    if (end < log.logEndOffset) return this.#cut(followed, end)
    const start = await this.#leadersOffset(followed, earliest)
    if (start === null) return this.#pauseIfCurrent(followed)
    if (start > log.logEndOffset) return this.#cut(followed, start, true)
    this.#pauseIfCurrent(followed)
  }

  #pauseIfCurrent(followed: Followed): void {
    if (this.#isCurrent(followed)) this.#pause(followed)
  }

  async #leadersOffset(followed: Followed, timestamp: number): Promise<number | null> {
    const { peers, endpointOf, settings, brokerId } = this.#options
    const endpoint = endpointOf(this.leaderId)
    if (!endpoint) return null
    const { topic, index } = followed.partition
    const partitions = [{ partitionIndex: index, currentLeaderEpoch: followed.leaderEpoch, timestamp }]
    try {
      const response = await peers.request(
        endpoint,
        listOffsets,
        { replicaId: brokerId, isolationLevel: 0, topics: [{ name: topic, partitions }], timeoutMs: 0 },
        { lane: `${this.#lane}-offsets`, timeoutMs: settings.socketTimeoutMs, minVersion: 4 },
      )
      const answer = response.topics[0]?.partitions[0]
      return answer?.errorCode === Errors.NONE && this.#isCurrent(followed) ? answer.offset : null
    } catch (error) {
      if (!(error instanceof Error)) throw error
      return null
    }
  }

  async #cut(followed: Followed, offset: number, whole = false): Promise<void> {
    const { partition, leaderEpoch } = followed
    assert(offset >= 0, `${partition.topic}-${partition.index} would be cut to ${offset}`)
    this.#exclude(followed)
    const done = await partition.cut(offset, leaderEpoch, whole)
    if (!this.#isCurrent(followed)) return
    if (done) this.#whenDurable(followed)
    else this.#pause(followed)
  }

  async #restart(
    followed: Followed,
    offset: number,
    answer: Pick<Answer, 'highWatermark' | 'logStartOffset'> & { readonly records: Buffer },
  ): Promise<void> {
    this.#exclude(followed)
    const { partition, leaderEpoch } = followed
    const done = await partition.cut(offset, leaderEpoch, true)
    if (!this.#isCurrent(followed)) return
    if (!done) return this.#pause(followed)
    try {
      partition.appendFromLeader(answer.records, leaderEpoch, answer.highWatermark, answer.logStartOffset)
      this.#whenDurable(followed)
    } catch (error) {
      if (!(error instanceof KafkaError)) throw error
      this.#options.log.error({ ...namesOf(followed), offset, err: error }, 'replicated records were refused')
      this.#pause(followed)
    }
  }

  /** Waits for the disk, though not for one that is much slower than the others: its partitions come along later. */
  #durable(written: readonly Followed[]): Promise<void> {
    return new Promise(resolve => {
      const waiting = new Set(written)
      const cancel = this.#options.clock.after(durableWaitMs, () => {
        for (const followed of waiting) {
          if (followed.ready) this.#exclude(followed)
          if (this.#isCurrent(followed)) this.#whenDurable(followed)
        }
        waiting.clear()
        resolve()
      })
      for (const followed of written) {
        const { log } = followed.partition
        log.durable.reached(log.logEndOffset, failure => {
          if (!waiting.delete(followed)) return
          if (failure) this.#exclude(followed)
          if (waiting.size > 0) return
          cancel()
          resolve()
        })
      }
    })
  }
}

function keyOf(topicId: string, index: number): string {
  return `${topicId}:${index}`
}

function namesOf({ partition }: Followed) {
  return { topic: partition.topic, partition: partition.index }
}

/** Session epochs that do not fit are mended by a full request, which needs no pause. */
function isSessionError(errorCode: number): boolean {
  return (
    errorCode === Errors.FETCH_SESSION_ID_NOT_FOUND ||
    errorCode === Errors.INVALID_FETCH_SESSION_EPOCH ||
    errorCode === Errors.FETCH_SESSION_TOPIC_ID_ERROR
  )
}

function byTopic<T extends { readonly topicId: string }, P>(entries: readonly T[], of: (entry: T) => P) {
  const topics = new Map<string, P[]>()
  for (const entry of entries) {
    const partitions = topics.get(entry.topicId)
    if (partitions) partitions.push(of(entry))
    else topics.set(entry.topicId, [of(entry)])
  }
  return [...topics].map(([topicId, partitions]) => ({ topicId, partitions }))
}
