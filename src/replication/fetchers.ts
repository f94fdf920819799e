/** All fetchers of a broker: `num.replica.fetchers` for each leader, with every partition at one of them. */
import { Fetcher, type FetcherOptions } from './fetcher.ts'
import type { Partition } from './partition.ts'

export class Fetchers {
  readonly #options: FetcherOptions
  readonly #fetchers = new Map<string, Fetcher>()
  /** By partition. */
  readonly #assigned = new Map<string, Fetcher>()

  constructor(options: FetcherOptions) {
    this.#options = options
  }

  /** The partition follows the leader that it names now, and no other. */
  follow(partition: Partition): void {
    const key = `${partition.topicId}:${partition.index}`
    const fetcher = this.#fetcherOf(partition)
    const before = this.#assigned.get(key)
    if (before && before !== fetcher) this.unfollow(partition)
    this.#assigned.set(key, fetcher)
    fetcher.follow(partition)
  }

  unfollow(partition: Partition): void {
    const key = `${partition.topicId}:${partition.index}`
    this.#assigned.get(key)?.unfollow(partition.topicId, partition.index)
    this.#assigned.delete(key)
  }

  close(): void {
    for (const fetcher of this.#fetchers.values()) fetcher.close()
    this.#fetchers.clear()
    this.#assigned.clear()
  }

  #fetcherOf(partition: Partition): Fetcher {
    const { leaderId } = partition.state
    const index = fetcherIndex(partition, this.#options.settings.fetchersPerBroker)
    const key = `${leaderId}-${index}`
    let fetcher = this.#fetchers.get(key)
    if (!fetcher) {
      fetcher = new Fetcher(leaderId, index, this.#options)
      this.#fetchers.set(key, fetcher)
    }
    return fetcher
  }
}

/** Spreads the partitions of each topic. */
function fetcherIndex({ topic, index }: Partition, count: number): number {
  let hash = 0
  for (let at = 0; at < topic.length; at++) hash = (31 * hash + topic.charCodeAt(at)) | 0
  return ((hash >>> 1) + index) % count
}
