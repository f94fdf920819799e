/** A client with a wrong idea of who leads: it must be told so, and never be served. */
import { Errors, fetch } from '../../../protocol/index.ts'
import { PeerError } from '../../../src/network/peers.ts'
import { Client, indexOf, topicOf, zeroId } from './client.ts'

const pauseMs = 700
/** Nobody has come so far. */
const epochsAhead = 1_000_000

export class Prober extends Client {
  async run(): Promise<void> {
    await this.refresh()
    while (!this.stopping) {
      await this.sleep(pauseMs)
      const partition = this.host.random.pick(this.scene.partitions)
      const leader = this.leaderOf(partition)
      if (!leader) await this.refresh()
      else {
        await this.#probe(partition, leader.endpoint, leader.epoch + epochsAhead)
        if (this.host.random.oneIn(4)) await this.refresh()
      }
    }
  }

  async #probe(partition: string, to: { host: string; port: number }, epoch: number): Promise<void> {
    const topic = topicOf(partition)
    const asked = {
      partition: indexOf(partition),
      currentLeaderEpoch: epoch,
      fetchOffset: 0,
      partitionMaxBytes: 1000,
      replicaDirectoryId: zeroId,
    }
    try {
      const answer = await this.ask(to, fetch, {
        replicaId: -1,
        maxWaitMs: 0,
        minBytes: 0,
        maxBytes: 1000,
        isolationLevel: 0,
        forgottenTopicsData: [],
        topics: [{ topic, topicId: this.topicIds.get(topic) ?? zeroId, partitions: [asked] }],
      })
      for (const { partitions } of answer.responses) {
        for (const { errorCode } of partitions) {
          if (errorCode === Errors.NONE || errorCode === Errors.OFFSET_OUT_OF_RANGE) {
            this.scene.world.violate(`${to.host} serves ${partition} to who believes in leader epoch ${epoch}`)
          }
        }
      }
    } catch (error) {
      if (!(error instanceof PeerError)) throw error
    }
  }
}
