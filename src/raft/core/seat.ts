/** What the parts of the core share: who this node is, what it knows of log and voters, and how it asks for things. */
import type { Connections } from './connections.ts'
import type { Effect } from './effects.ts'
import type { Election, Role } from './election.ts'
import type { LogView } from './log-view.ts'
import type { Asked } from './messages.ts'
import type { NamedAddress, NodeAddress, ReplicaKey } from './replica-key.ts'
import type { QuorumTimeouts } from './timeouts.ts'
import type { VoterHistory } from './voter-history.ts'
import type { VersionRange, VoterSet } from './voter-set.ts'

export interface CoreOptions {
  readonly self: ReplicaKey
  /** False for a node that only follows, whoever the voters are. */
  readonly canVote: boolean
  readonly history: VoterHistory
  readonly log: LogView
  readonly timeouts: QuorumTimeouts
  readonly random: { below(n: number): number }
  /** Where to ask for the leader, beside the voters. */
  readonly bootstrap: readonly NodeAddress[]
  /** The listener by which members reach each other. */
  readonly listenerName: string
  /** Where this node listens for the others; empty when it doesn't. */
  readonly endpoints: readonly NamedAddress[]
  readonly kraftVersions: VersionRange
  /** Whether a node that may vote makes itself a voter (KIP-1186). */
  readonly autoJoin: boolean
  /** Offsets below are known to be committed: a snapshot holds them. */
  readonly highWatermark: number
}

export class Seat {
  readonly options: CoreOptions
  readonly log: LogView
  readonly history: VoterHistory
  readonly election: Election
  readonly connections: Connections
  /** Offsets below are durable here. */
  durableEnd: number
  /** The end of the log is being moved back, or a snapshot takes its place: neither fetch nor stand for election. */
  isBusy = false
  /** When the core wants to be called next. */
  deadlineMs = Number.POSITIVE_INFINITY
  readonly #emit: (effect: Effect) => void
  #highWatermark: number
  #lastSendId = 0

  constructor(options: CoreOptions, election: Election, connections: Connections, emit: (effect: Effect) => void) {
    this.options = options
    this.log = options.log
    this.history = options.history
    this.election = election
    this.connections = connections
    this.durableEnd = options.log.logEndOffset
    this.#emit = emit
    this.#highWatermark = options.highWatermark
  }

  get self(): ReplicaKey {
    return this.options.self
  }

  get epoch(): number {
    return this.election.epoch
  }

  get role(): Role {
    return this.election.role
  }

  get leaderId(): number {
    return this.election.leaderId
  }

  get voters(): VoterSet {
    return this.history.voters
  }

  get isVoter(): boolean {
    return this.options.canVote && this.election.isVoter
  }

  get isOnlyVoter(): boolean {
    return this.options.canVote && this.voters.isOnly(this.self)
  }

  get highWatermark(): number {
    return this.#highWatermark
  }

  /** Only ever forward. */
  raiseHighWatermark(offset: number): void {
    if (offset <= this.#highWatermark) return
    this.#highWatermark = offset
    this.#emit({ kind: 'highWatermark', offset })
  }

  emit(effect: Effect): void {
    this.#emit(effect)
  }

  addressOf(voterId: number): NodeAddress | null {
    return this.voters.addressOf(voterId, this.options.listenerName)
  }

  /** Of a node that tells where it listens. */
  addressIn(endpoints: readonly NamedAddress[]): NodeAddress | null {
    return endpoints.find(({ name }) => name === this.options.listenerName) ?? endpoints[0] ?? null
  }

  /** Nothing more goes to `place` for a while. */
  pause(place: string, nowMs: number, delayMs = this.options.timeouts.retryBackoffMs): void {
    this.connections.pause(place, nowMs + delayMs)
  }

  /** Sends unless something is under way to `place`, or it rests: then false. */
  ask(place: string, nodeId: number, to: NodeAddress, body: Asked, nowMs: number): boolean {
    const readyAtMs = this.connections.readyAtMs(place)
    if (readyAtMs === null) return false
    if (readyAtMs > nowMs) {
      this.wake(readyAtMs)
      return false
    }
    const id = ++this.#lastSendId
    this.connections.sent(place, id)
    const { requestTimeoutMs: timeoutMs } = this.options.timeouts
    this.#emit({ kind: 'send', send: { id, nodeId, to, body, timeoutMs, place } })
    return true
  }

  isDue(deadlineMs: number, nowMs: number): boolean {
    if (nowMs >= deadlineMs) return true
    this.wake(deadlineMs)
    return false
  }

  wake(atMs: number | null): void {
    if (atMs !== null) this.deadlineMs = Math.min(this.deadlineMs, atMs)
  }
}
