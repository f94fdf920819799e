/**
 * The clients that ask for subscriptions and push metrics, by the id that each instance was given: when they may come again,
 * and whether they said goodbye. The least recently seen are forgotten first; one that is forgotten may just come again.
 */
import { type ErrorCode, Errors, KafkaError } from '../../protocol/errors.ts'
import type { ClientTraits, Subscriptions, Wanted } from './subscriptions.ts'

interface Instance {
  wanted: Wanted
  /** Of the subscriptions by which `wanted` was found. */
  version: number
  /** Monotonic, -Infinity before the first. */
  askedMs: number
  pushedMs: number
  terminating: boolean
  lastError: ErrorCode
}

export interface Push {
  readonly subscriptionId: number
  readonly terminating: boolean
  readonly compressionType: number
  readonly bytes: number
}

export interface ClientInstancesOptions {
  readonly subscriptions: Subscriptions
  readonly instancesMax: number
  /** Of the metrics in a push, as they come. */
  readonly pushBytesMax: number
  readonly compressionTypes: readonly number[]
}

export class ClientInstances {
  readonly #options: ClientInstancesOptions
  /** The least recently seen first. */
  readonly #instances = new Map<string, Instance>()

  constructor(options: ClientInstancesOptions) {
    this.#options = options
  }

  get size(): number {
    return this.#instances.size
  }

  /** What is wanted of a client that asks. Throws KafkaError THROTTLING_QUOTA_EXCEEDED when it asks too early. */
  ask(traits: ClientTraits, nowMs: number): Wanted {
    const instance = this.#instanceOf(traits)
    const { askedMs, pushedMs, wanted, lastError } = instance
    const mayAskAnyTime =
      lastError === Errors.UNKNOWN_SUBSCRIPTION_ID || lastError === Errors.UNSUPPORTED_COMPRESSION_TYPE
    if (nowMs - Math.max(askedMs, pushedMs) >= wanted.intervalMs) instance.askedMs = nowMs
    else if (!mayAskAnyTime) {
      instance.lastError = Errors.THROTTLING_QUOTA_EXCEEDED
      throw new KafkaError(Errors.THROTTLING_QUOTA_EXCEEDED)
    }
    instance.lastError = Errors.NONE
    return wanted
  }

  /** Whether what a client pushes is wanted; it may be empty. Throws KafkaError for what is refused. */
  push(traits: ClientTraits, push: Push, nowMs: number): Wanted {
    const instance = this.#instanceOf(traits)
    try {
      this.#check(instance, push, nowMs)
    } catch (error) {
      if (error instanceof KafkaError) instance.lastError = error.code
      throw error
    }
    instance.lastError = Errors.NONE
    return instance.wanted
  }

  #check(instance: Instance, push: Push, nowMs: number): void {
    if (instance.terminating) throw new KafkaError(Errors.INVALID_REQUEST, 'the client has said that it terminates')
    // The first push may come at any time: clients spread them.
    const isFirst = instance.askedMs > instance.pushedMs
    if (isFirst || nowMs - instance.pushedMs >= instance.wanted.intervalMs) instance.pushedMs = nowMs
    else if (!push.terminating) throw new KafkaError(Errors.THROTTLING_QUOTA_EXCEEDED)
    if (push.subscriptionId !== instance.wanted.subscriptionId) throw new KafkaError(Errors.UNKNOWN_SUBSCRIPTION_ID)
    const { compressionTypes, pushBytesMax } = this.#options
    if (push.compressionType !== 0 && !compressionTypes.includes(push.compressionType)) {
      throw new KafkaError(Errors.UNSUPPORTED_COMPRESSION_TYPE)
    }
    if (push.bytes > pushBytesMax) throw new KafkaError(Errors.TELEMETRY_TOO_LARGE)
    instance.terminating = push.terminating
  }

  #instanceOf(traits: ClientTraits): Instance {
    const id = traits.client_instance_id
    const { subscriptions, instancesMax } = this.#options
    const { version } = subscriptions
    const known = this.#instances.get(id)
    // When subscriptions change, nobody has to wait for the end of an interval that does not hold any more.
    const instance = known?.version === version ? known : freshInstance(subscriptions.wantedOf(traits), version)
    this.#instances.delete(id)
    this.#instances.set(id, instance)
    for (const oldest of this.#instances.keys()) {
      if (this.#instances.size <= instancesMax) break
      this.#instances.delete(oldest)
    }
    return instance
  }
}

function freshInstance(wanted: Wanted, version: number): Instance {
  const never = Number.NEGATIVE_INFINITY
  return { wanted, version, askedMs: never, pushedMs: never, terminating: false, lastError: Errors.NONE }
}
