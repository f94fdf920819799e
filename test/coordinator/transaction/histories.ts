/**
 * A life of one transactional id from one seed: a client and the machine, partitions with the real producer state, requests
 * that are held up and arrive much later, answers that are lost, coordinators that move, markers that reach only some
 * partitions, time that runs out. What every transaction came to is compared with what the client was told.
 */
import { KafkaError } from '../../../protocol/errors.ts'
import type { WriteMarkers } from '../../../src/coordinator/transaction/events.ts'
import { type ProducerBatch, ProducerState } from '../../../src/log/producer-state.ts'
import { SimRandom } from '../../sim/random.ts'
import { Scenario } from './scenario.ts'

export interface LifeOptions {
  /** 1 names partitions beforehand and keeps its epoch, 2 does neither. */
  readonly generation: 1 | 2
  /** A mistake for the check to find: late requests are served. */
  readonly servesLate?: boolean
}

interface Written {
  readonly transaction: number
  readonly partition: number
  fate: 'open' | 'committed' | 'aborted'
}

class Partition {
  readonly state = new ProducerState()
  readonly written: Written[] = []
  #end = 0
  #open = new Map<number, Written[]>()

  /** Null when it was taken. */
  append(batch: ProducerBatch, written: Written, guard: symbol | null): KafkaError | null {
    try {
      if (this.state.check(batch, 'client', { transactionVersion: 0, guard })) return null
    } catch (error) {
      if (error instanceof KafkaError) return error
      throw error
    }
    this.state.apply(batch, this.#end, this.#end++, 0)
    this.written.push(written)
    this.#open.set(batch.producerId, [...(this.#open.get(batch.producerId) ?? []), written])
    return null
  }

  end({ producerId, producerEpoch, commit, transactionVersion }: WriteMarkers): void {
    const marker = { commit, coordinatorEpoch: 1 }
    const batch = { ...batchOf(producerId, producerEpoch, -1), marker }
    try {
      this.state.check(batch, 'coordinator', { transactionVersion })
    } catch (error) {
      if (error instanceof KafkaError) return
      throw error
    }
    this.state.apply(batch, this.#end, this.#end++, 0)
    for (const written of this.#open.get(producerId) ?? []) written.fate = commit ? 'committed' : 'aborted'
    this.#open.delete(producerId)
  }
}

function batchOf(producerId: number, producerEpoch: number, sequence: number): ProducerBatch {
  return {
    producerId,
    producerEpoch,
    baseSequence: sequence,
    lastSequence: sequence,
    maxTimestampMs: 0,
    isTransactional: true,
    marker: null,
  }
}

const partitionsCount = 3

export class Life {
  s = new Scenario({ timeoutMaxMs: 10_000_000 })
  readonly random: SimRandom
  readonly partitions = Array.from({ length: partitionsCount }, () => new Partition())
  /** What the client was told of its transactions. */
  readonly told = new Map<number, 'committed' | 'aborted' | 'unknown'>()
  readonly story: string[] = []
  readonly #options: LifeOptions
  #producer = ''
  #transaction = 0
  #isOpen = false
  #decision: boolean | null = null
  /** A write whose answer was lost: the transaction can only be aborted, and the sequences have to start anew. */
  #isSpoilt = false
  #connection = 1
  #lastConnection = 1
  #sequences = new Map<number, number>()
  #held: { readonly what: string; readonly run: () => void }[] = []

  constructor(seed: number, options: LifeOptions) {
    this.random = new SimRandom(seed)
    this.#options = options
    this.#init(null)
  }

  run(steps: number): void {
    for (let i = 0; i < steps; i++) this.#step()
    // Everything arrives in the end, and what is open is given up.
    for (let i = 0; i < 50; i++) {
      this.#deliverHeld()
      this.#markers(true)
      this.s.advance(2000)
    }
    this.s.advance(20_000_000)
    while (this.s.sends.length > 0) this.#markers(true)
  }

  /** What was not as promised. */
  problems(): string[] {
    const fates = new Map<number, Set<string>>()
    for (const { transaction, fate } of this.partitions.flatMap(({ written }) => written)) {
      fates.set(transaction, (fates.get(transaction) ?? new Set()).add(fate))
    }
    return [...fates].flatMap(([transaction, found]) => {
      const told = this.told.get(transaction) ?? 'unknown'
      const all = [...found].join(' and ')
      if (found.size > 1) return [`transaction ${transaction} is torn: ${all}`]
      if (found.has('open')) return [`transaction ${transaction} is never ended`]
      return told === 'unknown' || found.has(told) ? [] : [`transaction ${transaction} was ${told}, and is ${all}`]
    })
  }

  #step(): void {
    const { random } = this
    switch (random.below(12)) {
      case 0:
        return this.#deliverHeld()
      case 1:
      case 2:
      case 3:
        return this.#markers(false)
      case 4:
        if (random.oneIn(10)) return this.#restart()
        if (random.oneIn(15)) return this.#note('time runs out', () => this.s.advance(61_000))
        if (random.oneIn(15)) return this.#abandon('a new producer comes')
        this.s.advance(random.below(300))
        return
      default:
        return this.#client()
    }
  }

  #client(): void {
    if (this.#decision !== null) return this.#end(this.#decision)
    if (!this.#isOpen) {
      this.#isOpen = true
      this.#transaction += 1
      this.told.set(this.#transaction, 'unknown')
    }
    if (this.random.below(3) > 0) return this.#write(this.random.below(partitionsCount))
    // Clients end what they have begun: without a write there is nothing to end.
    if (this.partitions.some(({ written }) => written.some(({ transaction }) => transaction === this.#transaction))) {
      this.#decision = !this.#isSpoilt && this.random.below(3) > 0
    }
  }

  #write(partition: number): void {
    if (this.#isSpoilt) return
    const { generation } = this.#options
    const name = `p-${partition}`
    const added =
      generation === 1
        ? this.s.add(this.#producer, [name], { connectionId: this.#options.servesLate ? null : this.#connection }, 0)
        : 'NONE'
    if (added === 'CONCURRENT_TRANSACTIONS') return
    if (added !== 'NONE') return this.#abandon(added)
    const [producerId, epoch] = this.#producer.split(':').map(Number)
    const { state } = this.partitions[partition]
    const sequence = this.#sequences.get(partition) ?? 0
    let guard: symbol | null = null
    if (!state.hasOpenTransaction(producerId, epoch)) {
      guard = state.verification.begin(producerId, sequence, epoch, generation === 2, 0)
      const proof = this.#prove(producerId, epoch, name)
      if (proof === 'CONCURRENT_TRANSACTIONS') return
      if (proof !== 'NONE') return this.#abandon(proof)
    }
    const written: Written = { transaction: this.#transaction, partition, fate: 'open' }
    const append = () => this.partitions[partition].append(batchOf(producerId, epoch, sequence), written, guard)
    if (this.random.oneIn(12)) {
      this.#isSpoilt = true
      return this.#hold(`${this.#producer} writes ${this.#transaction} to ${name}`, append)
    }
    const error = append()
    this.story.push(`${this.#producer} writes ${this.#transaction} to ${name}: ${error?.message ?? 'taken'}`)
    if (error) return this.#abandon(error.message)
    this.#sequences.set(partition, sequence + 1)
  }

  #prove(producerId: number, producerEpoch: number, name: string): string {
    if (this.#options.generation === 2) return this.s.write(this.#producer, name)
    const event = { kind: 'verifyPartitions', transactionalId: 'tx', producerId, producerEpoch } as const
    const { errorCode, partitions } = this.s.ask(event)
    if (errorCode !== 0) return `error ${errorCode}`
    return partitions.get('p')?.has(Number(name.slice(2))) ? 'NONE' : 'not in the transaction'
  }

  #end(commit: boolean): void {
    const what = `${this.#producer} ${commit ? 'commits' : 'aborts'} ${this.#transaction}`
    const request = this.#endRequest(this.#producer, commit, this.#connection)
    if (this.random.oneIn(4)) {
      this.#hold(what, request)
      return this.#reconnect()
    }
    const answer = request()
    if (this.random.oneIn(6)) {
      this.story.push(`${what}: the answer is lost`)
      return this.#reconnect()
    }
    this.story.push(`${what}: ${answer}`)
    if (answer === 'CONCURRENT_TRANSACTIONS') return
    if (answer !== 'NONE' && !answer.includes(':')) return this.#abandon(answer)
    this.told.set(this.#transaction, commit ? 'committed' : 'aborted')
    this.#isOpen = false
    this.#decision = null
    if (answer.includes(':')) {
      this.#producer = answer
      this.#sequences.clear()
    }
    if (this.#isSpoilt) this.#init(this.#options.generation === 1 ? this.#producer : null)
  }

  #endRequest(producer: string, commit: boolean, connectionId: number): () => string {
    const asked = { connectionId: this.#options.servesLate ? null : connectionId }
    return () =>
      this.#options.generation === 2 ? this.s.end(producer, commit) : this.s.endOld(producer, commit, asked)
  }

  /** As a client that cannot go on: another one takes its place, and never knows what became of the transaction. */
  #abandon(why: string): void {
    this.story.push(`${this.#producer} gives up ${this.#transaction}: ${why}`)
    this.#isOpen = false
    this.#decision = null
    this.#reconnect()
    this.#init(null)
  }

  #init(current: string | null): void {
    for (let i = 0; i < 100; i++) {
      const answer = this.s.init(current, { connectionId: this.#connection })
      this.story.push(`init ${current ?? ''}: ${answer}`)
      if (answer.includes(':')) {
        this.#producer = answer
        this.#sequences.clear()
        this.#isSpoilt = false
        return
      }
      if (answer === 'PRODUCER_FENCED') current = null
      this.s.advance(1000)
      this.#markers(true)
    }
    throw new Error('InitProducerId does not come to an end')
  }

  #reconnect(): void {
    this.#connection = ++this.#lastConnection
  }

  #hold(what: string, run: () => unknown): void {
    this.story.push(`${what}: held up`)
    this.#held.push({ what, run: () => this.story.push(`late: ${what}: ${run() ?? 'taken'}`) })
  }

  #deliverHeld(): void {
    const [held] = this.#held.splice(this.random.below(this.#held.length), 1)
    held?.run()
  }

  /** The leaders of some partitions, or of all, write what they are asked for. */
  #markers(all: boolean): void {
    const send = this.s.sends[0]
    if (!send) return
    const names = [...(send.partitions.get('p') ?? [])].filter(() => all || this.random.below(3) > 0)
    for (const index of names) this.partitions[index].end(send)
    this.story.push(`markers of ${send.producerId}:${send.producerEpoch} in ${names.join()}: ${send.commit}`)
    this.s.answerMarkers(...(names.length > 0 ? names.map(index => `p-${index}`) : ['none-0']))
  }

  /** Connections to the coordinator that was are gone, and what they held. */
  #restart(): void {
    this.#note('another coordinator', () => {
      this.s = this.s.restarted()
      this.#held = this.#held.filter(({ what }) => what.includes('writes'))
      this.#reconnect()
    })
  }

  #note(what: string, run: () => void): void {
    this.story.push(what)
    run()
  }
}
