/**
 * A transactional producer: transactions over several partitions, committed or aborted, by the protocol of old clients or of
 * new ones (KIP-890). One that has a source copies it: it reads committed records, writes one for each, and commits where it
 * came to, all in one transaction. What its end was it may not know; then it begins again by initializing itself.
 */
import {
  addOffsetsToTxn,
  addPartitionsToTxn,
  Errors,
  endTxn,
  initProducerId,
  offsetFetch,
  produce,
  txnOffsetCommit,
} from '../../../protocol/index.ts'
import { buildBatch } from '../../../protocol/records/builder.ts'
import { PeerError } from '../../../src/network/peers.ts'
import type { ProducerIdentity } from '../../history/operations.ts'
import { indexOf, type Scene, topicOf, zeroId } from './client.ts'
import { CoordinatorClient } from './coordinator-client.ts'
import { Fetcher, type Polled } from './reader.ts'

export interface TransactorOptions {
  readonly transactionalId: string
  /** 1: partitions are added beforehand, and the epoch stays. 2: KIP-890. */
  readonly version: 1 | 2
  readonly partitions: readonly string[]
  /** What it copies, and the group that has its offsets. */
  readonly source: { readonly group: string; readonly partitions: readonly string[] } | null
  readonly transactionTimeoutMs: number
  readonly abortOneIn: number
}

/** How a transaction ended, and what is to be done next. */
type Next = 'next' | 'initialize' | 'over'

interface Output {
  readonly partition: string
  readonly values: readonly string[]
  readonly sources?: readonly string[]
}

/** An error that says that the transaction cannot be committed any more. */
class Doomed extends Error {
  readonly next: Next

  constructor(what: string, next: Next) {
    super(what)
    this.next = next
  }
}

const passing: ReadonlySet<number> = new Set([
  Errors.UNKNOWN_TOPIC_OR_PARTITION,
  Errors.UNKNOWN_TOPIC_ID,
  Errors.LEADER_NOT_AVAILABLE,
  Errors.NOT_LEADER_OR_FOLLOWER,
  Errors.REQUEST_TIMED_OUT,
  Errors.NETWORK_EXCEPTION,
  Errors.NOT_ENOUGH_REPLICAS,
  Errors.NOT_ENOUGH_REPLICAS_AFTER_APPEND,
  Errors.KAFKA_STORAGE_ERROR,
  Errors.BROKER_NOT_AVAILABLE,
  Errors.CONCURRENT_TRANSACTIONS,
  Errors.COORDINATOR_LOAD_IN_PROGRESS,
  Errors.COORDINATOR_NOT_AVAILABLE,
  Errors.NOT_COORDINATOR,
  Errors.FENCED_LEADER_EPOCH,
  Errors.UNKNOWN_LEADER_EPOCH,
])

const fencing: ReadonlySet<number> = new Set([Errors.PRODUCER_FENCED, Errors.INVALID_PRODUCER_EPOCH])

/** So long it tries one thing. */
const patienceMs = 12_000

export class Transactor extends CoordinatorClient {
  readonly #options: TransactorOptions
  readonly #fetcher: Fetcher
  #id = -1
  #epoch = -1
  /** Next sequence of each partition. */
  readonly #sequences = new Map<string, number>()
  /** Partitions that were added to the open transaction. */
  readonly #added = new Set<string>()
  #lives = 0
  #transactions = 0
  #identity: ProducerIdentity
  #instance = ''
  committed = 0
  aborted = 0
  /** Another instance has taken its place. */
  replaced = false

  constructor(scene: Scene, name: string, options: TransactorOptions) {
    super(scene, name)
    this.#options = options
    this.#fetcher = new Fetcher(this, 'read_committed')
    this.#identity = this.#newIdentity()
  }

  #newIdentity(): ProducerIdentity {
    return { name: `${this.name}.${this.#lives++}`, idempotent: true, repeats: false, acks: -1 }
  }

  async run(): Promise<void> {
    await this.refresh()
    let next: Next = 'initialize'
    while (!this.stopping && next !== 'over') {
      if (next === 'initialize') {
        if (!(await this.#initialize())) continue
        if (this.#options.source && !(await this.#place())) continue
      }
      next = await this.#transaction()
      // One that was fenced is over once another instance is there: else they would fence each other for ever.
      if (next === 'initialize' && this.replaced) next = 'over'
    }
  }

  /** As the same producer, when it knows who it was (KIP-360), or as a new one. */
  async #initialize(): Promise<boolean> {
    const { transactionalId, transactionTimeoutMs } = this.#options
    const asBefore = this.#id >= 0 && this.host.random.oneIn(2)
    const instance = `${this.name}.${this.#lives}`
    const fence = this.scene.history.invoke(this.name, 'fence', { transactionalId, instance })
    const { errorCode, answer } = await this.insist(
      ['transaction', transactionalId],
      initProducerId,
      () => ({
        transactionalId,
        transactionTimeoutMs,
        ...(asBefore && { producerId: this.#id, producerEpoch: this.#epoch }),
      }),
      { untilMs: this.#patience(), lane: 'txn', minVersion: 3, maxVersion: 5, errorsOf: found => [found.errorCode] },
    )
    if (errorCode === Errors.NONE) {
      this.#id = answer!.producerId
      this.#epoch = answer!.producerEpoch
      this.#identity = this.#newIdentity()
      this.#instance = instance
      this.#sequences.clear()
      fence.ok({})
      return true
    }
    fence.info(`error ${errorCode}`)
    this.#id = -1
    if (errorCode !== null) this.say(`cannot initialize itself: error ${errorCode}`)
    if (this.replaced) this.stopping = true
    return false
  }

  /** Goes to where the group came: read only when nothing of an earlier instance is undecided. */
  async #place(): Promise<boolean> {
    const { group, partitions } = this.#options.source!
    const operation = this.scene.history.invoke(this.name, 'fetchOffsets', { group, partitions })
    const topics = this.#byTopic(partitions).map(([name, list]) => ({
      name,
      topicId: this.topicIds.get(name) ?? zeroId,
      partitionIndexes: list.map(indexOf),
    }))
    const { errorCode, answer } = await this.insist(
      ['group', group],
      offsetFetch,
      () => ({ groupId: group, topics: [], groups: [{ groupId: group, topics }], requireStable: true }),
      {
        untilMs: this.#patience(),
        lane: 'group',
        minVersion: 8,
        maxVersion: 9,
        errorsOf: ({ groups: [found] }) => [
          found.errorCode,
          ...found.topics.flatMap(topic => topic.partitions.map(one => one.errorCode)),
        ],
      },
    )
    if (errorCode !== Errors.NONE) {
      operation.info(`error ${errorCode}`)
      return false
    }
    const offsets: Record<string, number> = {}
    for (const { name, partitions: list } of answer!.groups[0].topics) {
      for (const { partitionIndex, committedOffset } of list) offsets[`${name}-${partitionIndex}`] = committedOffset
    }
    operation.ok({ offsets })
    this.scene.history.note(this.name, 'assign', { consumer: this.name, partitions, sought: true }, {})
    for (const [partition, offset] of Object.entries(offsets)) this.#fetcher.place(partition, Math.max(0, offset))
    return true
  }

  async #transaction(): Promise<Next> {
    const { history, work } = this.scene
    const { random } = this.host
    const { source, abortOneIn, transactionTimeoutMs } = this.#options
    const transaction = `${this.name}/${this.#transactions++}`
    history.note(this.name, 'begin', { transaction, producer: this.#identity, instance: this.#instance }, {})
    this.#added.clear()
    let commit = !random.oneIn(abortOneIn)
    let next: Next = 'next'
    const before = source && new Map([...this.#fetcher.positions].map(([name, position]) => [name, { ...position }]))
    try {
      const outputs = source ? await this.#read(transaction) : this.#invent(transaction)
      if (outputs.length === 0) {
        await this.sleep(20 + random.below(work.thinkMaxMs))
        return 'next'
      }
      for (const output of outputs) {
        await this.#write(transaction, output)
        // Now and then longer than the coordinator waits for it.
        if (random.oneIn(60)) await this.sleep(transactionTimeoutMs + 500)
        else if (random.oneIn(4)) await this.sleep(random.below(work.thinkMaxMs))
      }
      if (source) await this.#commitOffsets(transaction)
    } catch (error) {
      if (!(error instanceof Doomed)) throw error
      this.say(`${transaction}: ${error.message}`)
      commit = false
      next = error.next
    }
    const ended = next === 'over' ? next : await this.#end(transaction, commit, next)
    if (source && (!commit || ended !== 'next')) {
      // What was read in it is read again, from where it began.
      for (const [partition, { offset }] of before!) this.#fetcher.place(partition, offset)
      const { partitions } = source
      history.note(this.name, 'assign', { consumer: this.name, partitions, sought: true }, {})
    }
    if (ended === 'next' && random.oneIn(2)) await this.sleep(random.below(work.thinkMaxMs))
    return ended
  }

  #invent(transaction: string): Output[] {
    const { random } = this.host
    let values = 0
    return Array.from({ length: 1 + random.below(4) }, () => ({
      partition: random.pick(this.#options.partitions),
      values: Array.from({ length: 1 + random.below(2) }, () => `${transaction}:${values++}`),
    }))
  }

  async #read(transaction: string): Promise<Output[]> {
    const { history } = this.scene
    const call = { consumer: this.name, isolation: 'read_committed', transaction } as const
    const poll = history.invoke(this.name, 'poll', call)
    const records: Polled = (await this.#fetcher.poll()) ?? {}
    poll.ok({ records })
    return Object.entries(records).flatMap(([partition, list]) =>
      list.length === 0
        ? []
        : {
            partition: this.host.random.pick(this.#options.partitions),
            values: list.map(([offset]) => `${transaction}<${partition}@${offset}`),
            sources: list.map(([offset]) => `${partition}@${offset}`),
          },
    )
  }

  /** Until it is acknowledged; throws Doomed when it cannot be. */
  async #write(transaction: string, { partition, values, sources }: Output): Promise<void> {
    const { history } = this.scene
    const call = { partition, values, producer: this.#identity, transaction, ...(sources && { sources }) }
    if (this.#options.version === 1) await this.#addPartition(partition)
    const operation = history.invoke(this.#identity.name, 'produce', call)
    const untilMs = this.#patience()
    const sequence = this.#sequences.get(partition) ?? 0
    let exposed = false
    while (this.host.clock.monotonic() < untilMs) {
      const reply = await this.#attempt(partition, values, sequence)
      if (typeof reply === 'object') {
        operation.ok(reply)
        this.#sequences.set(partition, sequence + values.length)
        return
      }
      if (reply !== 'lost' && !passing.has(reply)) {
        if (exposed) operation.info(`error ${reply}`)
        else operation.fail(`error ${reply}`)
        if (!exposed && (reply === Errors.OUT_OF_ORDER_SEQUENCE_NUMBER || reply === Errors.UNKNOWN_PRODUCER_ID)) {
          this.scene.world.violate(`${this.name} to ${partition}: error ${reply} for sequence ${sequence}`)
        }
        throw new Doomed(`error ${reply} of ${partition}`, this.#after(reply))
      }
      exposed = true
      await this.refresh()
      await this.sleep(20 + this.host.random.below(100))
    }
    operation.info('given up')
    // A batch of this epoch may still arrive: only a new one makes sure that it does not count.
    throw new Doomed(`no answer of ${partition}`, 'initialize')
  }

  /** Where it stands, the error, or 'lost'. */
  async #attempt(
    partition: string,
    values: readonly string[],
    sequence: number,
  ): Promise<{ offset: number | null } | number | 'lost'> {
    const leader = this.leaderOf(partition)
    if (!leader) return Errors.LEADER_NOT_AVAILABLE
    const { transactionalId, version } = this.#options
    const topic = topicOf(partition)
    const records = buildBatch({
      records: values.map(value => ({ key: null, value: Buffer.from(value) })),
      baseTimestamp: this.host.clock.now(),
      transactional: true,
      producerId: this.#id,
      producerEpoch: this.#epoch,
      baseSequence: sequence,
    })
    const body = {
      transactionalId,
      acks: -1,
      timeoutMs: this.scene.work.requestTimeoutMs,
      topicData: [
        {
          name: topic,
          topicId: this.topicIds.get(topic) ?? zeroId,
          partitionData: [{ index: indexOf(partition), records }],
        },
      ],
    }
    try {
      const answer = await this.ask(
        leader.endpoint,
        produce,
        body,
        version === 1 ? { maxVersion: 11 } : { minVersion: 12 },
      )
      const { errorCode, baseOffset, currentLeader } = answer.responses[0].partitionResponses[0]
      if (currentLeader.leaderId >= 0) {
        this.learn(partition, { id: currentLeader.leaderId, epoch: currentLeader.leaderEpoch })
      }
      if (errorCode === Errors.NONE) return { offset: baseOffset < 0 ? null : baseOffset }
      return errorCode === Errors.DUPLICATE_SEQUENCE_NUMBER ? { offset: null } : errorCode
    } catch (error) {
      if (!(error instanceof PeerError)) throw error
      return 'lost'
    }
  }

  async #addPartition(partition: string): Promise<void> {
    if (this.#added.has(partition)) return
    const { transactionalId } = this.#options
    const topics = [{ name: topicOf(partition), partitions: [indexOf(partition)] }]
    const { errorCode } = await this.insist(
      ['transaction', transactionalId],
      addPartitionsToTxn,
      () => ({
        transactions: [],
        v3AndBelowTransactionalId: transactionalId,
        v3AndBelowProducerId: this.#id,
        v3AndBelowProducerEpoch: this.#epoch,
        v3AndBelowTopics: topics,
      }),
      {
        untilMs: this.#patience(),
        lane: 'txn',
        maxVersion: 3,
        errorsOf: answer =>
          answer.resultsByTopicV3AndBelow.flatMap(one =>
            one.resultsByPartition.map(({ partitionErrorCode }) => partitionErrorCode),
          ),
      },
    )
    if (errorCode !== Errors.NONE) throw new Doomed(`cannot add ${partition}: ${errorCode}`, this.#after(errorCode))
    this.#added.add(partition)
  }

  async #commitOffsets(transaction: string): Promise<void> {
    const { transactionalId, version, source } = this.#options
    const { group, partitions } = source!
    const offsets = Object.fromEntries([...this.#fetcher.positions].map(([name, { offset }]) => [name, offset]))
    const operation = this.scene.history.invoke(this.name, 'commitOffsets', { group, offsets, transaction })
    const give = (what: string, errorCode: number | null): never => {
      operation.info(`error ${errorCode}`)
      throw new Doomed(`${what}: error ${errorCode}`, this.#after(errorCode))
    }
    const producer = { producerId: this.#id, producerEpoch: this.#epoch }
    if (version === 1) {
      const { errorCode } = await this.insist(
        ['transaction', transactionalId],
        addOffsetsToTxn,
        () => ({ transactionalId, ...producer, groupId: group }),
        { untilMs: this.#patience(), lane: 'txn', errorsOf: answer => [answer.errorCode] },
      )
      if (errorCode !== Errors.NONE) give('cannot add offsets', errorCode)
    }
    const topics = this.#byTopic(partitions).map(([name, list]) => ({
      name,
      partitions: list.map(partition => ({
        partitionIndex: indexOf(partition),
        committedOffset: offsets[partition],
        committedMetadata: '',
      })),
    }))
    const { errorCode } = await this.insist(
      ['group', group],
      txnOffsetCommit,
      () => ({ transactionalId, groupId: group, ...producer, topics }),
      {
        untilMs: this.#patience(),
        lane: 'group',
        ...(version === 1 ? { maxVersion: 4 } : { minVersion: 5 }),
        errorsOf: answer => answer.topics.flatMap(topic => topic.partitions.map(one => one.errorCode)),
      },
    )
    if (errorCode !== Errors.NONE) give('cannot commit offsets', errorCode)
    operation.ok({})
  }

  async #end(transaction: string, commit: boolean, next: Next): Promise<Next> {
    const { transactionalId, version } = this.#options
    const operation = this.scene.history.invoke(this.name, 'end', { transaction, commit })
    const { errorCode, answer, exposed } = await this.insist(
      ['transaction', transactionalId],
      endTxn,
      () => ({ transactionalId, producerId: this.#id, producerEpoch: this.#epoch, committed: commit }),
      {
        untilMs: this.#patience(),
        lane: 'txn',
        ...(version === 1 ? { maxVersion: 4 } : { minVersion: 5 }),
        errorsOf: found => [found.errorCode],
      },
    )
    if (errorCode === Errors.NONE) {
      operation.ok({})
      if (commit) this.committed++
      else this.aborted++
      if (version === 2) {
        this.#id = answer!.producerId
        this.#epoch = answer!.producerEpoch
        this.#sequences.clear()
      }
      return next
    }
    if (errorCode !== null && !exposed) operation.fail(`error ${errorCode}`)
    else operation.info(`error ${errorCode}`)
    this.say(`${transaction} ends with error ${errorCode}${exposed ? ', after no answer' : ''}`)
    return this.#after(errorCode)
  }

  #after(errorCode: number | null): Next {
    return errorCode !== null && fencing.has(errorCode) && this.replaced ? 'over' : 'initialize'
  }

  #patience(): number {
    return this.host.clock.monotonic() + (this.stopping ? patienceMs / 3 : patienceMs)
  }

  #byTopic(partitions: readonly string[]): [string, string[]][] {
    const topics = new Map<string, string[]>()
    for (const partition of partitions) {
      const topic = topicOf(partition)
      topics.set(topic, [...(topics.get(topic) ?? []), partition])
    }
    return [...topics]
  }
}
