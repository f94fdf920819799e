/**
 * A producer as real clients are: several batches of a partition in flight, what failed for now is sent again in order,
 * and after its delivery timeout it gives up and goes on as a new producer.
 */
import { Errors, initProducerId, produce } from '../../../protocol/index.ts'
import { buildBatch } from '../../../protocol/records/builder.ts'
import { PeerError } from '../../../src/network/peers.ts'
import type { Pending } from '../../history/history.ts'
import type { ProducerIdentity } from '../../history/operations.ts'
import { Client, indexOf, type Scene, topicOf, zeroId } from './client.ts'

/** What may go away by itself. The record may be written or not. */
const passing: ReadonlySet<number> = new Set([
  Errors.UNKNOWN_TOPIC_OR_PARTITION,
  Errors.LEADER_NOT_AVAILABLE,
  Errors.NOT_LEADER_OR_FOLLOWER,
  Errors.REQUEST_TIMED_OUT,
  Errors.BROKER_NOT_AVAILABLE,
  Errors.NETWORK_EXCEPTION,
  Errors.NOT_ENOUGH_REPLICAS,
  Errors.NOT_ENOUGH_REPLICAS_AFTER_APPEND,
  Errors.KAFKA_STORAGE_ERROR,
  Errors.FENCED_LEADER_EPOCH,
  Errors.UNKNOWN_LEADER_EPOCH,
  Errors.UNKNOWN_TOPIC_ID,
  Errors.COORDINATOR_LOAD_IN_PROGRESS,
  Errors.NOT_CONTROLLER,
])

/** Refused before anything was written. */
const refused: ReadonlySet<number> = new Set([
  Errors.UNKNOWN_TOPIC_OR_PARTITION,
  Errors.UNKNOWN_TOPIC_ID,
  Errors.NOT_ENOUGH_REPLICAS,
])

type Reply =
  | { readonly kind: 'ok'; readonly offset: number | null }
  | { readonly kind: 'again'; readonly error: string; readonly sure: boolean }
  | { readonly kind: 'never'; readonly error: string; readonly code: number }

interface Batch {
  readonly values: readonly string[]
  readonly sequence: number
  readonly operation: Pending<'produce'>
  readonly deadlineMs: number
  /** Null while it is in flight. */
  reply: Reply | null
  /** An attempt of it may have been written. */
  exposed: boolean
  /** Whom it was last sent to. */
  leaderId: number
}

/** From one initialization to the next. */
interface Life {
  over: boolean
  /** What it knows of leaders may be old. */
  stale: boolean
  /** Partitions that have acknowledged something. */
  readonly known: Set<string>
}

export interface ProducerOptions {
  readonly idempotent: boolean
  /** Sends again what failed. */
  readonly repeats: boolean
  readonly acks: -1 | 1
  readonly partitions: readonly string[]
  readonly deliveryTimeoutMs: number
}

export class Producer extends Client {
  readonly #options: ProducerOptions
  #identity: ProducerIdentity
  #generation = 0
  #values = 0
  #id = -1
  #epoch = -1
  acknowledged = 0

  constructor(scene: Scene, name: string, options: ProducerOptions) {
    super(scene, name)
    this.#options = options
    this.#identity = this.#newIdentity()
  }

  /** Until it is told to stop. */
  async run(): Promise<void> {
    await this.refresh()
    while (!this.stopping) {
      if (this.#options.idempotent && !(await this.#initialise())) {
        await this.sleep(100)
        continue
      }
      const life: Life = { over: false, stale: false, known: new Set() }
      await Promise.all(this.#options.partitions.map(partition => this.#write(partition, life)))
      this.#identity = this.#newIdentity()
    }
  }

  #newIdentity(): ProducerIdentity {
    const { idempotent, repeats, acks } = this.#options
    return { name: `${this.name}.${this.#generation++}`, idempotent, repeats, acks }
  }

  async #initialise(): Promise<boolean> {
    try {
      const answer = await this.ask(this.anyone(), initProducerId, {
        transactionalId: null,
        transactionTimeoutMs: 60_000,
      })
      this.#id = answer.producerId
      this.#epoch = answer.producerEpoch
      return answer.errorCode === 0
    } catch (error) {
      if (!(error instanceof PeerError)) throw error
      return false
    }
  }

  /** One partition, until this producer gives up or is told to stop. */
  async #write(partition: string, life: Life): Promise<void> {
    const { work } = this.scene
    const inFlightMax = this.#options.idempotent ? 1 + this.host.random.below(work.inFlightMax) : 1
    let sequence = 0
    /** In order; those at the front may be answered. */
    let waiting: Batch[] = []
    let wake: () => void = () => {}
    const answered = () => wake()
    while (!(this.stopping && waiting.length === 0) && !life.over) {
      // A broker that does not know this producer takes any sequence first: no batch overtakes the first one, or one to
      // another leader.
      const leaderId = this.leaders.get(partition)?.id ?? -1
      const mayFollow =
        waiting.length === 0 ||
        (life.known.has(partition) && waiting.every(batch => batch.reply === null && batch.leaderId === leaderId))
      if (waiting.length < inFlightMax && mayFollow && !this.stopping) {
        const batch = this.#newBatch(partition, sequence)
        sequence += batch.values.length
        waiting.push(batch)
        void this.#send(partition, batch, answered)
      }
      if (waiting.length >= inFlightMax || !mayFollow || this.stopping || this.host.random.oneIn(2)) {
        await new Promise<void>(resolve => {
          wake = resolve
          if (waiting.some(({ reply }) => reply !== null)) resolve()
        })
      }
      waiting = this.#settle(partition, waiting, life)
      if (life.over) break
      if (waiting.some(({ reply }) => reply !== null)) {
        // Something failed for now: when all are answered, what is left is sent again, in order.
        while (waiting.some(({ reply }) => reply === null)) {
          await new Promise<void>(resolve => {
            wake = resolve
          })
        }
        waiting = this.#settle(partition, waiting, life)
        if (life.over) break
        await this.refresh()
        await this.sleep(20 + this.host.random.below(150))
        for (const batch of waiting) {
          batch.reply = null
          void this.#send(partition, batch, answered)
        }
      } else if (life.stale) {
        life.stale = false
        await this.refresh()
      } else if (!this.stopping && work.thinkMaxMs > 0) await this.sleep(this.host.random.below(work.thinkMaxMs))
    }
    for (const { operation, reply, exposed } of waiting) {
      if (reply?.kind === 'ok') operation.ok({ offset: reply.offset })
      else if (reply?.kind === 'again' && reply.sure && !exposed) operation.fail('given up')
      else operation.info('given up')
    }
  }

  /** Ends what is answered for good. Those that are left are still to be written, or in flight. */
  #settle(partition: string, waiting: Batch[], life: Life): Batch[] {
    const nowMs = this.host.clock.monotonic()
    const left: Batch[] = []
    for (const batch of waiting) {
      const { reply, operation, values } = batch
      if (reply?.kind === 'ok') {
        operation.ok({ offset: reply.offset })
        life.known.add(partition)
        this.acknowledged += values.length
      } else if (reply?.kind === 'again') {
        if (!reply.sure) batch.exposed = true
        if (!this.#options.repeats) {
          life.stale = true
          if (batch.exposed) operation.info(reply.error)
          else operation.fail(reply.error)
          continue
        }
        if (nowMs > batch.deadlineMs) {
          this.say(`gives up on ${values[0]} to ${partition}: ${reply.error}`)
          life.over = true
        }
        left.push(batch)
      } else if (reply?.kind === 'never') {
        const isGap = reply.code === Errors.OUT_OF_ORDER_SEQUENCE_NUMBER && left.length > 0
        left.push(batch)
        if (isGap) {
          batch.reply = { kind: 'again', error: reply.error, sure: true }
          continue
        }
        this.say(`${partition}, sequence ${batch.sequence}: ${reply.error}`)
        const isForgotten =
          reply.code === Errors.OUT_OF_ORDER_SEQUENCE_NUMBER || reply.code === Errors.UNKNOWN_PRODUCER_ID
        // All before it is acknowledged, so the leader must know its producer. A batch that may have been written before is
        // another matter: of a log that was loaded, as in Apache Kafka, only the last batch of a producer is remembered.
        if (isForgotten && !batch.exposed) {
          this.scene.world.violate(`${this.name} to ${partition}: ${reply.error} for sequence ${batch.sequence}`)
        }
        batch.exposed = true
        life.over = true
      } else left.push(batch)
    }
    return left
  }

  #newBatch(partition: string, sequence: number): Batch {
    const { work, history } = this.scene
    const { random, clock } = this.host
    const values = Array.from({ length: 1 + random.below(3) }, () => `${this.name}:${this.#values++}`)
    const operation = history.invoke(this.#identity.name, 'produce', { partition, values, producer: this.#identity })
    const deadlineMs = clock.monotonic() + this.#options.deliveryTimeoutMs
    return {
      values: values.map(value => value.padEnd(random.below(work.valueBytesMax))),
      sequence,
      operation,
      deadlineMs,
      reply: null,
      exposed: false,
      leaderId: -1,
    }
  }

  async #send(partition: string, batch: Batch, answered: () => void): Promise<void> {
    batch.reply = null
    const reply = await this.#attempt(partition, batch)
    batch.reply = reply
    answered()
  }

  async #attempt(partition: string, batch: Batch): Promise<Reply> {
    const leader = this.leaderOf(partition)
    batch.leaderId = leader?.id ?? -1
    if (!leader) {
      await this.sleep(50)
      return { kind: 'again', error: 'no leader is known', sure: true }
    }
    const { idempotent, acks } = this.#options
    const topic = topicOf(partition)
    const records = buildBatch({
      records: batch.values.map(value => ({ key: null, value: Buffer.from(value) })),
      baseTimestamp: this.host.clock.now(),
      ...(idempotent && { producerId: this.#id, producerEpoch: this.#epoch, baseSequence: batch.sequence }),
    })
    try {
      const answer = await this.ask(leader.endpoint, produce, {
        transactionalId: null,
        acks,
        timeoutMs: this.scene.work.requestTimeoutMs,
        topicData: [
          {
            name: topic,
            topicId: this.topicIds.get(topic) ?? zeroId,
            partitionData: [{ index: indexOf(partition), records }],
          },
        ],
      })
      const { errorCode, baseOffset, currentLeader } = answer.responses[0].partitionResponses[0]
      if (currentLeader.leaderId >= 0) {
        this.learn(partition, { id: currentLeader.leaderId, epoch: currentLeader.leaderEpoch })
      }
      if (errorCode === Errors.NONE) return { kind: 'ok', offset: baseOffset < 0 ? null : baseOffset }
      if (errorCode === Errors.DUPLICATE_SEQUENCE_NUMBER) return { kind: 'ok', offset: null }
      const error = `error ${errorCode}`
      if (passing.has(errorCode)) return { kind: 'again', error, sure: refused.has(errorCode) }
      return { kind: 'never', error, code: errorCode }
    } catch (error) {
      if (!(error instanceof PeerError)) throw error
      return { kind: 'again', error: error.message, sure: error.reason === 'unreachable' || error.reason === 'version' }
    }
  }
}
