/** What seeds of the simulation have found, each as a schedule of its own. */
import t from 'tap'
import { Administrator } from '../clients/administrator.ts'
import { Stage } from '../stage.ts'

t.setTimeout(180_000)

const partition = 'events-0'
const topics = [{ name: 'events', partitions: 1, replicas: 3, minIsr: 2 }]

t.test('a member of the quorum that is elected with a full disk lets others lead', async () => {
  await Stage.play({ topics }, async stage => {
    const producer = stage.producer(partition)
    await stage.written(producer, 20)
    const leader = stage.cluster.nodes.find(node => node.broker?.rooms.quorum.isLeader)!
    const others = stage.cluster.nodes.filter(node => node !== leader)
    // Room for votes, not for the log.
    for (const { machine } of others) {
      machine.disk.fault = ({ kind, path }) => {
        return kind === 'append' && path.startsWith('/data/__cluster_metadata-0') && path.endsWith('.log')
          ? 'ENOSPC'
          : null
      }
    }
    // A change of the metadata.
    const more = [{ ...topics[0], name: 'more' }]
    stage.simulation.launch(new Administrator(stage.simulation.scene, 'another', more))
    await stage.pass(1000)
    leader.kill()
    await stage.pass(10_000)
    for (const { machine } of others) machine.disk.fault = () => null
    await stage.until('another leader', () => others.some(node => node.broker?.rooms.quorum.isLeader))
    await stage.verify()
  })
})

t.test(
  'a broker that loses its only directory while it waits for its cluster ends, and can be started again',
  async t => {
    await Stage.play({ topics }, async stage => {
      const producer = stage.producer(partition)
      await stage.written(producer, 20)
      const [node, ...others] = stage.cluster.nodes
      for (const one of stage.cluster.nodes) one.kill()
      node.machine.disk.fault = ({ kind, path }) =>
        kind === 'append' && path.includes('quorum-state') ? 'ENOSPC' : null
      node.start()
      others[0].start()
      const before = node.starts
      // It stands for election, and cannot write its vote down.
      await stage.until('it is started again', () => node.starts > before)
      node.machine.disk.fault = () => null
      t.ok(node.starts > before)
      await stage.verify()
    })
  },
)
