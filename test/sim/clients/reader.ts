/** Fetching, as consumers do it; and a consumer that reads everything from the beginning. */
import { Errors, fetch } from '../../../protocol/index.ts'
import {
  isControl,
  isTransactional,
  iterateBatches,
  nextOffset,
  partitionLeaderEpoch,
  producerId,
} from '../../../protocol/records/batch.ts'
import { ControlType, controlType } from '../../../protocol/records/control.ts'
import { readRecords } from '../../../protocol/records/record.ts'
import { PeerError } from '../../../src/network/peers.ts'
import type { Isolation } from '../../history/operations.ts'
import { Client, indexOf, type Leader, type Scene, topicOf, zeroId } from './client.ts'

export interface Position {
  offset: number
  /** Of the last record that was read. */
  epoch: number
  /** Validated with the leader of this epoch. */
  validated: number
}

const fetchWaitMs = 300
const fetchBytesMax = 256 * 1024
const partitionBytesMax = 32 * 1024
/** Who reads everything in the end takes so many times as much at once. */
const finalBytes = 16

export type Polled = Record<string, [number, string][]>

/** Reads from wherever `positions` stand. */
export class Fetcher {
  readonly #client: Client
  readonly #appetite: number
  readonly isolation: Isolation
  readonly positions = new Map<string, Position>()
  /** The high watermark as it was last told. */
  readonly ends = new Map<string, number>()

  /** `appetite`: how many times as much as usual it takes at once. */
  constructor(client: Client, isolation: Isolation = 'read_uncommitted', appetite = 1) {
    this.#client = client
    this.isolation = isolation
    this.#appetite = appetite
  }

  place(partition: string, offset: number): void {
    this.positions.set(partition, { offset, epoch: -1, validated: -1 })
  }

  /** One request to one of the leaders; what was found moves the positions. Null when nobody could be asked. */
  async poll(): Promise<Polled | null> {
    const client = this.#client
    const byLeader = new Map<number, string[]>()
    for (const partition of this.positions.keys()) {
      const leader = client.leaderOf(partition)
      if (!leader) continue
      const same = byLeader.get(leader.id)
      if (same) same.push(partition)
      else byLeader.set(leader.id, [partition])
    }
    if (byLeader.size === 0) {
      await client.refresh()
      await client.sleep(50)
      return null
    }
    const [id, partitions] = client.host.random.pick([...byLeader])
    for (const partition of partitions) await this.#validate(partition)
    return this.#fetch(id, partitions)
  }

  /** KIP-320: with another leader, the end of the epoch that was read last must not lie before the position. */
  async #validate(partition: string): Promise<void> {
    const client = this.#client
    const position = this.positions.get(partition)
    const leader = client.leaderOf(partition)
    if (!position || !leader || position.epoch < 0 || position.validated >= leader.epoch) return
    const end = await client.endOfEpoch(partition, position.epoch)
    if (!end || this.positions.get(partition) !== position) return
    if (end.endOffset >= 0 && (end.epoch < position.epoch || end.endOffset < position.offset)) {
      client.scene.world.violate(
        `${client.name} read ${partition} up to ${position.offset} in epoch ${position.epoch}, and the leader of epoch ${leader.epoch} says that epoch ${end.epoch} ends at ${end.endOffset}`,
      )
    }
    position.validated = leader.epoch
  }

  async #fetch(id: number, partitions: readonly string[]): Promise<Polled | null> {
    const client = this.#client
    const endpoint = client.endpoint(id)!
    const asked = new Map<string, { position: Position; leader: Leader }>()
    const topics = new Map<string, string[]>()
    for (const partition of partitions) {
      const position = this.positions.get(partition)
      const leader = client.leaderOf(partition)
      if (!position || leader?.id !== id) continue
      asked.set(partition, { position: { ...position }, leader })
      const topic = topicOf(partition)
      topics.set(topic, [...(topics.get(topic) ?? []), partition])
    }
    if (asked.size === 0) return null
    try {
      const answer = await client.ask(
        endpoint,
        fetch,
        {
          replicaId: -1,
          maxWaitMs: fetchWaitMs,
          minBytes: 1,
          maxBytes: fetchBytesMax * this.#appetite,
          isolationLevel: this.isolation === 'read_committed' ? 1 : 0,
          forgottenTopicsData: [],
          topics: [...topics].map(([topic, list]) => ({
            topic,
            topicId: client.topicIds.get(topic) ?? zeroId,
            partitions: list.map(partition => ({
              partition: indexOf(partition),
              currentLeaderEpoch: asked.get(partition)!.leader.epoch,
              fetchOffset: asked.get(partition)!.position.offset,
              partitionMaxBytes: partitionBytesMax * this.#appetite,
              replicaDirectoryId: zeroId,
            })),
          })),
        },
        { lane: 'fetch', timeoutMs: client.scene.work.requestTimeoutMs + fetchWaitMs },
      )
      const polled: Polled = {}
      let stale = answer.errorCode !== 0
      for (const { topic, topicId, partitions: list } of answer.responses) {
        const name = topic || (client.topicNames.get(topicId) ?? '')
        for (const found of list) {
          const partition = `${name}-${found.partitionIndex}`
          const position = this.positions.get(partition)
          if (!position || position.offset !== asked.get(partition)?.position.offset) continue
          if (found.errorCode === Errors.OFFSET_OUT_OF_RANGE) this.#outOfRange(partition, position, id)
          if (found.errorCode !== 0) {
            stale = true
            continue
          }
          this.ends.set(partition, Math.max(found.highWatermark, this.ends.get(partition) ?? 0))
          if (found.records) polled[partition] = this.#take(found.records, position, found.abortedTransactions ?? [])
        }
      }
      if (stale) await client.refresh()
      return polled
    } catch (error) {
      if (!(error instanceof PeerError)) throw error
      await client.refresh()
      await client.sleep(20)
      return null
    }
  }

  #outOfRange(partition: string, { offset }: Position, leader: number): void {
    const { scene, name } = this.#client
    scene.world.violate(
      `${name}: broker ${leader} says that ${offset}, which it had read up to, is out of range of ${partition}`,
    )
  }

  /** The records from the position on, without those of aborted transactions: they are in the log, and are left out here. */
  #take(records: Buffer, position: Position, aborted: readonly Aborted[]): [number, string][] {
    const found: [number, string][] = []
    const waiting = aborted.toSorted((a, b) => a.firstOffset - b.firstOffset)
    const open = new Set<number>()
    for (const at of iterateBatches(records)) {
      while (waiting.length > 0 && waiting[0].firstOffset < nextOffset(records, at))
        open.add(waiting.shift()!.producerId)
      if (isControl(records, at)) {
        const [{ key }] = readRecords(records, at)
        if (controlType(key) === ControlType.ABORT) open.delete(producerId(records, at))
      } else if (!isTransactional(records, at) || !open.has(producerId(records, at))) {
        for (const { offset, value } of readRecords(records, at)) {
          if (offset >= position.offset) found.push([offset, String(value).trimEnd()])
        }
      }
      position.epoch = Math.max(position.epoch, partitionLeaderEpoch(records, at))
      position.offset = Math.max(position.offset, nextOffset(records, at))
    }
    return found
  }
}

interface Aborted {
  readonly producerId: number
  readonly firstOffset: number
}

export class Reader extends Client {
  readonly #final: boolean
  readonly fetcher: Fetcher

  /** `final`: reads up to the end that it is told, and is done; of committed records too, since nothing is open then. */
  constructor(scene: Scene, name: string, isolation: Isolation, final = false) {
    super(scene, name)
    this.#final = final
    this.fetcher = new Fetcher(this, isolation, final ? finalBytes : 1)
  }

  async run(): Promise<void> {
    const { history, partitions } = this.scene
    history.note(this.name, 'assign', { consumer: this.name, partitions }, {})
    for (const partition of partitions) this.fetcher.place(partition, 0)
    await this.refresh()
    while (!this.stopping && !this.isDone) {
      const poll = history.invoke(this.name, 'poll', {
        consumer: this.name,
        isolation: this.fetcher.isolation,
        ...(this.#final && { final: partitions }),
      })
      const records = await this.fetcher.poll()
      poll.ok({ records: records ?? {} })
      if (records && Object.keys(records).length === 0) await this.sleep(5)
    }
  }

  /** It has read up to the end of every partition, as the leader told it since the beginning. */
  get isDone(): boolean {
    return this.#final && this.unfinished.length === 0
  }

  /** Where it is not at the end yet. */
  get unfinished(): string[] {
    return this.scene.partitions.flatMap(partition => {
      const end = this.fetcher.ends.get(partition)
      const { offset } = this.fetcher.positions.get(partition) ?? { offset: 0 }
      return end !== undefined && offset >= end ? [] : [`${partition} at ${offset} of ${end}`]
    })
  }
}
