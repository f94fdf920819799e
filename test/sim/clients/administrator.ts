/** Makes the topics of a simulated cluster. */
import { createTopics, Errors } from '../../../protocol/index.ts'
import { PeerError } from '../../../src/network/peers.ts'
import type { TopicOptions } from '../options.ts'
import { Client, type Scene } from './client.ts'

export class Administrator extends Client {
  readonly #topics: readonly TopicOptions[]
  done = false

  constructor(scene: Scene, name: string, topics: readonly TopicOptions[]) {
    super(scene, name)
    this.#topics = topics
  }

  /** Until all topics exist. */
  async run(): Promise<void> {
    const missing = new Map(this.#topics.map(topic => [topic.name, topic]))
    while (!this.stopping && missing.size > 0) {
      for (const topic of [...missing.values()]) {
        const errorCode = await this.#create(topic)
        if (errorCode === Errors.NONE || errorCode === Errors.TOPIC_ALREADY_EXISTS) missing.delete(topic.name)
        else await this.sleep(100)
      }
    }
    while (!this.stopping && !this.scene.partitions.every(partition => this.leaderOf(partition))) {
      await this.refresh()
      await this.sleep(50)
    }
    this.done = true
  }

  async #create({ name, partitions, replicas, minIsr }: TopicOptions): Promise<number> {
    try {
      const answer = await this.ask(this.anyone(), createTopics, {
        topics: [
          {
            name,
            numPartitions: partitions,
            replicationFactor: replicas,
            assignments: [],
            configs: [{ name: 'min.insync.replicas', value: String(minIsr) }],
          },
        ],
        timeoutMs: 5000,
      })
      const [{ errorCode, errorMessage }] = answer.topics
      if (errorCode !== 0) this.say(`create ${name}: error ${errorCode} ${errorMessage ?? ''}`)
      return errorCode
    } catch (error) {
      if (!(error instanceof PeerError)) throw error
      return Errors.NETWORK_EXCEPTION
    }
  }
}
