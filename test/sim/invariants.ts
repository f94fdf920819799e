/** What must hold of a cluster at any moment, looked at from inside while it runs. */
import type { Cluster } from './cluster.ts'
import { mismatch, storedBatches } from './logs.ts'

/** Files are compared so often. */
const filesEveryMs = 2000

export class Invariants {
  readonly #cluster: Cluster
  readonly #leaders = new Map<string, number>()
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
      for (const partition of rooms.partitions.all()) {
        if (!partition.isLeader) continue
        const key = `${partition.topic}-${partition.index} epoch ${partition.leaderEpoch}`
        const other = this.#leaders.get(key)
        if (other === undefined) this.#leaders.set(key, node.id)
        else if (other !== node.id) world.violate(`two leaders of ${key}: ${other} and ${node.id}`)
      }
    }
    if (world.nowMs >= this.#filesAtMs) {
      this.#filesAtMs = world.nowMs + filesEveryMs
      this.checkFiles()
    }
  }

  /** Log matching over the files of all nodes. */
  checkFiles(): void {
    const { world, nodes } = this.#cluster
    const directories = new Set(nodes.flatMap(({ machine }) => machine.disk.names('/data').filter(isPartition)))
    for (const directory of directories) {
      const logs = nodes.map(({ machine }) => storedBatches(machine.disk, `/data/${directory}`))
      for (let a = 0; a < logs.length; a++) {
        for (let b = a + 1; b < logs.length; b++) {
          const problem = logs[a].length > 0 && logs[b].length > 0 ? mismatch(logs[a], logs[b]) : null
          if (problem)
            world.violate(`the logs of ${directory} on ${nodes[a].name} and ${nodes[b].name} differ: ${problem}`)
        }
      }
    }
  }
}

function isPartition(name: string): boolean {
  return /-\d+$/.test(name)
}
