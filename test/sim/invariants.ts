/**
 * What must hold of a cluster at any moment, looked at from inside while it runs:
 * - one leader per partition and leader epoch, and one of the quorum per epoch;
 * - a high watermark never goes back while a broker lives, and no follower cuts what it knows to be committed;
 * - leader completeness: who leads has all that any leader before it knew to be committed;
 * - log matching: a batch of the same epoch at the same offset is the same batch on every replica, and so is all before it;
 * - what is committed stays what it is, and is on the disks of as many replicas as min.insync.replicas asks for.
 */
import type { Partition } from '../../src/replication/partition.ts'
import type { Cluster, Node } from './cluster.ts'
import { mismatch, mismatchCompacted, storedBatches } from './logs.ts'

/** Files are compared so often. */
const filesEveryMs = 2000

interface Committed {
  readonly name: string
  readonly replicas: number
  /** The highest watermark that any leader had. */
  offset: number
  minIsr: number
}

export class Invariants {
  readonly #cluster: Cluster
  readonly #raftLeaders = new Map<number, string>()
  readonly #leaders = new Map<string, number>()
  readonly #committed = new Map<string, Committed>()
  /** Of the partitions of each broker that runs. */
  readonly #watermarks = new WeakMap<Partition, number>()
  #raftEpoch = 0
  #raftCommitted = 0
  #filesAtMs = 0

  constructor(cluster: Cluster) {
    this.#cluster = cluster
  }

  /** Called every few milliseconds. */
  check(): void {
    const { world, nodes } = this.#cluster
    for (const node of nodes) {
      const rooms = node.broker?.rooms
      if (!rooms) continue
      for (const partition of rooms.partitions.all()) this.#checkPartition(node, partition)
      this.#checkQuorum(node)
    }
    if (world.nowMs >= this.#filesAtMs) {
      this.#filesAtMs = world.nowMs + filesEveryMs
      this.checkFiles()
    }
  }

  #checkQuorum(node: Node): void {
    const { world } = this.#cluster
    const { quorum } = node.broker!.rooms
    const committed = quorum.committed.value
    this.#raftEpoch = Math.max(this.#raftEpoch, quorum.leaderEpoch)
    if (quorum.isLeader) {
      const other = this.#raftLeaders.get(quorum.leaderEpoch)
      if (other === undefined) this.#raftLeaders.set(quorum.leaderEpoch, node.name)
      else if (other !== node.name) {
        world.violate(`two leaders of the quorum in epoch ${quorum.leaderEpoch}: ${other} and ${node.name}`)
      }
      // One that sleeps may believe in an epoch that is over.
      if (quorum.leaderEpoch >= this.#raftEpoch && quorum.logEndOffset < this.#raftCommitted) {
        world.violate(
          `${node.name} leads the quorum with ${quorum.logEndOffset} records of ${this.#raftCommitted} committed`,
        )
      }
    }
    this.#raftCommitted = Math.max(this.#raftCommitted, committed)
  }

  #checkPartition(node: Node, partition: Partition): void {
    const { world } = this.#cluster
    const name = `${partition.topic}-${partition.index}`
    const highWatermark = partition.highWatermark.value
    const before = this.#watermarks.get(partition) ?? 0
    if (highWatermark < before) {
      world.violate(`the high watermark of ${name} on ${node.name} went from ${before} back to ${highWatermark}`)
    }
    this.#watermarks.set(partition, highWatermark)
    if (!partition.isLeader) return
    const key = `${name} epoch ${partition.leaderEpoch}`
    const other = this.#leaders.get(key)
    const committed = this.#committedOf(name, partition)
    if (other === undefined) {
      this.#leaders.set(key, node.id)
      if (partition.log.logEndOffset < committed.offset) {
        const has = `${partition.log.logEndOffset} records of ${committed.offset} committed`
        world.violate(`${node.name} leads ${name} in epoch ${partition.leaderEpoch} with ${has}`)
      }
    } else if (other !== node.id) world.violate(`two leaders of ${key}: node ${other} and ${node.name}`)
    committed.offset = Math.max(committed.offset, highWatermark)
  }

  #committedOf(name: string, partition: Partition): Committed {
    const key = `${partition.topicId}:${partition.index}`
    let committed = this.#committed.get(key)
    if (!committed) {
      const replicas = partition.state.replicas.length
      const minIsr = Math.min(replicas, partition.log.config.minInsyncReplicas)
      committed = { name, replicas, offset: 0, minIsr }
      this.#committed.set(key, committed)
    }
    return committed
  }

  /** Log matching over the files of all nodes, and what is committed against what is on the disks. */
  checkFiles(): void {
    const { world, nodes } = this.#cluster
    const directories = new Set(nodes.flatMap(({ machine }) => machine.disk.names('/data').filter(isPartition)))
    for (const directory of directories) {
      const compare = isCompacted(directory) ? mismatchCompacted : mismatch
      const logs = nodes.map(({ machine }) => storedBatches(machine.disk, `/data/${directory}`))
      for (let a = 0; a < logs.length; a++) {
        for (let b = a + 1; b < logs.length; b++) {
          const problem = compare(logs[a], logs[b])
          if (problem) {
            world.violate(`the logs of ${directory} on ${nodes[a].name} and ${nodes[b].name} differ: ${problem}`)
          }
        }
      }
    }
    if (!this.#cluster.options.durable) return
    for (const committed of this.#committed.values()) this.#checkDurable(committed)
  }

  #checkDurable(committed: Committed): void {
    const { world, nodes } = this.#cluster
    const { name, offset, minIsr } = committed
    if (offset === 0) return
    const holders = nodes.filter(({ machine }) => {
      const batches = storedBatches(machine.disk, `/data/${name}`, 'durable')
      return batches.length > 0 && batches[batches.length - 1].last + 1 >= offset
    })
    if (holders.length < minIsr) {
      const names = holders.map(node => node.name).join(', ') || 'no disk'
      world.violate(`${name} is committed up to ${offset}, and that is only on ${names}, not on ${minIsr}`)
    }
  }
}

/** Each replica does it by itself. */
function isCompacted(directory: string): boolean {
  return directory.startsWith('__consumer_offsets-') || directory.startsWith('__transaction_state-')
}

function isPartition(name: string): boolean {
  return /-\d+$/.test(name)
}
