/** Hands out producer ids from blocks that the controller gives to this broker, so that no id is given twice. */
import { Errors, KafkaError } from '../../protocol/errors.ts'

export interface ProducerIdBlock {
  readonly firstId: number
  readonly count: number
}

/** The next block is asked for when this share of the current one is used. */
const prefetchShare = 0.9

export class ProducerIds {
  readonly #allocate: () => Promise<ProducerIdBlock>
  #current: ProducerIdBlock = { firstId: 0, count: 0 }
  #used = 0
  #next: ProducerIdBlock | null = null
  #fetching: Promise<void> | null = null

  /** `allocate` gets a block from the controller; throws KafkaError. */
  constructor(allocate: () => Promise<ProducerIdBlock>) {
    this.#allocate = allocate
  }

  /** A producer id that nobody had before. Throws KafkaError COORDINATOR_LOAD_IN_PROGRESS when there is none to be had now. */
  async next(): Promise<number> {
    while (this.#used >= this.#current.count) {
      if (!this.#next) await this.#fetch()
      // Another caller may have taken the block while this one waited.
      if (this.#used < this.#current.count) break
      if (!this.#next) continue
      this.#current = this.#next
      this.#used = 0
      this.#next = null
    }
    const id = this.#current.firstId + this.#used
    this.#used += 1
    // A failure here is met again, and told, by the one who finds the block empty.
    if (this.#used >= this.#current.count * prefetchShare && !this.#next) this.#fetch().catch(() => {})
    return id
  }

  #fetch(): Promise<void> {
    this.#fetching ??= this.#allocate()
      .then(
        block => {
          this.#next = block
        },
        error => {
          if (!(error instanceof KafkaError)) throw error
          throw new KafkaError(Errors.COORDINATOR_LOAD_IN_PROGRESS)
        },
      )
      .finally(() => {
        this.#fetching = null
      })
    return this.#fetching
  }
}
