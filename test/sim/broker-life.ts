/**
 * A whole broker on a simulated host, with clients that write, commit, create and delete, while its power fails at some
 * operation of its disk. After each start everything that clients were told must be true.
 */
import {
  type AnyApi,
  createTopics,
  deleteRecords,
  deleteTopics,
  fetch,
  findCoordinator,
  initProducerId,
  listOffsets,
  metadata,
  offsetCommit,
  offsetFetch,
  produce,
  type RequestInputOf,
} from '../../protocol/index.ts'
import { iterateBatches } from '../../protocol/records/batch.ts'
import { buildBatch } from '../../protocol/records/builder.ts'
import { compressionReady } from '../../protocol/records/compression.ts'
import { readRecords } from '../../protocol/records/record.ts'
import { Broker } from '../../src/broker.ts'
import { parseBrokerConfig } from '../../src/config/broker.ts'
import { RawClient } from '../network/raw-client.ts'
import type { SimDisk } from './disk.ts'
import { type SimHost, simHost } from './host.ts'
import type { SimRandom } from './random.ts'

const zeroId = 'AAAAAAAAAAAAAAAAAAAAAA'
const group = 'readers'
const partitionsPerTopic = 2
const producersCount = 3
const fetchBytes = 2000

const settings = {
  listeners: 'PLAINTEXT://broker:9092',
  'advertised.listeners': 'PLAINTEXT://broker:9092',
  'log.dirs': '/data',
  'offsets.topic.num.partitions': '2',
  'group.initial.rebalance.delay.ms': '0',
}

interface Topic {
  readonly name: string
  readonly id: string
  /** `asked`: it may be gone or not. */
  deletion: 'no' | 'asked' | 'done'
}

interface Sent {
  readonly place: string
  readonly first: number
  readonly values: readonly string[]
  /** Null until the broker has said where. */
  offset: number | null
}

interface Producer {
  id: number
  /** Next sequence by partition. */
  readonly sequences: Map<string, number>
  readonly sent: Sent[]
}

interface Committed {
  /** What the group may find: the last that was acknowledged, and what was asked for since. */
  possible: number[]
}

/** A client of one life of the broker. Once the power has failed it hears nothing more of it, nor does it go on. */
class Session {
  readonly #host: SimHost
  readonly #client: RawClient

  constructor(host: SimHost, client: RawClient) {
    this.#host = host
    this.#client = client
  }

  async ask<A extends AnyApi>(api: A, version: number, request: RequestInputOf<A>) {
    const answer = await this.#client.call(api, version, request)
    if (this.#host.disk.isDown) await new Promise(() => {})
    if (answer === null) throw new Error(`the connection was closed after ${api.name}`)
    return answer
  }

  async sleep(ms: number): Promise<void> {
    await this.#host.clock.sleep(ms)
    if (this.#host.disk.isDown) await new Promise(() => {})
  }

  end(): void {
    this.#client.end()
  }
}

export class BrokerLife {
  readonly trace: string[] = []
  readonly #random: SimRandom
  readonly #topics: Topic[] = []
  /** Topics that were asked for without an answer: they may exist. */
  readonly #asked = new Set<string>()
  readonly #producers: Producer[] = []
  readonly #producerIds = new Set<number>()
  readonly #committed = new Map<string, Committed>()
  readonly #deletedBefore = new Map<string, number>()
  #names = 0
  #clusterId: string | null = null
  #seed: number
  host: SimHost
  broker: Broker | null = null

  constructor(seed: number) {
    this.#seed = seed
    this.host = simHost(seed)
    this.#random = this.host.random.fork()
  }

  get disk(): SimDisk {
    return this.host.disk
  }

  /** How many batches clients were told are written. */
  get acknowledged(): number {
    return this.#producers.reduce((sum, { sent }) => sum + sent.filter(({ offset }) => offset !== null).length, 0)
  }

  async start(): Promise<void> {
    this.#say('start')
    const config = parseBrokerConfig(new Map(Object.entries(settings)))
    this.broker = await Broker.start(config, this.host)
    this.#say('started')
    await this.#verify(await this.#connect())
  }

  async stop(): Promise<void> {
    this.#say('stop')
    await this.broker!.close()
    this.#renew(this.disk)
  }

  crash(): void {
    this.#say(`power failure at operation ${this.disk.operations}`)
    this.#renew(this.disk.afterPowerLoss(++this.#seed))
  }

  /** Clients at work, until each has done so many steps or the power fails. */
  async work(steps: number): Promise<void> {
    const actors = [this.#administer.bind(this), this.#commit.bind(this)]
    for (let index = 0; index < producersCount; index++) {
      this.#producers[index] ??= { id: -1, sequences: new Map(), sent: [] }
      actors.push(client => this.#produce(client, this.#producers[index]))
    }
    const run = async (act: (client: Session) => Promise<void>) => {
      const client = await this.#connect()
      for (let step = 0; step < steps; step++) await act(client)
      client.end()
    }
    await Promise.all(actors.map(run))
  }

  #renew(disk: SimDisk): void {
    this.host = simHost(++this.#seed, { clock: this.host.clock, disk })
    this.broker = null
  }

  async #connect(): Promise<Session> {
    const { host } = this
    const { stream } = await host.network.connect({ host: 'broker', port: 9092 }, 1000)
    return new Session(host, RawClient.over(stream))
  }

  #say(what: string): void {
    this.trace.push(`${this.host.clock.monotonic().toFixed(1)} #${this.disk.operations} ${what}`)
  }

  async #administer(client: Session): Promise<void> {
    const live = this.#topics.filter(({ deletion }) => deletion === 'no')
    const choice = this.#random.below(10)
    if (live.length < 2 || choice < 2) await this.#createTopic(client)
    else if (choice < 3) await this.#deleteTopic(client, this.#random.pick(live))
    else if (choice < 6) await this.#deleteRecords(client, this.#random.pick(live))
    else await client.sleep(this.#random.below(300))
  }

  async #createTopic(client: Session): Promise<void> {
    const name = `topic-${this.#names++}`
    this.#asked.add(name)
    const answer = await client.ask(createTopics, 7, {
      topics: [{ name, numPartitions: partitionsPerTopic, replicationFactor: 1, assignments: [], configs: [] }],
      timeoutMs: 10_000,
    })
    const [{ errorCode, topicId }] = answer.topics
    if (errorCode !== 0) throw new Error(`create ${name}: error ${errorCode}`)
    this.#topics.push({ name, id: topicId, deletion: 'no' })
    this.#asked.delete(name)
    this.#say(`created ${name}`)
  }

  async #deleteTopic(client: Session, topic: Topic): Promise<void> {
    topic.deletion = 'asked'
    const answer = await client.ask(deleteTopics, 6, {
      topics: [{ name: topic.name, topicId: zeroId }],
      topicNames: [],
      timeoutMs: 10_000,
    })
    const [{ errorCode }] = answer.responses
    if (errorCode !== 0) throw new Error(`delete ${topic.name}: error ${errorCode}`)
    topic.deletion = 'done'
    this.#say(`deleted ${topic.name}`)
  }

  async #deleteRecords(client: Session, topic: Topic): Promise<void> {
    const partitionIndex = this.#random.below(partitionsPerTopic)
    const [, latest] = await this.#ends(client, topic, partitionIndex)
    const offset = this.#random.below(Math.max(0, latest) + 1)
    const answer = await client.ask(deleteRecords, 2, {
      topics: [{ name: topic.name, partitions: [{ partitionIndex, offset }] }],
      timeoutMs: 5000,
    })
    const [{ errorCode, lowWatermark }] = answer.topics[0].partitions
    if (errorCode === 0) this.#deletedBefore.set(`${topic.name}/${partitionIndex}`, lowWatermark)
    this.#say(`deleted records of ${topic.name}/${partitionIndex} before ${offset}: ${errorCode}`)
  }

  /** Asking makes the broker create the topic of the offsets. */
  async #coordinated(client: Session): Promise<void> {
    for (;;) {
      const answer = await client.ask(findCoordinator, 4, { keyType: 0, coordinatorKeys: [group] })
      if (answer.coordinators[0].errorCode === 0) return
      await client.sleep(20)
    }
  }

  async #commit(client: Session): Promise<void> {
    await this.#coordinated(client)
    const live = this.#topics.filter(({ deletion }) => deletion === 'no')
    if (live.length === 0) return client.sleep(20)
    const topic = this.#random.pick(live)
    const partitionIndex = this.#random.below(partitionsPerTopic)
    const place = `${topic.name}/${partitionIndex}`
    const committedOffset = this.#random.below(100_000)
    const committed = this.#committed.get(place) ?? { possible: [-1] }
    this.#committed.set(place, committed)
    committed.possible.push(committedOffset)
    const answer = await client.ask(offsetCommit, 8, {
      groupId: group,
      generationIdOrMemberEpoch: -1,
      memberId: '',
      topics: [
        {
          name: topic.name,
          topicId: zeroId,
          partitions: [{ partitionIndex, committedOffset, committedMetadata: 'by a test' }],
        },
      ],
    })
    const [{ errorCode }] = answer.topics[0].partitions
    if (errorCode === 0) {
      committed.possible = committed.possible.slice(committed.possible.indexOf(committedOffset))
      this.#say(`committed ${place} ${committedOffset}`)
    } else await client.sleep(50)
  }

  async #produce(client: Session, producer: Producer): Promise<void> {
    if (producer.id < 0) await this.#newProducer(client, producer)
    // What was not answered before the power failed is sent again, as it was.
    const waiting = producer.sent.find(({ offset, place }) => offset === null && this.#topicOf(place).deletion === 'no')
    if (waiting) return this.#send(client, producer, waiting)
    const live = this.#topics.filter(({ deletion }) => deletion === 'no')
    if (live.length === 0) return client.sleep(20)
    const place = `${this.#random.pick(live).name}/${this.#random.below(partitionsPerTopic)}`
    const first = producer.sequences.get(place) ?? 0
    const padding = '.'.repeat(this.#random.below(200))
    const count = 1 + this.#random.below(4)
    const values = Array.from({ length: count }, (_, at) => `${place} ${producer.id} ${first + at} ${padding}`)
    const sent: Sent = { place, first, values, offset: null }
    producer.sequences.set(place, first + count)
    producer.sent.push(sent)
    return this.#send(client, producer, sent)
  }

  async #newProducer(client: Session, producer: Producer): Promise<void> {
    const answer = await client.ask(initProducerId, 4, { transactionalId: null, transactionTimeoutMs: 60_000 })
    if (answer.errorCode !== 0) throw new Error(`InitProducerId: error ${answer.errorCode}`)
    const id = answer.producerId
    if (this.#producerIds.has(id)) throw new Error(`producer id ${id} was given out twice`)
    this.#producerIds.add(id)
    producer.id = id
  }

  async #send(client: Session, producer: Producer, sent: Sent): Promise<void> {
    const [name, index] = sent.place.split('/')
    const records = buildBatch({
      records: sent.values.map(value => ({ key: null, value: Buffer.from(value) })),
      baseTimestamp: this.host.clock.now(),
      producerId: producer.id,
      producerEpoch: 0,
      baseSequence: sent.first,
    })
    const partitionData = [{ index: Number(index), records }]
    const answer = await client.ask(produce, 9, {
      transactionalId: null,
      acks: -1,
      timeoutMs: 5000,
      topicData: [{ name, topicId: zeroId, partitionData }],
    })
    const [{ errorCode, baseOffset: offset }] = answer.responses[0].partitionResponses
    if (errorCode === 0) {
      sent.offset = offset
      this.#say(`wrote ${sent.place} ${producer.id}:${sent.first} at ${offset}`)
    } else if (this.#topicOf(sent.place).deletion === 'no') {
      throw new Error(`produce to ${sent.place}, sequence ${sent.first}: error ${errorCode}`)
    }
  }

  #topicOf(place: string): Topic {
    return this.#topics.find(({ name }) => name === place.split('/')[0])!
  }

  async #ends(client: Session, topic: Topic, partitionIndex: number): Promise<[number, number]> {
    const ends: number[] = []
    for (const timestamp of [-2, -1]) {
      const answer = await client.ask(listOffsets, 7, {
        replicaId: -1,
        isolationLevel: 0,
        topics: [{ name: topic.name, partitions: [{ partitionIndex, timestamp }] }],
        timeoutMs: 1000,
      })
      const [{ errorCode, offset }] = answer.topics[0].partitions
      if (errorCode !== 0 && topic.deletion === 'no') throw new Error(`offsets of ${topic.name}: error ${errorCode}`)
      ends.push(offset)
    }
    return [ends[0], ends[1]]
  }

  async #verify(client: Session): Promise<void> {
    await this.#verifyTopics(client)
    for (const topic of this.#topics) {
      if (topic.deletion !== 'no') continue
      for (let index = 0; index < partitionsPerTopic; index++) await this.#verifyPartition(client, topic, index)
    }
    await this.#verifyCommits(client)
    client.end()
  }

  async #verifyTopics(client: Session): Promise<void> {
    const answer = await client.ask(metadata, 12, {
      topics: null,
      allowAutoTopicCreation: false,
      includeClusterAuthorizedOperations: false,
      includeTopicAuthorizedOperations: false,
    })
    this.#clusterId ??= answer.clusterId
    if (this.#clusterId !== answer.clusterId) throw new Error(`cluster ${answer.clusterId}, was ${this.#clusterId}`)
    const found = new Map(answer.topics.map(topic => [topic.name, topic]))
    for (const topic of this.#topics) {
      const there = found.get(topic.name)
      found.delete(topic.name)
      if (topic.deletion === 'no' && there?.topicId !== topic.id) throw new Error(`${topic.name} is gone`)
      if (topic.deletion === 'done' && there) throw new Error(`${topic.name} is back`)
      if (!there) topic.deletion = 'done'
      else if (topic.deletion === 'asked') topic.deletion = 'no'
      const led = there?.partitions.filter(({ leaderId, errorCode }) => leaderId === 1 && errorCode === 0).length
      if (there && led !== partitionsPerTopic) throw new Error(`${topic.name}: ${led} partitions have a leader`)
    }
    for (const [name, there] of found) {
      if (there.isInternal) continue
      if (!this.#asked.delete(name!)) throw new Error(`nobody created ${name}`)
      this.#topics.push({ name: name!, id: there.topicId, deletion: 'no' })
    }
  }

  async #verifyPartition(client: Session, topic: Topic, index: number): Promise<void> {
    const place = `${topic.name}/${index}`
    const [start, end] = await this.#ends(client, topic, index)
    const deletedBefore = this.#deletedBefore.get(place) ?? 0
    if (start < deletedBefore) throw new Error(`${place} starts at ${start}, deleted was up to ${deletedBefore}`)
    const values = await this.#readAll(client, topic, index, start, end)
    const offsets = new Map<string, number>()
    for (const [offset, value] of values) {
      const before = offsets.get(value)
      if (before !== undefined) throw new Error(`${value.trim()} is at ${before} and at ${offset}`)
      offsets.set(value, offset)
    }
    for (const { sent } of this.#producers) {
      for (const batch of sent) {
        if (batch.place !== place) continue
        for (const [at, value] of batch.values.entries()) {
          const found = offsets.get(value)
          offsets.delete(value)
          if (batch.offset === null || batch.offset + at < start) continue
          if (found !== batch.offset + at) throw new Error(`${value.trim()}: ${found}, was told ${batch.offset + at}`)
        }
      }
    }
    for (const [value, offset] of offsets) throw new Error(`nobody wrote ${value} at ${place}@${offset}`)
  }

  async #readAll(client: Session, topic: Topic, index: number, start: number, end: number) {
    const values = new Map<number, string>()
    for (let offset = start; offset < end; ) {
      const answer = await client.ask(fetch, 12, {
        maxWaitMs: 100,
        minBytes: 1,
        maxBytes: fetchBytes,
        isolationLevel: 0,
        topics: [
          {
            topic: topic.name,
            topicId: zeroId,
            partitions: [
              { partition: index, fetchOffset: offset, partitionMaxBytes: fetchBytes, replicaDirectoryId: zeroId },
            ],
          },
        ],
        forgottenTopicsData: [],
        replicaState: {},
      })
      const [{ errorCode, records }] = answer.responses[0].partitions
      if (errorCode !== 0 || !records?.length) throw new Error(`fetch ${topic.name}/${index}@${offset}: ${errorCode}`)
      for (const at of iterateBatches(records)) {
        for (const record of readRecords(records, at)) {
          if (record.offset >= start) values.set(record.offset, String(record.value))
          offset = record.offset + 1
        }
      }
    }
    return values
  }

  async #verifyCommits(client: Session): Promise<void> {
    const asked = [...this.#committed].filter(([place]) => this.#topicOf(place).deletion === 'no')
    if (asked.length === 0) return
    await this.#coordinated(client)
    for (const [place, committed] of asked) {
      const [name, index] = place.split('/')
      const topics = [{ name, topicId: zeroId, partitionIndexes: [Number(index)] }]
      const request = { groupId: '', topics: [], groups: [{ groupId: group, topics }], requireStable: false }
      let found = -2
      // The coordinator may still be loading.
      while (found === -2) {
        const answer = await client.ask(offsetFetch, 8, request)
        const [{ errorCode, topics: answers }] = answer.groups
        if (errorCode === 0) found = answers[0].partitions[0].committedOffset
        else await client.sleep(20)
      }
      if (!committed.possible.includes(found)) {
        throw new Error(`${place}: committed is ${found}, possible were ${committed.possible.join(' ')}`)
      }
      committed.possible = [found]
    }
  }
}

/** Starts, work, and as many power failures as there are numbers in `crashAt`: at that operation of each start. */
export async function brokerLife(seed: number, crashAt: readonly number[], steps: number): Promise<BrokerLife> {
  await compressionReady
  const life = new BrokerLife(seed)
  const { clock } = life.host
  try {
    for (const at of crashAt) {
      const { disk } = life
      disk.crashAt(disk.operations + at)
      const whole = async () => {
        await life.start()
        await life.work(steps)
        await life.stop()
      }
      await clock.run(Promise.race([whole(), disk.down]))
      if (disk.isDown) life.crash()
    }
    await clock.run(life.start())
    await clock.run(life.work(3))
    await clock.run(life.stop())
    await clock.run(life.start())
    await clock.run(life.stop())
    return life
  } catch (error) {
    const where = `seed ${seed}, power failures at operations ${crashAt.join(' and ')}`
    throw new Error(`${where}: ${(error as Error).message}\n${life.trace.join('\n')}`, { cause: error })
  }
}

/** A start takes some hundred disk operations, so the failures fall into starts, into work, and into stops. */
const crashAtSpreads = [450, 300]

/** Lives of the seeds from `first` on; how many batches were acknowledged. Throws an Error that says what went wrong. */
export async function brokerLives(first: number, count: number): Promise<number> {
  let acknowledged = 0
  for (let seed = first; seed < first + count; seed++) {
    const crashAt = [1 + ((seed * 37) % crashAtSpreads[0]), 1 + ((seed * 53) % crashAtSpreads[1])]
    acknowledged += (await brokerLife(seed, crashAt, 10)).acknowledged
  }
  return acknowledged
}
