/** A short piece of `npm run chaos` for every machine: three processes on loopback addresses, kill -9 and SIGSTOP. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { checkHistory, describeAnomalies } from '../history/check.ts'
import { readHistory } from '../history/history.ts'
import { SimRandom } from '../sim/random.ts'
import { Clients } from './clients.ts'
import { ChaosCluster } from './cluster.ts'
import { loopback } from './network.ts'
import { clientPort, ottla } from './target.ts'

const seed = 1
const topic = 'killed'
const limitMs = 60_000

t.test(
  'brokers killed and paused under load',
  { skip: process.platform !== 'linux' && 'needs loopback addresses' },
  async t => {
    t.comment(`seed ${seed}`)
    const random = new SimRandom(seed)
    const directory = mkdtempSync(join(tmpdir(), 'ottla-kill-'))
    const cluster = await ChaosCluster.create({
      ...{ directory, random, target: ottla, place: loopback, volumes: false, fakeClock: false },
      // Other tests run at the same time: a broker may be slow without being dead.
      overrides: ['broker.session.timeout.ms=4000', 'controller.quorum.fetch.timeout.ms=2000'],
    })
    t.teardown(async () => {
      await cluster.destroy()
      if (t.passing()) rmSync(directory, { recursive: true, force: true })
      else t.comment(`kept: ${directory}`)
    })
    cluster.start()
    await cluster.whole(null, limitMs)
    await cluster.createTopic(topic, 3)
    await cluster.whole(topic, limitMs)
    const historyPath = join(directory, 'history.jsonl')
    const clients = new Clients([], join(directory, 'clients.log'), {
      bootstrap: cluster.nodes.map(({ id, host }) => ({ id, host, port: clientPort })),
      ...{ topic, historyPath, partitions: 3, pauseMs: 20, clients: ['own'], seed },
    })
    t.teardown(() => clients.kill())
    await clients.allWrite(limitMs)

    const leaderId = (await cluster.seenBy(cluster.nodes[0]))?.get(`${topic}-0`)?.leader ?? 1
    const leader = cluster.node(leaderId)
    await leader.end('SIGKILL')
    await clients.allWrite(limitMs)
    leader.start()
    await cluster.whole(topic, limitMs)

    const controller = cluster.node((await cluster.controllerId()) ?? 1)
    controller.freeze()
    await clients.allWrite(limitMs)
    controller.thaw()
    await cluster.whole(topic, limitMs)

    await clients.stop()
    t.same(clients.takeWrongs(), [])
    t.same(
      cluster.nodes.flatMap(node => node.surprises),
      [],
    )
    const { anomalies, counts } = checkHistory(readHistory(readFileSync(historyPath, 'utf8')))
    t.same(describeAnomalies(anomalies), [])
    t.ok(counts.acknowledged > 0)
    await cluster.stop()
    t.same(
      cluster.nodes.flatMap(node => node.surprises),
      [],
    )
  },
)
