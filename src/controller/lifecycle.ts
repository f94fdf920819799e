/** Lives the life of a broker (`life.ts`): registers, sends heartbeats, and tells those who wait how far it has come. */
import { Errors, KafkaError } from '../../protocol/errors.ts'
import { brokerRegistration } from '../../protocol/messages/62-broker-registration.ts'
import { brokerHeartbeat } from '../../protocol/messages/63-broker-heartbeat.ts'
import type { Cancel, Host } from '../host/host.ts'
import type { Waiter, Watermark } from '../lib/watermark.ts'
import type { Endpoint, FeatureRange } from '../metadata/entities.ts'
import type { ControllerChannel } from './channel.ts'
import { Life, type LifeEvent, type LifeStage, type LifeTimes, lifeTimes } from './life.ts'

export interface LifecycleOptions {
  readonly host: Pick<Host, 'clock' | 'log' | 'random'>
  readonly channel: Pick<ControllerChannel, 'request'>
  readonly brokerId: number
  readonly clusterId: string
  readonly endpoints: readonly Endpoint[]
  readonly features: readonly FeatureRange[]
  readonly rack: string | null
  /** Ids of the log directories. */
  readonly logDirs: readonly string[]
  readonly offlineLogDirs: () => readonly string[]
  /** The epoch in which this broker shut down in good order; -1 when it did not (KIP-966). */
  readonly previousBrokerEpoch: number
  /** Everything below is in this broker's metadata. */
  readonly applied: Watermark
  readonly registrationTimeoutMs: number
  readonly times?: Partial<LifeTimes>
}

interface Waiting {
  readonly stages: ReadonlySet<LifeStage>
  readonly done: () => void
  readonly failed: (error: Error) => void
}

const lane = 'heartbeat'
const leavingTimeoutMs = 500

export class Lifecycle {
  readonly #options: LifecycleOptions
  readonly #life: Life
  readonly #times: LifeTimes
  /** Made anew each time a broker starts. */
  readonly #incarnationId: string
  readonly #waiting = new Set<Waiting>()
  #cancelDue: Cancel = () => {}
  #cancelGiveUp: Cancel = () => {}
  #applied: Waiter | null = null
  #closed = false

  constructor(options: LifecycleOptions) {
    this.#options = options
    this.#times = { ...lifeTimes, ...options.times }
    this.#life = new Life(this.#times)
    this.#incarnationId = options.host.random.uuid()
  }

  /** -1 before the broker is registered. */
  get brokerEpoch(): number {
    return this.#life.brokerEpoch
  }

  get stage(): LifeStage {
    return this.#life.stage
  }

  /** Registers, and resolves when this broker's metadata is up to date. Rejects with KafkaError when no controller takes it. */
  start(): Promise<void> {
    const { host, registrationTimeoutMs } = this.#options
    this.#cancelGiveUp = host.clock.after(registrationTimeoutMs, () => {
      if (this.#life.brokerEpoch >= 0) return
      const problem = `no controller registered this broker within initial.broker.registration.timeout.ms=${registrationTimeoutMs}`
      this.#fail(new KafkaError(Errors.REQUEST_TIMED_OUT, problem))
    })
    this.#followMetadata()
    const caughtUp = this.#reached(['recovering', 'running'])
    this.#take({ event: 'due' })
    return caughtUp
  }

  /** The logs are loaded. Resolves when the controller has unfenced this broker: clients may come. */
  ready(): Promise<void> {
    const unfenced = this.#reached(['running'])
    this.#take({ event: 'ready' })
    return unfenced
  }

  /** Asks for its leaderships to be moved away, and resolves when they are, or when there is nothing left to wait for. */
  leave(): Promise<void> {
    const gone = this.#reached(['gone'])
    this.#take({ event: 'leave' })
    return gone
  }

  /** Something that a heartbeat tells has changed: the next one goes at once. */
  hurry(): void {
    this.#take({ event: 'due' })
  }

  /** No heartbeat any more. Who waits is told that it will not happen. */
  close(): void {
    this.#closed = true
    this.#cancelDue()
    this.#cancelGiveUp()
    this.#applied?.cancel()
    this.#fail(closing())
  }

  #reached(stages: readonly LifeStage[]): Promise<void> {
    if (stages.includes(this.#life.stage)) return Promise.resolve()
    if (this.#closed) return Promise.reject(closing())
    return new Promise((done, failed) => {
      this.#waiting.add({ stages: new Set(stages), done, failed })
    })
  }

  #fail(error: Error): void {
    const waiting = [...this.#waiting]
    this.#waiting.clear()
    for (const { failed } of waiting) failed(error)
  }

  #take(event: LifeEvent): void {
    if (this.#closed) return
    const { clock, log } = this.#options.host
    const before = this.#life.stage
    const { send, dueMs } = this.#life.step(event, clock.monotonic())
    const { stage, brokerEpoch } = this.#life
    if (stage !== before) {
      log.info({ stage, brokerEpoch }, 'the broker has moved on in its life')
      for (const waiting of [...this.#waiting]) {
        if (!waiting.stages.has(stage)) continue
        this.#waiting.delete(waiting)
        waiting.done()
      }
    }
    if (dueMs !== null) {
      this.#cancelDue()
      this.#cancelDue = clock.after(dueMs, () => this.#take({ event: 'due' }))
    }
    if (send) this.#send(send)
  }

  #send(what: 'registration' | 'heartbeat'): void {
    const sent = what === 'registration' ? this.#register() : this.#beat()
    sent.then(
      event => this.#take(event),
      error => {
        if (!(error instanceof KafkaError)) throw error
        this.#options.host.log.info({ what, error: error.message }, 'no controller answers')
        this.#take({ event: 'unanswered' })
      },
    )
  }

  async #register(): Promise<LifeEvent> {
    const { channel, brokerId, clusterId, endpoints, features, rack, logDirs, previousBrokerEpoch, host } =
      this.#options
    const { errorCode, brokerEpoch } = await channel.request(
      brokerRegistration,
      {
        brokerId,
        clusterId,
        incarnationId: this.#incarnationId,
        listeners: endpoints.map(endpoint => ({ ...endpoint })),
        features: features.map(feature => ({ ...feature })),
        rack,
        logDirs: [...logDirs],
        // Who registers again while it runs has lost nothing of what it held in its last epoch.
        previousBrokerEpoch: this.#life.brokerEpoch >= 0 ? this.#life.brokerEpoch : previousBrokerEpoch,
      },
      { lane, timeoutMs: this.#requestTimeoutMs },
    )
    if (errorCode !== Errors.NONE) {
      host.log.warn({ errorCode }, 'the controller refuses to register this broker')
      return { event: 'refused', errorCode }
    }
    this.#cancelGiveUp()
    return { event: 'registered', brokerEpoch }
  }

  async #beat(): Promise<LifeEvent> {
    const { channel, brokerId, applied, offlineLogDirs, host } = this.#options
    const { brokerEpoch, wantsFence, wantsShutDown } = this.#life
    const { errorCode, isCaughtUp, isFenced, shouldShutDown } = await channel.request(
      brokerHeartbeat,
      {
        brokerId,
        brokerEpoch,
        currentMetadataOffset: applied.value - 1,
        wantFence: wantsFence,
        wantShutDown: wantsShutDown,
        offlineLogDirs: [...offlineLogDirs()],
      },
      { lane, timeoutMs: this.#requestTimeoutMs },
    )
    if (errorCode !== Errors.NONE) {
      host.log.warn({ errorCode, brokerEpoch }, 'the controller refuses a heartbeat of this broker')
      return { event: 'refused', errorCode }
    }
    if (isFenced && !wantsFence && this.#life.stage === 'running') {
      host.log.warn({ brokerEpoch }, 'the controller had fenced this broker: its heartbeats came too late')
    }
    return { event: 'beaten', isCaughtUp, isFenced, shouldShutDown }
  }

  get #requestTimeoutMs(): number {
    // Who leaves looks often whether there is anybody to wait for.
    return this.#life.wantsShutDown ? leavingTimeoutMs : Math.max(this.#times.intervalMs, 1000)
  }

  #followMetadata(): void {
    const { applied } = this.#options
    this.#applied = applied.reached(applied.value + 1, failure => {
      if (failure || this.#closed) return
      this.#take({ event: 'applied', endOffset: applied.value })
      this.#followMetadata()
    })
  }
}

function closing(): KafkaError {
  return new KafkaError(Errors.BROKER_NOT_AVAILABLE, 'the broker is closing')
}
