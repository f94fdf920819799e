/**
 * Changes of in-sync sets on their way to the controller: those of many partitions in one AlterPartition request, one
 * request at a time.
 */
import { type ErrorCode, Errors } from '../../protocol/errors.ts'
import type { alterPartition } from '../../protocol/messages/56-alter-partition.ts'
import type { DecodedResponseOf, RequestInputOf } from '../../protocol/schema.ts'
import type { Clock, Logger } from '../host/host.ts'
import type { IsrProposal } from './leadership.ts'

export type AlterPartitionRequest = RequestInputOf<typeof alterPartition>
export type AlterPartitionResponse = DecodedResponseOf<typeof alterPartition>

/** What became of one proposal. */
export interface IsrAnswer {
  readonly errorCode: ErrorCode
  readonly leaderEpoch: number
  readonly isr: readonly number[]
  readonly partitionEpoch: number
}

export interface IsrUpdate {
  readonly topicId: string
  readonly index: number
  readonly proposal: IsrProposal
  /** Whether the answer still matters: metadata may have been faster. */
  isCurrent(): boolean
  /** Called once, unless the update is no longer current. True asks for another attempt. */
  answered(answer: IsrAnswer): boolean
}

export interface IsrUpdatesOptions {
  readonly clock: Clock
  readonly log: Logger
  readonly brokerId: number
  readonly brokerEpoch: () => number
  /** Asks the controller. Rejects when it cannot be asked. */
  readonly alterPartition: (request: AlterPartitionRequest) => Promise<AlterPartitionResponse>
}

/** Pause after a request that failed as a whole, and before a single change is tried again. */
const retryMs = 50

export class IsrUpdates {
  readonly #options: IsrUpdatesOptions
  #waiting: IsrUpdate[] = []
  #busy = false
  #closed = false

  constructor(options: IsrUpdatesOptions) {
    this.#options = options
  }

  submit(update: IsrUpdate): void {
    this.#waiting.push(update)
    // What else comes up in this turn goes along.
    if (this.#waiting.length === 1 && !this.#busy) this.#options.clock.soon(() => this.#send())
  }

  close(): void {
    this.#closed = true
    this.#waiting = []
  }

  #send(): void {
    if (this.#busy || this.#closed) return
    const updates = this.#waiting.filter(update => update.isCurrent())
    this.#waiting = []
    if (updates.length === 0) return
    this.#busy = true
    const { clock, log } = this.#options
    const rest = (failed: string) => {
      log.warn({ failed, partitions: updates.length }, 'the controller could not be asked to change in-sync replicas')
      this.#waiting.push(...updates)
      clock.after(retryMs, () => this.#next())
    }
    this.#options.alterPartition(this.#request(updates)).then(
      response => {
        if (response.errorCode !== Errors.NONE) return rest(`error ${response.errorCode}`)
        this.#settle(updates, response)
        this.#next()
      },
      (error: Error) => rest(error.message),
    )
  }

  #next(): void {
    this.#busy = false
    if (this.#waiting.length > 0) this.#send()
  }

  #request(updates: readonly IsrUpdate[]): AlterPartitionRequest {
    const topics = new Map<string, AlterPartitionRequest['topics'][number]['partitions'][number][]>()
    for (const { topicId, index, proposal } of updates) {
      const partitions = topics.get(topicId) ?? []
      topics.set(topicId, partitions)
      partitions.push({
        partitionIndex: index,
        leaderEpoch: proposal.leaderEpoch,
        newIsr: proposal.isr.map(({ brokerId }) => brokerId),
        newIsrWithEpochs: proposal.isr,
        leaderRecoveryState: 0,
        partitionEpoch: proposal.partitionEpoch,
      })
    }
    const { brokerId, brokerEpoch } = this.#options
    return {
      brokerId,
      brokerEpoch: brokerEpoch(),
      topics: [...topics].map(([topicId, partitions]) => ({ topicId, partitions })),
    }
  }

  #settle(updates: readonly IsrUpdate[], response: AlterPartitionResponse): void {
    const answers = new Map<string, IsrAnswer>()
    for (const { topicId, partitions } of response.topics) {
      for (const { partitionIndex, errorCode, leaderEpoch, isr, partitionEpoch } of partitions) {
        answers.set(`${topicId}:${partitionIndex}`, {
          errorCode: errorCode as ErrorCode,
          leaderEpoch,
          isr,
          partitionEpoch,
        })
      }
    }
    for (const update of updates) {
      if (!update.isCurrent()) continue
      const answer = answers.get(`${update.topicId}:${update.index}`)
      if (answer && !update.answered(answer)) continue
      this.#options.clock.after(retryMs, () => {
        if (!this.#closed) this.submit(update)
      })
    }
  }
}
