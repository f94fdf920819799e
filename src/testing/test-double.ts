/** What a broker and a cluster of a test have in common: what comes in, what time it is, and what is inside. */
import type { BrokerOptions } from '../cluster/embedded.ts'
import type { Clock, Host } from '../host/host.ts'
import { nodeHost } from '../host/node.ts'
import type { ApiName } from './bodies.ts'
import { Contents, type NewRecord, type ReadOptions, type StoredRecord, type TopicOptions } from './contents.ts'
import { type GroupState, Groups, type NewOffset } from './groups.ts'
import type { Rule } from './hooks.ts'
import { type Inside, Insider } from './inside.ts'
import { Interceptor } from './interceptor.ts'
import type { Journal, JournalLimits } from './journal.ts'
import type { Release } from './releases.ts'
import type { Seat, TestConnection } from './seat.ts'
import { TestClock } from './test-clock.ts'
import { type Emulation, VersionCaps } from './version-caps.ts'
import type { Apis, Where } from './where.ts'

export interface DoubleOptions {
  /** How much the journal keeps; default 10,000 requests or 64 MiB. */
  readonly journal?: Partial<JournalLimits>
  /** Plays an older Kafka: '2.8', or `{ release: '2.8', apis: { Fetch: '0-10', InitProducerId: null } }`. */
  readonly emulate?: Release | Emulation
}

/** What is made before the first broker. */
export interface Stage {
  readonly machine: Host
  readonly realClock: Clock
  readonly clock: TestClock
  readonly interceptor: Interceptor
}

/** Where clients come in; what brokers say to each other has listeners of its own. */
export const clientListener = 'PLAINTEXT'

/** `turns` of the event loop are enough for whatever follows from a timer. */
export function stageOf(options: DoubleOptions & Pick<BrokerOptions, 'logLevel'>, turns: number): Stage {
  const real = nodeHost({ logger: { level: options.logLevel ?? 'silent' } })
  const clock = new TestClock(real.clock, turns)
  const realClock = real.clock
  const { journal } = options
  const interceptor = new Interceptor({ clock, realClock, listener: clientListener, journal })
  interceptor.emulate(options.emulate === undefined ? null : new VersionCaps(options.emulate))
  return { machine: { ...real, clock }, realClock, clock, interceptor }
}

export abstract class TestDouble {
  /** What clients asked, and what they were told. */
  readonly journal: Journal
  /** The time of the brokers, which a test may move. */
  readonly clock: TestClock
  protected readonly insider: Insider
  readonly #interceptor: Interceptor
  readonly #emulated: Release | Emulation | null
  readonly #contents: Contents
  readonly #groups: Groups
  /** Steps that replace brokers follow each other. */
  #work: Promise<unknown> = Promise.resolve()

  constructor({ clock, realClock, interceptor }: Stage, inside: Inside, options: DoubleOptions) {
    this.#interceptor = interceptor
    this.#emulated = options.emulate ?? null
    this.insider = new Insider(inside, realClock)
    this.#contents = new Contents(this.insider, () => clock.now())
    this.#groups = new Groups(this.insider, this.#contents)
    this.journal = interceptor.journal
    this.clock = clock
  }

  /** The doors of the brokers that are running. */
  protected abstract get seats(): readonly Seat[]

  /**
   * Begins a hook on requests that match: `broker.on('Produce', { topic: 'orders' }).once().fail('NOT_LEADER_OR_FOLLOWER')`.
   * Nothing happens before its last word.
   */
  on<const N extends ApiName>(apis: Apis<N>, where: Where<N> = {}): Rule<N> {
    return this.#interceptor.on(apis, where)
  }

  /**
   * Plays an older Kafka from now on: '2.8', or `{ release: '2.8', apis: { Fetch: '0-10', InitProducerId: null } }`; null for
   * none. Clients ask what is served when they connect: `disconnectAll()` has them ask again.
   */
  emulate(wanted: Release | Emulation | null): void {
    this.#interceptor.emulate(wanted === null ? null : new VersionCaps(wanted))
  }

  /** The connections of clients that are open now. */
  get connections(): readonly TestConnection[] {
    return this.seats.flatMap(seat => seat.connections(clientListener))
  }

  /** Cuts the connections of all clients, or of those that match. */
  disconnectAll(isMeant: (connection: TestConnection) => boolean = () => true): void {
    for (const connection of this.connections) if (isMeant(connection)) connection.disconnect()
  }

  /** Makes a topic. Throws Error when there is one of that name, or a setting is wrong. */
  createTopic(name: string, options: TopicOptions = {}): Promise<void> {
    return this.insider.settled(() => this.#contents.createTopic(name, options))
  }

  deleteTopic(name: string): Promise<void> {
    return this.insider.settled(() => this.#contents.deleteTopic(name))
  }

  /** Every topic but the broker's own, by name. */
  get topics(): readonly { readonly name: string; readonly partitions: number }[] {
    return this.#contents.topics()
  }

  /** Writes records without a client, to a topic that is made when there is none. Resolves with the offset of each. */
  produce(topic: string, records: readonly (NewRecord | string | Uint8Array)[]): Promise<number[]> {
    return this.#contents.produce(topic, records)
  }

  /** Reads what is in a topic without a client: by partition, then by offset. */
  records(topic: string, options: ReadOptions = {}): Promise<StoredRecord[]> {
    return this.insider.settled(() => this.#contents.records(topic, options))
  }

  /** What the coordinator knows of a consumer group: state, members, committed offsets and lag. Null when there is none. */
  group(groupId: string): Promise<GroupState | null> {
    return this.insider.settled(() => this.#groups.group(groupId))
  }

  /** Commits offsets of a group that has no members, so that its next consumer begins there. */
  commitOffsets(groupId: string, offsets: readonly NewOffset[]): Promise<void> {
    return this.insider.settled(() => this.#groups.commitOffsets(groupId, offsets))
  }

  /** The beginning of the end: hooks let go, and time is real. */
  protected letGo(): void {
    this.#interceptor.stopAll()
    this.clock.reset()
  }

  /** As after the start, but for what is inside of the brokers. */
  protected forget(): void {
    this.emulate(this.#emulated)
    this.journal.clear()
  }

  /** Steps do not overlap, and time goes on in each. */
  protected next<T>(step: () => Promise<T>): Promise<T> {
    const work = this.#work.then(
      () => this.clock.whileGoing(step),
      () => this.clock.whileGoing(step),
    )
    this.#work = work.catch(() => {})
    return work
  }
}
