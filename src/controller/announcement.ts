/**
 * A controller makes itself known to the cluster (KIP-919): its endpoints and the feature levels that it supports are in the
 * metadata, for those who administer controllers. Tried until it is done, and again when the feature levels change.
 */
import { Errors, KafkaError } from '../../protocol/errors.ts'
import { controllerRegistration } from '../../protocol/messages/70-controller-registration.ts'
import type { Cancel, Host } from '../host/host.ts'
import type { Endpoint, FeatureRange } from '../metadata/entities.ts'
import type { MetadataState } from '../metadata/state.ts'
import type { ControllerChannel } from './channel.ts'

export interface AnnouncementOptions {
  readonly host: Pick<Host, 'clock' | 'log' | 'random'>
  readonly channel: Pick<ControllerChannel, 'request'>
  readonly nodeId: number
  readonly endpoints: readonly Endpoint[]
  readonly features: readonly FeatureRange[]
  readonly metadata: MetadataState
}

/** One look for a controller, and the pause after a failure, milliseconds. */
const attemptMs = 30_000
const pauseMs = 1000

export class Announcement {
  readonly #options: AnnouncementOptions
  readonly #incarnationId: string
  readonly #stopListening: () => void
  #cancelPause: Cancel = () => {}
  #inFlight = false
  #again = false
  #closed = false

  constructor(options: AnnouncementOptions) {
    this.#options = options
    this.#incarnationId = options.host.random.uuid()
    this.#stopListening = options.metadata.listen({ featureChanged: () => this.#attempt() })
    this.#attempt()
  }

  close(): void {
    this.#closed = true
    this.#stopListening()
    this.#cancelPause()
  }

  #attempt(): void {
    if (this.#closed || this.#isKnown) return
    if (this.#inFlight) {
      this.#again = true
      return
    }
    this.#inFlight = true
    this.#again = false
    this.#announce().then(
      errorCode => this.#answered(errorCode),
      error => {
        if (!(error instanceof KafkaError)) throw error
        this.#answered(error.code)
      },
    )
  }

  get #isKnown(): boolean {
    const { metadata, nodeId } = this.#options
    return metadata.controllers.get(nodeId)?.incarnationId === this.#incarnationId
  }

  async #announce(): Promise<number> {
    const { channel, nodeId, endpoints, features } = this.#options
    const { errorCode } = await channel.request(
      controllerRegistration,
      {
        controllerId: nodeId,
        incarnationId: this.#incarnationId,
        zkMigrationReady: false,
        listeners: endpoints.map(endpoint => ({ ...endpoint })),
        features: features.map(feature => ({ ...feature })),
      },
      { timeoutMs: attemptMs },
    )
    return errorCode
  }

  #answered(errorCode: number): void {
    this.#inFlight = false
    // A metadata.version that is too old knows no registrations: a higher one is heard of.
    if (this.#closed || errorCode === Errors.NONE) return
    if (errorCode === Errors.UNSUPPORTED_VERSION && !this.#again) return
    this.#options.host.log.info({ errorCode }, 'this controller is not known to the cluster yet')
    this.#cancelPause()
    this.#cancelPause = this.#options.host.clock.after(pauseMs, () => this.#attempt())
  }
}
