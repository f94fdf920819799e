/** A client of a cluster as small as can be: it knows brokers and leaders, asks them, and hides no error. */
import {
  type AnyApi,
  type DecodedResponseOf,
  Errors,
  errorName,
  metadata,
  type RequestInputOf,
  zeroUuid,
} from '../../../protocol/index.ts'
import { Connection, type Endpoint, Outage } from './connection.ts'

export interface PartitionView {
  readonly leader: number
  readonly epoch: number
  readonly replicas: readonly number[]
  readonly isr: readonly number[]
}

export const metadataVersion = 9
const connectTimeoutMs = 1000

/** The partitions of some topics as one broker tells of them, by name (`topic-0`). */
export async function partitionsSeenBy(
  connection: Connection,
  topics: readonly string[] | null,
  timeoutMs: number,
): Promise<{ partitions: Map<string, PartitionView>; brokers: Map<number, Endpoint> }> {
  const asked = topics?.map(name => ({ name, topicId: zeroUuid })) ?? null
  const answer = await connection.request(
    metadata,
    metadataVersion,
    {
      topics: asked,
      allowAutoTopicCreation: false,
      includeClusterAuthorizedOperations: false,
      includeTopicAuthorizedOperations: false,
    },
    timeoutMs,
  )
  const partitions = new Map<string, PartitionView>()
  for (const topic of answer.topics) {
    if (topic.errorCode !== Errors.NONE) continue
    for (const { partitionIndex, leaderId, leaderEpoch, replicaNodes, isrNodes } of topic.partitions) {
      const view = { leader: leaderId, epoch: leaderEpoch, replicas: [...replicaNodes], isr: [...isrNodes] }
      partitions.set(`${topic.name}-${partitionIndex}`, view)
    }
  }
  const brokers = new Map(answer.brokers.map(({ nodeId, host, port }) => [nodeId, { host, port }]))
  return { partitions, brokers }
}

export class ClusterClient {
  readonly #bootstrap: readonly Endpoint[]
  readonly #topics: readonly string[]
  #brokers = new Map<number, Endpoint>()
  #partitions = new Map<string, PartitionView>()
  readonly #connections = new Map<string, Promise<Connection>>()
  #refreshing: Promise<void> | null = null
  #next = 0

  constructor(bootstrap: readonly Endpoint[], topics: readonly string[]) {
    this.#bootstrap = bootstrap
    this.#topics = topics
  }

  /** As far as this client knows. */
  leaderOf(partition: string): PartitionView | null {
    const view = this.#partitions.get(partition)
    return view && view.leader >= 0 && this.#brokers.has(view.leader) ? view : null
  }

  get brokers(): ReadonlyMap<number, Endpoint> {
    return this.#brokers
  }

  /** Asks one broker after the other until one answers. What is known of a newer leader epoch stays. */
  refresh(): Promise<void> {
    this.#refreshing ??= this.#refresh().finally(() => {
      this.#refreshing = null
    })
    return this.#refreshing
  }

  async #refresh(): Promise<void> {
    for (const _ of this.#bootstrap) {
      const endpoint = this.#bootstrap[this.#next++ % this.#bootstrap.length]
      try {
        const { partitions, brokers } = await partitionsSeenBy(await this.#connection(endpoint), this.#topics, 1000)
        if (brokers.size > 0) this.#brokers = brokers
        for (const [name, view] of partitions) {
          if (view.epoch >= (this.#partitions.get(name)?.epoch ?? -1)) this.#partitions.set(name, view)
        }
        return
      } catch (error) {
        if (!(error instanceof Outage)) throw error
      }
    }
    throw new Outage('no broker answers', false)
  }

  /** To the leader of a partition. Throws an Outage that says `sent: false` when no leader is known. */
  async toLeader<A extends AnyApi>(
    partition: string,
    api: A,
    version: number,
    body: (epoch: number) => RequestInputOf<A>,
    timeoutMs: number,
  ): Promise<DecodedResponseOf<A>> {
    let view = this.leaderOf(partition)
    if (!view) {
      await this.refresh()
      view = this.leaderOf(partition)
    }
    if (!view) throw new Outage(`${partition} has no leader`, false)
    const connection = await this.#connection(this.#brokers.get(view.leader)!)
    return connection.request(api, version, body(view.epoch), timeoutMs)
  }

  /** To whichever broker answers, one after the other; only for what may be asked twice. */
  async toAnyone<A extends AnyApi>(
    api: A,
    version: number,
    body: RequestInputOf<A>,
    timeoutMs: number,
  ): Promise<DecodedResponseOf<A>> {
    for (let attempt = 1; ; attempt++) {
      const endpoint = this.#bootstrap[this.#next++ % this.#bootstrap.length]
      try {
        return await this.to(endpoint, api, version, body, timeoutMs)
      } catch (error) {
        if (!(error instanceof Outage) || attempt >= this.#bootstrap.length) throw error
      }
    }
  }

  async to<A extends AnyApi>(
    endpoint: Endpoint,
    api: A,
    version: number,
    body: RequestInputOf<A>,
    timeoutMs: number,
  ): Promise<DecodedResponseOf<A>> {
    return (await this.#connection(endpoint)).request(api, version, body, timeoutMs)
  }

  connection(endpoint: Endpoint): Promise<Connection> {
    return this.#connection(endpoint)
  }

  close(): void {
    for (const opening of this.#connections.values()) opening.then(connection => connection.close()).catch(() => {})
  }

  async #connection(endpoint: Endpoint): Promise<Connection> {
    const key = `${endpoint.host}:${endpoint.port}`
    const before = this.#connections.get(key)
    if (before) {
      const connection = await before.catch(() => null)
      if (connection && !connection.ended) return connection
      if (this.#connections.get(key) !== before) return this.#connection(endpoint)
    }
    const opening = Connection.open(endpoint, connectTimeoutMs)
    this.#connections.set(key, opening)
    return opening
  }
}

/** An answer that says no, and what that says of the request. */
export class Refused extends Error {
  readonly code: number

  constructor(code: number) {
    super(errorName(code))
    this.code = code
  }
}

const certainlyNot: ReadonlySet<number> = new Set([
  Errors.UNKNOWN_TOPIC_OR_PARTITION,
  Errors.INVALID_TOPIC_EXCEPTION,
  Errors.NOT_ENOUGH_REPLICAS,
  Errors.OUT_OF_ORDER_SEQUENCE_NUMBER,
  Errors.INVALID_PRODUCER_EPOCH,
  Errors.UNKNOWN_PRODUCER_ID,
  Errors.MESSAGE_TOO_LARGE,
  Errors.CORRUPT_MESSAGE,
  Errors.FENCED_LEADER_EPOCH,
])

/**
 * Whether a write that ended like this has certainly not happened. A leader that lost its place answers
 * NOT_LEADER_OR_FOLLOWER also to what it has appended already, so that says nothing.
 */
export function certainlyNotWritten(error: unknown): boolean {
  if (error instanceof Outage) return !error.sent
  return error instanceof Refused && certainlyNot.has(error.code)
}
