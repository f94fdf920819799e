/** A replica that comes back into the in-sync set while the leader does not hear that it has. */
import { Stage } from '../stage.ts'

const partition = 'events-0'
const topics = [{ name: 'events', partitions: 1, replicas: 3, minIsr: 2 }]

/** The one that came back is all that is left in the end: it must have everything that was acknowledged. */
export function joinsUnheard(seed: number): Promise<void> {
  const cluster = { controllers: 3, quorum: 'static', links: { delayMinMs: 20, delayMaxMs: 30 } } as const
  const settings = { 'replica.lag.time.max.ms': '1500', 'broker.session.timeout.ms': '6000' }
  return Stage.play({ seed, topics, cluster, settings }, async stage => {
    const { fabric } = stage.simulation.world
    const producer = stage.producer(partition)
    await stage.written(producer, 10)
    const leader = stage.leaderOf(partition)!
    const [joining, other] = stage.cluster.brokers.filter(node => node !== leader)
    const controllers = stage.cluster.nodes.filter(({ isController }) => isController)
    stage.isolate(joining, [leader.name])
    await stage.until('it is out of sync', () => !stage.isrOf(partition).includes(joining.id))
    stage.heal()
    const replica = () => [...leader.broker!.rooms.partitions.all()].find(({ topic }) => topic === 'events')!
    await stage.until('the leader asks for it to be taken in', () => replica().leadership?.proposal != null)
    for (const { name } of controllers) fabric.cut(name, leader.name)
    stage.isolate(joining, [leader.name])
    await stage.pass(4000)
    leader.kill()
    other.kill()
    await stage.pass(10_000)
    leader.start()
    other.start()
    await stage.verify()
  })
}
