// Controllers of Ottla and of Apache Kafka in one quorum: they elect each other, keep one log, and take over from each
// other. `node compat/cluster/quorum.mjs [static|dynamic] [ottla|kafka ...]`: kinds of the nodes, default ottla kafka kafka.
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { startCluster, until } from '../lib/clusters.mjs'
import { quorumOf } from '../lib/wire.mjs'

const [voters = 'dynamic', ...kinds] = process.argv.slice(2)
const members = kinds.length > 0 ? kinds : ['ottla', 'kafka', 'kafka']
const javaRunner = fileURLToPath(new URL('../kafka/java.sh', import.meta.url))

const pause = ms => new Promise(resolve => setTimeout(resolve, ms))
const say = text => console.log(`${new Date().toISOString().slice(11, 23)} ${text}`)

const cluster = await startCluster({
  voters,
  // Snapshots come early and the log before them goes, so that a node that was away has to take one.
  settings: {
    'metadata.log.max.record.bytes.between.snapshots': 1000,
    'metadata.max.retention.bytes': 1,
    'metadata.max.idle.interval.ms': 100,
  },
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
    await pause(3000)
    leader.start()
    quorum = await settled()
    say(`${leader.id} is back; high watermark ${quorum.highWatermark}`)
  }
  say(tool('describe', '--replication'))

  for (const kind of new Set(members)) {
    const away = cluster.nodes.find(node => node.kind === kind && node.id !== quorum.leaderId)
    if (!away) continue
    const { leaderEpoch } = quorum
    away.signal('SIGSTOP')
    await pause(8000)
    away.signal('SIGCONT')
    await pause(4000)
    quorum = await settled()
    const outcome = quorum.leaderEpoch === leaderEpoch ? 'nobody was disturbed' : `epoch ${quorum.leaderEpoch} now`
    say(`${away.id} ${kind} stood still for 8 s: ${outcome}`)
    if (kind === 'ottla' && quorum.leaderEpoch !== leaderEpoch) failed = true
  }
  for (let round = 0; round < 6; round++) {
    const leader = cluster.node(quorum.leaderId)
    leader.signal('SIGSTOP')
    const stoppedMs = performance.now()
    const others = cluster.nodes.filter(node => node !== leader).map(node => node.controller)
    const next = await until(
      async () => {
        for (const address of others) {
          const found = await quorumOf(address).catch(() => null)
          if (found && found.highWatermark >= 0) return found
        }
        return null
      },
      30_000,
      'another leader while one stands still',
    )
    const tookMs = Math.round(performance.now() - stoppedMs)
    leader.signal('SIGCONT')
    quorum = await settled(leader.id)
    const same =
      quorum.leaderEpoch === next.leaderEpoch ? 'which stays' : `which gives way to epoch ${quorum.leaderEpoch}`
    say(
      `leader ${leader.id} ${leader.kind} stood still; ${tookMs} ms later ${next.leaderId} leads epoch ${next.leaderEpoch}, ${same}`,
    )
  }
} catch (error) {
  failed = true
  say(String(error))
} finally {
  await cluster.stop(failed)
}
process.exitCode = failed ? 1 : 0
