// Controllers of Ottla and of Apache Kafka in one quorum: they elect each other, keep one log, and take over from each
// other. `node compat/cluster/quorum.mjs [static|dynamic] [ottla|kafka ...]`: kinds of the nodes, default ottla kafka kafka.
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { startCluster, until } from '../lib/clusters.mjs'
import { quorumOf } from '../lib/wire.mjs'

const [voters = 'dynamic', ...kinds] = process.argv.slice(2)
const members = kinds.length > 0 ? kinds : ['ottla', 'kafka', 'kafka']
const javaRunner = fileURLToPath(new URL('../kafka/java.sh', import.meta.url))

const say = text => console.log(`${new Date().toISOString().slice(11, 23)} ${text}`)

const cluster = await startCluster({
  voters,
  nodes: members.map((kind, at) => ({ id: at + 1, kind, roles: ['controller'] })),
  readyMs: 60_000,
})
say(
  `${voters} voters: ${cluster.nodes.map(({ id, kind }) => `${id} ${kind}`).join(', ')}; files in ${cluster.directory}`,
)

/** Only the leader describes the quorum. */
async function describe() {
  for (const { controller } of cluster.nodes.filter(node => node.isRunning)) {
    const quorum = await quorumOf(controller).catch(() => null)
    if (quorum) return quorum
  }
  throw new Error('nobody leads')
}

/** Somebody else than `not` leads, and whoever runs has what is committed. */
async function settled(not = -1) {
  const running = cluster.nodes.filter(node => node.isRunning).map(({ id }) => id)
  return until(
    async () => {
      const quorum = await describe()
      if (quorum.leaderId < 0 || quorum.leaderId === not || quorum.highWatermark < 0) return null
      const current = quorum.currentVoters.filter(voter => running.includes(voter.replicaId))
      const isThere = current.every(voter => voter.logEndOffset >= quorum.highWatermark)
      return current.length === running.length && isThere ? quorum : null
    },
    90_000,
    `a leader among ${running} that is not ${not}`,
  )
}

function tool(...args) {
  const controllers = cluster.nodes.filter(node => node.isRunning).map(node => node.controller)
  const { stdout, stderr } = spawnSync(
    javaRunner,
    ['org.apache.kafka.tools.MetadataQuorumCommand', '--bootstrap-controller', controllers.join(','), ...args],
    { encoding: 'utf8', env: { ...process.env, OTTLA_KAFKA_HEAP: '128m' } },
  )
  return stdout + stderr
}

let failed = false
try {
  let quorum = await settled()
  say(`${quorum.leaderId} leads epoch ${quorum.leaderEpoch}`)
  say(tool('describe', '--status'))
  const led = new Set()
  for (let round = 1; round <= 8 || (led.size < new Set(members).size && round <= 20); round++) {
    const leader = cluster.node(quorum.leaderId)
    led.add(leader.kind)
    const startedMs = performance.now()
    if (round % 2 === 0) await leader.kill()
    else await leader.stop()
    const stoppedMs = performance.now()
    quorum = await settled(leader.id)
    const tookMs = Math.round(performance.now() - stoppedMs)
    const how = round % 2 === 0 ? 'killed' : `stopped (${Math.round(stoppedMs - startedMs)} ms)`
    say(
      `${leader.id} ${leader.kind} ${how}; ${tookMs} ms later ${quorum.leaderId} ${cluster.node(quorum.leaderId).kind} leads epoch ${quorum.leaderEpoch}`,
    )
    leader.start()
    quorum = await settled()
    say(`${leader.id} is back; high watermark ${quorum.highWatermark}`)
  }
  say(tool('describe', '--replication'))
} catch (error) {
  failed = true
  say(String(error))
} finally {
  await cluster.stop(failed)
}
process.exitCode = failed ? 1 : 0
