/**
 * Several brokers' logs and partitions in one process, with a little controller that does what a test says. Requests go
 * through the real codec and the real handlers; time, disks and links are simulated.
 */
import {
  type AnyApi,
  type DecodedResponseOf,
  decodeResponse,
  decodeResponseHeader,
  deleteRecords,
  encodeRequestFrame,
  fetch,
  listOffsets,
  offsetForLeaderEpoch,
  produce,
  type RequestInputOf,
} from '../../protocol/index.ts'
import { iterateBatches } from '../../protocol/records/batch.ts'
import { buildBatch } from '../../protocol/records/builder.ts'
import { readRecords } from '../../protocol/records/record.ts'
import { Dispatcher } from '../../src/api/dispatch.ts'
import { FetchSessionCache } from '../../src/api/fetch-sessions.ts'
import { handlers } from '../../src/api/handlers.ts'
import type { Rooms } from '../../src/api/request.ts'
import { parseBrokerConfig } from '../../src/config/broker.ts'
import { EffectiveConfigs } from '../../src/config/effective.ts'
import { Watermark } from '../../src/lib/watermark.ts'
import { Logs } from '../../src/log/logs.ts'
import type { MetadataRecord } from '../../src/metadata/records.ts'
import { MetadataState } from '../../src/metadata/state.ts'
import type { Peer } from '../../src/network/peer.ts'
import { ClientQuotas } from '../../src/quota/client-quotas.ts'
import type { Partition } from '../../src/replication/partition.ts'
import {
  type AlterPartitionRequest,
  type AlterPartitionResponse,
  moveRate,
  Partitions,
  replicationSettings,
  throttledRate,
  throttledReplicas,
} from '../../src/replication/partitions.ts'
import { topicLogConfig } from '../../src/replication/topic-log-config.ts'
import { broker, partition, partitionChange, record } from '../metadata/history.ts'
import { SimClock } from '../sim/clock.ts'
import type { SimDisk } from '../sim/disk.ts'
import { type SimHost, simHost } from '../sim/host.ts'

const zeroId = 'AAAAAAAAAAAAAAAAAAAAAA'
/** How long a message is on its way. */
const delayMs = 0.5

export interface Node {
  readonly id: number
  readonly host: SimHost
  readonly metadata: MetadataState
  readonly logs: Logs
  readonly partitions: Partitions
  readonly dispatcher: Dispatcher
  readonly closing: Watermark
  brokerEpoch: number
  alive: boolean
  /** Records of the world that it has applied; it stays behind while `held`. */
  applied: number
  held: boolean
}

export interface Change {
  readonly leader?: number
  readonly isr?: readonly number[]
  readonly replicas?: readonly number[]
}

export class World {
  readonly clock = new SimClock()
  readonly nodes = new Map<number, Node>()
  /** As the controller has it. */
  readonly state = new MetadataState()
  readonly #records: MetadataRecord[] = []
  readonly #disks = new Map<number, SimDisk>()
  readonly #cuts = new Set<string>()
  readonly #settings: Record<string, string>
  #seed: number
  #brokerEpoch = 100
  /** How the controller answers the next requests instead, by error code. */
  readonly refusals: number[] = []
  /** Changes what a node answers, bytes of the frame, before it is on its way. */
  mangle: (from: number, to: number, api: AnyApi, bytes: Buffer) => void = () => {}
  /** Requests of AlterPartition that came. */
  readonly asked: AlterPartitionRequest[] = []

  constructor(seed: number, settings: Record<string, string> = {}) {
    this.#seed = seed
    this.#settings = settings
  }

  static async of(count: number, settings: Record<string, string> = {}): Promise<World> {
    const world = new World(1, settings)
    for (let id = 1; id <= count; id++) await world.start(id)
    return world
  }

  /** A broker on the disk that an earlier one left, registered anew. */
  async start(id: number): Promise<Node> {
    const { clock } = this
    const host = simHost(this.#seed++, { clock, disk: this.#disks.get(id), diskOptions: {} })
    this.#disks.set(id, host.disk)
    const brokerEpoch = this.#brokerEpoch++
    // What the new one asks while it starts is not asked by the one before.
    this.nodes.delete(id)
    this.apply(broker(id, { brokerEpoch, fenced: false, incarnationId: host.random.uuid(), rack: `rack-${id}` }))
    const node = await clock.run(this.#make(id, host, brokerEpoch))
    this.nodes.set(id, node)
    this.#feed(node)
    await clock.run(node.partitions.settled())
    return node
  }

  async #make(id: number, host: SimHost, brokerEpoch: number): Promise<Node> {
    const properties = { 'node.id': String(id), 'log.dirs': '/data', listeners: 'PLAINTEXT://:9092', ...this.#settings }
    const config = parseBrokerConfig(new Map(Object.entries(properties)))
    const logs = await Logs.open(host, { directories: ['/data'], highWatermarkCheckpointMs: 50 })
    const metadata = new MetadataState()
    const configs = new EffectiveConfigs(config, metadata)
    const logConfig = (topic: string) => topicLogConfig(topic, configs)
    const partitions = new Partitions({
      host,
      brokerId: id,
      logs,
      metadata,
      logConfig,
      settings: replicationSettings(config),
      throttledRate: side => throttledRate(configs, side),
      throttledReplicas: (side, topic) => throttledReplicas(configs, side, topic),
      moveRate: () => moveRate(configs),
      cluster: {
        peers: { request: (to, api, body, options) => this.ask(id, to.port, api, body, options) },
        endpointOf: to => ({ host: 'node', port: to }),
        brokerEpoch: () => node.brokerEpoch,
        alterPartition: request => this.#alter(id, request),
        assignDirectories: async () => ({ throttleTimeMs: 0, errorCode: 0, directories: [] }),
      },
    })
    const closing = new Watermark(0)
    const rooms = {
      nodeId: id,
      host,
      config,
      configs,
      metadata,
      partitions,
      logs,
      closing,
      quotas: new ClientQuotas(config, metadata),
      fetchSessions: new FetchSessionCache(host.random),
    }
    const dispatcher = new Dispatcher(handlers, rooms as unknown as Rooms)
    const node: Node = {
      id,
      host,
      metadata,
      logs,
      partitions,
      dispatcher,
      closing,
      brokerEpoch,
      alive: true,
      applied: 0,
      held: false,
    }
    while (node.applied < this.#records.length) {
      metadata.apply(this.#records[node.applied], node.applied)
      node.applied++
    }
    await logs.loadAll(logConfig)
    await partitions.start()
    logs.start()
    return node
  }

  /** Closes in good order. */
  async stop(id: number): Promise<void> {
    const node = this.node(id)
    node.alive = false
    node.closing.advance(1)
    await this.clock.run(node.partitions.close())
    await this.clock.run(node.logs.close(node.brokerEpoch))
  }

  /** The power fails: what was not synced is gone. */
  powerOff(id: number): void {
    const node = this.node(id)
    node.alive = false
    this.#disks.set(id, node.host.disk.afterPowerLoss(this.#seed++, 'all'))
    void node.partitions.close()
  }

  /** What the next start of a broker finds. */
  disk(id: number): SimDisk {
    return this.#disks.get(id)!
  }

  node(id: number): Node {
    return this.nodes.get(id)!
  }

  partition(id: number, topic = 'a', index = 0): Partition {
    const found = this.node(id).partitions.get(topic, index)
    if (!found) throw new Error(`node ${id} has no ${topic}-${index}`)
    return found
  }

  /** What a log holds, one value for each offset: from `logStartOffset` on. */
  async values(id: number, topic = 'a', index = 0): Promise<string[]> {
    const { log } = this.partition(id, topic, index)
    const values: string[] = []
    for (let offset = log.logStartOffset; offset < log.logEndOffset; ) {
      const request = { offset, bytesMax: 1 << 20, upperOffset: log.logEndOffset, minOneBatch: true }
      const { chunks } = await this.clock.run(Promise.resolve(log.read({ ...request, abortedTransactions: false })))
      const bytes = Buffer.concat(chunks)
      for (const at of iterateBatches(bytes)) {
        for (const each of readRecords(bytes, at)) {
          if (each.offset < offset) continue
          values.push(String(each.value))
          offset = each.offset + 1
        }
      }
    }
    return values
  }

  apply(...records: MetadataRecord[]): void {
    for (const each of records) {
      this.state.apply(each, this.#records.length)
      this.#records.push(each)
    }
    for (const node of this.nodes.values()) this.#feed(node)
  }

  /** Metadata that a node has not heard of until then. */
  release(id: number): void {
    this.node(id).held = false
    this.#feed(this.node(id))
  }

  #feed(node: Node): void {
    if (!node.alive || node.held) return
    while (node.applied < this.#records.length) {
      node.metadata.apply(this.#records[node.applied], node.applied)
      node.applied++
    }
  }

  async createTopic(name: string, assignments: readonly (readonly number[])[], config: Record<string, string> = {}) {
    const topicId = simHost(this.#seed++).random.uuid()
    this.apply(record('topic', { name, topicId }))
    for (const [key, value] of Object.entries(config)) {
      this.apply(record('config', { resourceType: 2, resourceName: name, name: key, value }))
    }
    assignments.forEach((replicas, index) => {
      const directories = replicas.map(() => zeroId)
      const leader = replicas[0]
      this.apply(
        partition(topicId, index, {
          replicas: [...replicas],
          isr: [...replicas],
          leader,
          directories,
          partitionEpoch: 0,
        }),
      )
    })
    for (const node of this.nodes.values()) if (node.alive) await this.clock.run(node.partitions.settled())
  }

  /** A setting of all brokers. */
  configure(name: string, value: string): void {
    this.apply(record('config', { resourceType: 4, resourceName: '', name, value }))
  }

  /** A leader is named even when it stays the same: that opens a new leader epoch. */
  change(change: Change, topic = 'a', index = 0): void {
    const { id } = this.state.topics.get(topic)!
    const { leader, isr, replicas } = change
    this.apply(
      partitionChange(id, index, {
        leader: leader ?? -2,
        isr: isr ? [...isr] : null,
        replicas: replicas ? [...replicas] : null,
      }),
    )
  }

  fence(id: number, fenced: boolean): void {
    const epoch = this.state.brokers.get(id)!.epoch
    this.apply(fenced ? record('fenceBroker', { id, epoch }) : record('unfenceBroker', { id, epoch }))
  }

  info(topic = 'a', index = 0) {
    return this.state.partition(topic, index)!
  }

  /** Nothing goes from one to the other. */
  cut(from: number, to: number): void {
    this.#cuts.add(`${from}>${to}`)
  }

  isolate(id: number): void {
    for (const other of this.nodes.keys()) {
      this.cut(id, other)
      this.cut(other, id)
    }
  }

  heal(): void {
    this.#cuts.clear()
  }

  async ask<A extends AnyApi>(
    from: number,
    to: number,
    api: A,
    body: RequestInputOf<A>,
    options: { readonly timeoutMs?: number; readonly maxVersion?: number } = {},
  ): Promise<DecodedResponseOf<A>> {
    const node = this.nodes.get(to)
    const sender = this.nodes.get(from)
    await this.clock.sleep(delayMs)
    if (!node?.alive || this.#cuts.has(`${from}>${to}`)) return this.#unanswered()
    const version = Math.min(api.versions.high, options.maxVersion ?? Number.POSITIVE_INFINITY)
    const frame = Buffer.concat(encodeRequestFrame(api, version, 1, 'test', body)).subarray(4)
    const peer = {
      connectionId: from,
      listener: { name: 'PLAINTEXT', kind: 'broker', advertisedHost: 'node', advertisedPort: to },
    } as unknown as Peer
    const answer = await node.dispatcher.serve(frame, peer, { release() {}, whenSent() {}, throttle() {} })
    const bytes = Buffer.from(Buffer.concat(answer!).subarray(4))
    this.mangle(to, from, api, bytes)
    await this.clock.sleep(delayMs)
    if (!node.alive || this.#cuts.has(`${to}>${from}`)) return this.#unanswered()
    if (sender && !sender.alive) return new Promise(() => {})
    return decodeResponse(api, version, bytes, decodeResponseHeader(api, version, bytes).bodyOffset)
  }

  async #unanswered(): Promise<never> {
    await this.clock.sleep(10)
    throw new Error('the connection was lost')
  }

  async produce(
    to: number,
    values: readonly string[],
    options: { acks?: number; timeoutMs?: number; topic?: string; index?: number; producer?: [number, number] } = {},
  ) {
    const { acks = -1, timeoutMs = 5000, topic = 'a', index = 0, producer } = options
    const records = buildBatch({
      records: values.map(value => ({ key: null, value: Buffer.from(value) })),
      baseTimestamp: this.clock.now(),
      ...(producer ? { producerId: producer[0], producerEpoch: 0, baseSequence: producer[1] } : {}),
    })
    const topicData = [{ name: topic, topicId: zeroId, partitionData: [{ index, records }] }]
    const response = await this.ask(
      0,
      to,
      produce,
      { transactionalId: null, acks, timeoutMs, topicData },
      { maxVersion: 9 },
    )
    return response.responses[0].partitionResponses[0]
  }

  /** As a consumer, without waiting. */
  async consume(to: number, fetchOffset: number, more: { epoch?: number; version?: number; rack?: string } = {}) {
    const response = await this.ask(
      0,
      to,
      fetch,
      {
        maxWaitMs: 0,
        minBytes: 1,
        maxBytes: 1 << 20,
        isolationLevel: 0,
        sessionId: 0,
        sessionEpoch: -1,
        replicaState: {},
        rackId: more.rack ?? '',
        topics: [
          {
            topic: 'a',
            topicId: this.state.topicId('a')!,
            partitions: [
              {
                partition: 0,
                fetchOffset,
                currentLeaderEpoch: more.epoch ?? -1,
                partitionMaxBytes: 1 << 20,
                replicaDirectoryId: zeroId,
              },
            ],
          },
        ],
        forgottenTopicsData: [],
      },
      { maxVersion: more.version ?? 17 },
    )
    return response.responses[0].partitions[0]
  }

  async deleteRecords(to: number, offset: number, timeoutMs = 5000) {
    const topics = [{ name: 'a', partitions: [{ partitionIndex: 0, offset }] }]
    const response = await this.ask(0, to, deleteRecords, { topics, timeoutMs })
    return response.topics[0].partitions[0]
  }

  async latest(to: number, more: { isolationLevel?: number; maxVersion?: number } = {}) {
    const { isolationLevel = 0, maxVersion = 7 } = more
    const topics = [{ name: 'a', partitions: [{ partitionIndex: 0, timestamp: -1 }] }]
    const request = { replicaId: -1, isolationLevel, topics, timeoutMs: 0 }
    const response = await this.clock.run(this.ask(0, to, listOffsets, request, { maxVersion }))
    return response.topics[0].partitions[0]
  }

  async endOfEpoch(to: number, leaderEpoch: number, currentLeaderEpoch = -1) {
    const topics = [{ topic: 'a', partitions: [{ partition: 0, currentLeaderEpoch, leaderEpoch }] }]
    const response = await this.clock.run(this.ask(0, to, offsetForLeaderEpoch, { replicaId: -1, topics }))
    return response.topics[0].partitions[0]
  }

  /** Lets time pass until `holds`, at most a minute of it. */
  async until(holds: () => boolean, what: string): Promise<void> {
    for (let passed = 0; passed < 60_000; passed += 5) {
      if (holds()) return
      await this.clock.advance(5)
    }
    throw new Error(`after a minute still not: ${what}`)
  }

  /** Compare and set, as the real one does it: by leader epoch and partition epoch. */
  async #alter(from: number, request: AlterPartitionRequest): Promise<AlterPartitionResponse> {
    await this.clock.sleep(delayMs)
    this.asked.push(request)
    if (this.#cuts.has(`${from}>0`)) return this.#unanswered()
    const refusal = this.refusals.shift() ?? 0
    const topics = request.topics.map(({ topicId, partitions }) => ({
      topicName: '',
      topicId: topicId!,
      partitions: partitions.map(wanted => {
        const info = this.state.topicsById.get(topicId!)!.partitions[wanted.partitionIndex]
        const errorCode =
          refusal ||
          (wanted.leaderEpoch !== info.leaderEpoch ? 74 : wanted.partitionEpoch !== info.partitionEpoch ? 95 : 0)
        if (errorCode === 0) {
          const isr = (wanted.newIsrWithEpochs ?? []).map(({ brokerId }) => brokerId)
          this.apply(partitionChange(topicId!, wanted.partitionIndex, { isr }))
        }
        const now = this.state.topicsById.get(topicId!)!.partitions[wanted.partitionIndex]
        return {
          partitionIndex: wanted.partitionIndex,
          errorCode,
          leaderId: now.leader,
          leaderEpoch: now.leaderEpoch,
          isr: [...now.isr],
          leaderRecoveryState: 0,
          partitionEpoch: now.partitionEpoch,
        }
      }),
    }))
    await this.clock.sleep(delayMs)
    return { throttleTimeMs: 0, errorCode: 0, topics }
  }
}
