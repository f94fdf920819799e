/** Moves replicas of a simulated cluster about, changes its mind, and has preferred leaders elected. */
import { alterPartitionReassignments, electLeaders } from '../../../protocol/index.ts'
import { PeerError } from '../../../src/network/peers.ts'
import { Client, indexOf, type Scene, topicOf } from './client.ts'

const pauseMinMs = 300
const pauseMaxMs = 6000
/** As many as min.insync.replicas asks for. */
const replicasMin = 2
const preferred = 0

export class Mover extends Client {
  readonly #brokers: readonly number[]
  readonly #random
  /** Moves that were accepted. */
  moves = 0

  constructor(scene: Scene, name: string, brokers: readonly number[]) {
    super(scene, name)
    this.#brokers = brokers
    this.#random = scene.world.random.fork()
  }

  async run(): Promise<void> {
    while (!this.stopping) {
      await this.sleep(pauseMinMs + this.#random.below(pauseMaxMs - pauseMinMs))
      if (this.stopping) return
      await this.refresh()
      try {
        if (this.#random.oneIn(4)) await this.#elect()
        else await this.#move(this.#random.oneIn(4) ? null : this.#someReplicas())
      } catch (error) {
        if (!(error instanceof PeerError)) throw error
      }
    }
  }

  #someReplicas(): number[] {
    const left = [...this.#brokers]
    const count = replicasMin + this.#random.below(left.length - replicasMin + 1)
    return Array.from({ length: count }, () => left.splice(this.#random.below(left.length), 1)[0])
  }

  async #move(replicas: number[] | null): Promise<void> {
    const partition = this.#random.pick(this.scene.partitions)
    const { errorCode, responses } = await this.ask(this.anyone(), alterPartitionReassignments, {
      timeoutMs: 5000,
      topics: [{ name: topicOf(partition), partitions: [{ partitionIndex: indexOf(partition), replicas }] }],
    })
    const answered = errorCode || responses[0].partitions[0].errorCode
    if (answered === 0) this.moves++
    this.say(`${replicas ? `move ${partition} to ${replicas.join()}` : `cancel the move of ${partition}`}: ${answered}`)
  }

  async #elect(): Promise<void> {
    await this.ask(this.anyone(), electLeaders, { electionType: preferred, topicPartitions: null, timeoutMs: 5000 })
  }
}
