/** One life of a cluster under faults, and the peace after it. Throws Violation. */
import { Cluster, type ClusterOptions, type Node } from './cluster.ts'

export interface ChaosResult {
  readonly committed: number
  readonly elections: number
  readonly truncations: number
  readonly snapshots: number
  readonly changes: number
  readonly crashes: number
}

export function chaos(options: ClusterOptions, lengthMs = 30_000): ChaosResult {
  const cluster = new Cluster(options)
  const { random } = cluster
  const endMs = cluster.nowMs + lengthMs
  while (cluster.nowMs < endMs) {
    const node = random.pick(cluster.nodes)
    disturb(cluster, node)
    for (const leader of cluster.nodes) if (random.below(3) > 0) cluster.write(leader)
    if (options.kraftVersion === 1 && random.below(40) === 0) changeVoters(cluster)
    cluster.run(cluster.nowMs + random.below(150))
    if (random.below(20) === 0) cluster.checkLogs()
  }
  // Peace: everybody is back, and something new is committed everywhere.
  cluster.isPeaceful = true
  cluster.cut.clear()
  cluster.lossPerMille = 0
  for (const node of cluster.nodes) {
    node.pausedUntilMs = 0
    if (!node.core) cluster.start(node)
  }
  cluster.run(cluster.nowMs + 15_000)
  const before = cluster.committed.length
  const { leader } = cluster
  if (!leader) return cluster.fail('nobody leads after everything was mended')
  cluster.write(leader)
  const all = () => cluster.nodes.every(({ highWatermark }) => highWatermark > before)
  if (!cluster.run(cluster.nowMs + 15_000, all)) cluster.fail('not everybody has what was committed after the mending')
  cluster.checkLogs()
  return { committed: cluster.committed.length, ...cluster.counts }
}

function disturb(cluster: Cluster, node: Node): void {
  const { random } = cluster
  switch (random.below(40)) {
    case 0:
      if (node.core) cluster.crash(node)
      break
    case 1:
    case 2:
    case 10:
    case 11:
    case 12:
      if (!node.core) cluster.start(node)
      break
    case 9:
      for (const each of cluster.nodes) {
        if (each.core) cluster.crash(each)
        cluster.after(random.below(500), () => !each.core && cluster.start(each))
      }
      break
    case 3:
      node.pausedUntilMs = cluster.nowMs + random.below(4000)
      break
    case 4:
      for (const other of cluster.nodes) if (other !== node) cluster.cut.add(`${node.id}>${other.id}`)
      break
    case 5: {
      const other = random.pick(cluster.nodes)
      cluster.cut.add(`${node.id}>${other.id}`)
      cluster.cut.add(`${other.id}>${node.id}`)
      break
    }
    case 6:
    case 7:
    case 13:
    case 14:
      cluster.cut.clear()
      break
    case 8:
      if (random.below(4) === 0) cluster.touch(node, core => core.resign(cluster.nowMs))
  }
}

function changeVoters(cluster: Cluster): void {
  const { leader, random } = cluster
  if (!leader) return
  const node = random.pick(cluster.nodes)
  const voter = cluster.voterOf(node)
  cluster.touch(leader, core => {
    if (!core.voters.has(node.key)) {
      const { key, endpoints } = voter
      core.addVoter({ voter: key, endpoints, ackWhenCommitted: true, timeoutMs: 2000 }, cluster.nowMs)
    } else if (core.voters.size > 2) {
      core.removeVoter(node.key, cluster.nowMs)
    }
  })
}
