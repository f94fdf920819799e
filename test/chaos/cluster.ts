/** The cluster as seen from outside all faults. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createTopics, deleteTopics, describeQuorum, Errors, errorName } from '../../protocol/index.ts'
import { PowerVolume } from '../e2e/crash/power.ts'
import type { SimRandom } from '../sim/random.ts'
import type { Place } from './network.ts'
import { ChaosNode } from './node.ts'
import { clientPort, serverProperties, type Target } from './target.ts'
import { sleep } from './workload/clock.ts'
import { type PartitionView, partitionsSeenBy } from './workload/cluster-client.ts'
import { Connection, Outage } from './workload/connection.ts'

export interface ClusterOptions {
  readonly directory: string
  readonly target: Target
  readonly place: Place
  /** Every broker gets a disk of its own. */
  readonly volumes: boolean
  readonly random: SimRandom
  readonly overrides: readonly string[]
  readonly fakeClock: boolean
}

export const brokerIds = [1, 2, 3] as const
const askTimeoutMs = 1500

export class ChaosCluster {
  readonly nodes: readonly ChaosNode[]
  readonly target: Target

  private constructor(target: Target, nodes: readonly ChaosNode[]) {
    this.target = target
    this.nodes = nodes
  }

  /** Formatted, not started. */
  static async create({
    directory,
    target,
    place,
    volumes,
    random,
    overrides,
    fakeClock,
  }: ClusterOptions): Promise<ChaosCluster> {
    const addresses = brokerIds.map(id => ({ id, host: place.address(id) }))
    const clusterId = random.uuid()
    const nodes: ChaosNode[] = []
    try {
      for (const { id, host } of addresses) {
        const own = join(directory, `broker-${id}`)
        mkdirSync(own)
        const volume = volumes ? await PowerVolume.create(own, n => random.below(n)) : null
        const dataDirectory = join(volume?.path ?? own, 'data')
        const node = new ChaosNode({
          ...{ id, host, target, volume, dataDirectory, fakeClock, within: place.within(id) },
          propertiesPath: join(own, 'server.properties'),
          logPath: join(own, 'broker.log'),
          clockPath: join(own, 'clock'),
        })
        nodes.push(node)
        writeFileSync(join(own, 'server.properties'), serverProperties(addresses, id, node.dataDirectory, overrides))
        target.format(join(own, 'server.properties'), clusterId)
      }
    } catch (error) {
      for (const node of nodes) await node.destroy()
      throw error
    }
    return new ChaosCluster(target, nodes)
  }

  start(): void {
    for (const node of this.nodes) node.start()
  }

  async stop(): Promise<void> {
    await Promise.all(this.nodes.map(node => node.end(this.target.endOfAll)))
  }

  async destroy(): Promise<void> {
    for (const node of this.nodes) await node.destroy()
  }

  node(id: number): ChaosNode {
    return this.nodes.find(node => node.id === id)!
  }

  /** The partitions as one broker tells of them; null when it does not answer. */
  async seenBy(node: ChaosNode): Promise<Map<string, PartitionView> | null> {
    return (await this.#seenBy(node))?.partitions ?? null
  }

  #seenBy(node: ChaosNode) {
    return this.#ask(node, connection => partitionsSeenBy(connection, null, askTimeoutMs))
  }

  /** The leader of the quorum, as any broker tells; null when none does. */
  async controllerId(): Promise<number | null> {
    const body = { topics: [{ topicName: '__cluster_metadata', partitions: [{ partitionIndex: 0 }] }] }
    for (const node of this.nodes) {
      const leader = await this.#ask(node, async connection => {
        const answer = await connection.request(describeQuorum, 0, body, askTimeoutMs)
        return answer.errorCode === Errors.NONE ? (answer.topics[0]?.partitions[0]?.leaderId ?? -1) : -1
      })
      if (leader !== null && leader > 0) return leader
    }
    return null
  }

  /** Why the cluster is not whole yet; null when every broker answers and every partition is in sync on all its replicas. */
  async missing(topic: string | null): Promise<string | null> {
    const views = await Promise.all(this.nodes.map(node => this.#seenBy(node)))
    for (const [at, view] of views.entries()) {
      const { id } = this.nodes[at]
      if (!view) return `broker ${id} does not answer`
      const absent = this.nodes.find(node => !view.brokers.has(node.id))
      if (absent) return `broker ${id} does not know broker ${absent.id}`
      if (topic !== null && ![...view.partitions.keys()].some(name => name.startsWith(`${topic}-`)))
        return `broker ${id} does not know ${topic}`
      for (const [name, { leader, isr, replicas }] of view.partitions) {
        if (leader < 0) return `${name} has no leader, says broker ${id}`
        if (isr.length < replicas.length) return `${name} is in sync on ${isr.join(', ')} only, says broker ${id}`
      }
    }
    return null
  }

  /** Throws when it takes too long. */
  async whole(topic: string | null, limitMs = this.target.recoveryLimitMs): Promise<void> {
    const deadline = performance.now() + limitMs
    for (;;) {
      const missing = await this.missing(topic)
      if (missing === null) return
      if (performance.now() > deadline) throw new Error(`not whole within ${limitMs} ms: ${missing}`)
      await sleep(50)
    }
  }

  async createTopic(name: string, numPartitions: number): Promise<void> {
    const body = {
      topics: [{ name, numPartitions, replicationFactor: 3, assignments: [], configs: [] }],
      timeoutMs: 10_000,
    }
    await this.#insist(`creating ${name}`, [Errors.NONE, Errors.TOPIC_ALREADY_EXISTS], async connection => {
      return (await connection.request(createTopics, 5, body, 10_000)).topics[0].errorCode
    })
  }

  async deleteTopic(name: string): Promise<void> {
    const body = { topicNames: [name], topics: [], timeoutMs: 10_000 }
    await this.#insist(`deleting ${name}`, [Errors.NONE, Errors.UNKNOWN_TOPIC_OR_PARTITION], async connection => {
      return (await connection.request(deleteTopics, 4, body, 10_000)).responses[0].errorCode
    })
  }

  async #insist(
    what: string,
    fine: readonly number[],
    run: (connection: Connection) => Promise<number>,
  ): Promise<void> {
    const deadline = performance.now() + this.target.recoveryLimitMs
    for (let at = 0; ; at++) {
      const code = await this.#ask(this.nodes[at % this.nodes.length], run)
      if (code !== null && fine.includes(code)) return
      const why = code === null ? 'no answer' : errorName(code)
      if (performance.now() > deadline) throw new Error(`${what}: ${why}`)
      await sleep(100)
    }
  }

  async #ask<T>(node: ChaosNode, run: (connection: Connection) => Promise<T>): Promise<T | null> {
    try {
      const connection = await Connection.open({ host: node.host, port: clientPort }, askTimeoutMs)
      try {
        return await run(connection)
      } finally {
        connection.close()
      }
    } catch (error) {
      if (error instanceof Outage) return null
      throw error
    }
  }
}
