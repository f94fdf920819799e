/**
 * Tells the controller in which log directories this broker's replicas lie (KIP-858), so that it knows whom the failure of a
 * directory concerns. Those of many partitions go in one request, one request at a time, until each is taken.
 */
import { Errors } from '../../protocol/errors.ts'
import type { assignReplicasToDirs } from '../../protocol/messages/73-assign-replicas-to-dirs.ts'
import type { DecodedResponseOf, RequestInputOf } from '../../protocol/schema.ts'
import type { Clock, Logger } from '../host/host.ts'

export type AssignDirectoriesRequest = RequestInputOf<typeof assignReplicasToDirs>
export type AssignDirectoriesResponse = DecodedResponseOf<typeof assignReplicasToDirs>

export interface DirectoryAssignmentsOptions {
  readonly clock: Clock
  readonly log: Logger
  readonly brokerId: number
  readonly brokerEpoch: () => number
  /** Rejects when the controller cannot be asked. */
  readonly assignDirectories: (request: AssignDirectoriesRequest) => Promise<AssignDirectoriesResponse>
}

interface Assignment {
  readonly topicId: string
  readonly index: number
  readonly directoryId: string
}

const retryMs = 500
/** Kafka takes no more in one request. */
const assignmentsPerRequest = 2000

export class DirectoryAssignments {
  readonly #options: DirectoryAssignmentsOptions
  /** By partition: the last word counts. */
  readonly #waiting = new Map<string, Assignment>()
  #planned = false
  #closed = false

  constructor(options: DirectoryAssignmentsOptions) {
    this.#options = options
  }

  submit(topicId: string, index: number, directoryId: string): void {
    this.#waiting.set(`${topicId}:${index}`, { topicId, index, directoryId })
    this.#plan(0)
  }

  close(): void {
    this.#closed = true
    this.#waiting.clear()
  }

  #plan(delayMs: number): void {
    if (this.#planned || this.#closed) return
    this.#planned = true
    this.#options.clock.after(delayMs, () => void this.#send())
  }

  async #send(): Promise<void> {
    const { brokerId, brokerEpoch, assignDirectories, log } = this.#options
    const sent = [...this.#waiting.values()].slice(0, assignmentsPerRequest)
    let retry = false
    if (sent.length > 0 && !this.#closed) {
      try {
        const response = await assignDirectories({ brokerId, brokerEpoch: brokerEpoch(), directories: grouped(sent) })
        retry = this.#answered(sent, response)
      } catch (error) {
        if (!(error instanceof Error)) throw error
        log.warn({ problem: error.message }, 'the controller could not be told where replicas lie')
        retry = true
      }
    }
    this.#planned = false
    if (this.#waiting.size > 0) this.#plan(retry ? retryMs : 0)
  }

  /** True when something has to be sent again. */
  #answered(sent: readonly Assignment[], response: AssignDirectoriesResponse): boolean {
    // Its metadata version knows no directories: there is nothing to tell.
    if (response.errorCode === Errors.UNSUPPORTED_VERSION) this.#waiting.clear()
    if (response.errorCode !== Errors.NONE) return true
    const codes = new Map<string, number>(
      response.directories.flatMap(({ topics }) =>
        topics.flatMap(({ topicId, partitions }) =>
          partitions.map(({ partitionIndex, errorCode }) => [`${topicId}:${partitionIndex}`, errorCode] as const),
        ),
      ),
    )
    let retry = false
    for (const assignment of sent) {
      const key = `${assignment.topicId}:${assignment.index}`
      if (this.#waiting.get(key) !== assignment) continue
      if (isSettled(codes.get(key))) this.#waiting.delete(key)
      else retry = true
    }
    return retry
  }
}

/** Taken, or about a replica that is gone. */
function isSettled(errorCode: number | undefined): boolean {
  return (
    errorCode === Errors.NONE ||
    errorCode === Errors.UNKNOWN_TOPIC_ID ||
    errorCode === Errors.UNKNOWN_TOPIC_OR_PARTITION ||
    errorCode === Errors.NOT_LEADER_OR_FOLLOWER
  )
}

function grouped(assignments: readonly Assignment[]): AssignDirectoriesRequest['directories'] {
  const directories = new Map<string, Map<string, { partitionIndex: number }[]>>()
  for (const { topicId, index, directoryId } of assignments) {
    const topics = directories.get(directoryId) ?? new Map<string, { partitionIndex: number }[]>()
    directories.set(directoryId, topics)
    topics.set(topicId, [...(topics.get(topicId) ?? []), { partitionIndex: index }])
  }
  return [...directories].map(([id, topics]) => ({
    id,
    topics: [...topics].map(([topicId, partitions]) => ({ topicId, partitions })),
  }))
}
