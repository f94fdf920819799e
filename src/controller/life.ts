/**
 * The life of a broker in its cluster, as a pure machine: registered (fenced), caught up with the metadata, ready with its
 * logs, unfenced, and at the end leaving in good order. Events in; what to send, and when to look again, out.
 */
import { Errors } from '../../protocol/errors.ts'

/**
 * `starting`: not registered, or behind with the metadata. `recovering`: caught up, its logs are being loaded, or it waits to
 * be unfenced. `running`: takes clients. `leaving`: its leaderships are being moved away. `gone`: nothing is left to wait for.
 */
export type LifeStage = 'starting' | 'recovering' | 'running' | 'leaving' | 'gone'

export type LifeEvent =
  /** The time that was asked for has passed. */
  | { readonly event: 'due' }
  /** This broker's metadata has moved: all offsets below are applied. */
  | { readonly event: 'applied'; readonly endOffset: number }
  | { readonly event: 'registered'; readonly brokerEpoch: number }
  | {
      readonly event: 'beaten'
      readonly isCaughtUp: boolean
      readonly isFenced: boolean
      readonly shouldShutDown: boolean
    }
  /** The controller refused a registration or a heartbeat. */
  | { readonly event: 'refused'; readonly errorCode: number }
  /** No answer came. */
  | { readonly event: 'unanswered' }
  /** The logs are loaded: clients may come. */
  | { readonly event: 'ready' }
  | { readonly event: 'leave' }

export interface LifeStep {
  readonly send: 'registration' | 'heartbeat' | null
  /** When 'due' is wanted, from now; it replaces what was asked for before. Null: no change. */
  readonly dueMs: number | null
}

export interface LifeTimes {
  /** Between two heartbeats. */
  readonly intervalMs: number
  /** After something moved: the next step is asked for at once. */
  readonly progressMs: number
  /** After a failure, doubling up to `intervalMs`. */
  readonly retryMs: number
  /** How long leaving may take in all. */
  readonly leaveMs: number
  /** How long leaving goes on while no controller answers. */
  readonly leaveUnansweredMs: number
}

export const lifeTimes: LifeTimes = {
  intervalMs: 2000,
  progressMs: 10,
  retryMs: 100,
  leaveMs: 120_000,
  leaveUnansweredMs: 3000,
}

const nothing: LifeStep = { send: null, dueMs: null }

export class Life {
  readonly #times: LifeTimes
  #stage: LifeStage = 'starting'
  #brokerEpoch = -1
  #isRegistered = false
  #isFenced = true
  #isReady = false
  #appliedEnd = 0
  #inFlight = false
  /** Something happened while a request was under way: the next follows soon. */
  #again = false
  #failures = 0
  #leaveSinceMs = 0
  #answeredMs = 0

  constructor(times: LifeTimes) {
    this.#times = times
  }

  get stage(): LifeStage {
    return this.#stage
  }

  /** -1 before the first registration. */
  get brokerEpoch(): number {
    return this.#brokerEpoch
  }

  get isFenced(): boolean {
    return this.#isFenced
  }

  get wantsFence(): boolean {
    return !this.#isReady
  }

  get wantsShutDown(): boolean {
    return this.#stage === 'leaving'
  }

  step(event: LifeEvent, nowMs: number): LifeStep {
    switch (event.event) {
      case 'due':
        return this.#due(nowMs)
      case 'applied':
        return this.#applied(event.endOffset)
      case 'registered':
        return this.#registered(event.brokerEpoch, nowMs)
      case 'beaten':
        return this.#beaten(event, nowMs)
      case 'refused':
        return this.#refused(event.errorCode, nowMs)
      case 'unanswered':
        return this.#failed(nowMs)
      case 'ready':
        this.#isReady = true
        return this.#soon()
      case 'leave':
        return this.#leave(nowMs)
    }
  }

  #due(nowMs: number): LifeStep {
    if (this.#stage === 'gone') return nothing
    if (this.#isLeaveOver(nowMs)) return this.#end()
    if (this.#inFlight) return nothing
    this.#inFlight = true
    this.#again = false
    return { send: this.#isRegistered ? 'heartbeat' : 'registration', dueMs: null }
  }

  /** The controller counts a broker as caught up when it knows of its own registration. */
  #applied(endOffset: number): LifeStep {
    const before = this.#appliedEnd
    this.#appliedEnd = endOffset
    const epoch = this.#brokerEpoch
    return this.#stage === 'starting' && epoch >= 0 && before <= epoch && endOffset > epoch ? this.#soon() : nothing
  }

  #registered(brokerEpoch: number, nowMs: number): LifeStep {
    this.#answered(nowMs)
    this.#brokerEpoch = brokerEpoch
    this.#isRegistered = true
    this.#isFenced = true
    return { send: null, dueMs: this.#times.progressMs }
  }

  #beaten({ isCaughtUp, isFenced, shouldShutDown }: Extract<LifeEvent, { event: 'beaten' }>, nowMs: number): LifeStep {
    this.#answered(nowMs)
    this.#isFenced = isFenced
    const { intervalMs, progressMs } = this.#times
    if (this.#stage === 'leaving') {
      if (shouldShutDown) return this.#end()
      // Leaderships move in an instant where there is somebody to take them.
      return { send: null, dueMs: Math.min(intervalMs, 10 * progressMs) }
    }
    if (this.#stage === 'starting' && isCaughtUp) {
      this.#stage = 'recovering'
      return { send: null, dueMs: this.#isReady ? progressMs : intervalMs }
    }
    if (this.#stage === 'recovering' && this.#isReady) {
      if (isFenced) return { send: null, dueMs: this.#again ? progressMs : Math.min(intervalMs, 10 * progressMs) }
      this.#stage = 'running'
    }
    return { send: null, dueMs: this.#again ? progressMs : intervalMs }
  }

  #refused(errorCode: number, nowMs: number): LifeStep {
    this.#answeredMs = nowMs
    if (this.#stage === 'leaving') return this.#end()
    // Nobody knows this registration any more: what was promised under it is not believed, a new one is made.
    if (errorCode === Errors.BROKER_ID_NOT_REGISTERED || errorCode === Errors.STALE_BROKER_EPOCH) {
      this.#isRegistered = false
      this.#isFenced = true
      if (this.#stage !== 'gone') this.#stage = 'starting'
    }
    return this.#failed(nowMs)
  }

  #failed(nowMs: number): LifeStep {
    this.#inFlight = false
    if (this.#isLeaveOver(nowMs)) return this.#end()
    const { retryMs, intervalMs } = this.#times
    const dueMs = Math.min(intervalMs, retryMs * 2 ** Math.min(this.#failures, 10))
    this.#failures++
    return { send: null, dueMs }
  }

  #leave(nowMs: number): LifeStep {
    if (this.#stage === 'leaving' || this.#stage === 'gone') return nothing
    // Who is fenced leads nothing.
    if (!this.#isRegistered || this.#isFenced) return this.#end()
    this.#stage = 'leaving'
    this.#leaveSinceMs = nowMs
    this.#answeredMs = nowMs
    this.#again = true
    const { progressMs, leaveUnansweredMs } = this.#times
    return { send: null, dueMs: this.#inFlight ? leaveUnansweredMs : progressMs }
  }

  #isLeaveOver(nowMs: number): boolean {
    if (this.#stage !== 'leaving') return false
    const { leaveMs, leaveUnansweredMs } = this.#times
    return nowMs - this.#leaveSinceMs >= leaveMs || nowMs - this.#answeredMs >= leaveUnansweredMs
  }

  #answered(nowMs: number): void {
    this.#inFlight = false
    this.#failures = 0
    this.#answeredMs = nowMs
  }

  #soon(): LifeStep {
    this.#again = true
    return this.#inFlight ? nothing : { send: null, dueMs: this.#times.progressMs }
  }

  #end(): LifeStep {
    this.#stage = 'gone'
    return nothing
  }
}
