/** Schedules that bring members of the quorum to vote in the same epoch at the same time. */
import type { Node } from '../cluster.ts'
import { Stage } from '../stage.ts'

const rounds = 12
const topics = [{ name: 'events', partitions: 1, replicas: 3, minIsr: 2 }]

/**
 * The leader of the quorum is started anew, and the two others, who do not hear each other, both ask it for its voice. In
 * every other round it dies as soon as it has given it to one.
 */
export function rivalCandidates(seed: number): Promise<void> {
  const settings = { 'controller.quorum.election.timeout.ms': '600', 'controller.quorum.fetch.timeout.ms': '600' }
  const cluster = { controllers: 3, quorum: 'static', links: { delayMinMs: 20, delayMaxMs: 50 } } as const
  return Stage.play({ seed, topics, cluster, settings }, async stage => {
    const controllers = stage.cluster.nodes.filter(({ isController }) => isController)
    const leading = () => controllers.find(node => node.broker?.rooms.quorum.isLeader)
    for (let round = 0; round < rounds; round++) {
      await stage.until('a leader of the quorum', () => leading() !== undefined)
      await stage.pass(1500)
      const voter = leading()
      if (!voter) continue
      const rivals = controllers.filter(node => node !== voter)
      const { epoch } = ballot(voter)
      stage.isolate(rivals[0], [rivals[1].name])
      voter.kill()
      voter.start()
      await stage.simulation.run(5000, () => ballot(voter).epoch > epoch && ballot(voter).votedId >= 0)
      if (round % 2 === 0) {
        voter.cutPower()
        voter.start()
      }
      await stage.pass(1000)
      stage.heal()
    }
    await stage.verify()
  })
}

/** What a member has on its disk of the election that it last took part in. */
function ballot({ machine }: Node): { epoch: number; votedId: number } {
  const text = machine.disk.peek('/data/__cluster_metadata-0/quorum-state').toString()
  if (text === '') return { epoch: -1, votedId: -1 }
  const { leaderEpoch, votedId } = JSON.parse(text) as { leaderEpoch: number; votedId: number }
  return { epoch: leaderEpoch, votedId }
}
