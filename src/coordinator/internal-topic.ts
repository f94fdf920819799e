/** A topic that coordinators keep their state in: made when it is first needed, and shared out by the hash of a key. */
import { Errors, KafkaError } from '../../protocol/errors.ts'
import type { MetadataState } from '../metadata/state.ts'
import { partitionOf } from './partition-of.ts'

export interface InternalTopicOptions {
  readonly name: string
  readonly metadata: MetadataState
  /** Partitions that it is made with. */
  readonly partitionsCount: number
  /** Creates it with its settings and waits until its partitions are led; tells the error, if any. */
  readonly create: () => Promise<number>
}

export class InternalTopic {
  readonly #options: InternalTopicOptions
  #creating: Promise<number> | null = null

  constructor(options: InternalTopicOptions) {
    this.#options = options
  }

  /** The partition that a key belongs to. */
  partitionOf(key: string): number {
    const { name, metadata, partitionsCount } = this.#options
    return partitionOf(key, metadata.topics.get(name)?.partitions.length || partitionsCount)
  }

  /** The broker that leads the partition of a key; -1 while there is none. */
  leaderOf(key: string): number {
    const { name, metadata } = this.#options
    return metadata.partition(name, this.partitionOf(key))?.leader ?? -1
  }

  /** Creates the topic unless it is there. Calls at the same time share one attempt. Answers the error, if any. */
  ensure(): Promise<number> {
    const { name, metadata } = this.#options
    if (metadata.topics.has(name)) return this.#creating ?? Promise.resolve(Errors.NONE)
    this.#creating ??= this.#create().finally(() => {
      this.#creating = null
    })
    return this.#creating
  }

  async #create(): Promise<number> {
    let error: number
    try {
      error = await this.#options.create()
    } catch (failure) {
      if (!(failure instanceof KafkaError)) throw failure
      error = failure.code
    }
    return error === Errors.TOPIC_ALREADY_EXISTS ? Errors.NONE : error
  }
}
