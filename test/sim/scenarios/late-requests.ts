/** The weakness of transactions before KIP-890, found by Jepsen: requests that arrive when their client has long gone on. */
import { Transactor } from '../clients/transactor.ts'
import { Stage } from '../stage.ts'

const topics = [{ name: 'events', partitions: 2, replicas: 3, minIsr: 2 }]
const stalls = 60

/** What an older client sends stands still on the way, again and again; it gives up, connects anew and goes on. */
export function commitComesLate(seed: number): Promise<void> {
  return Stage.play({ seed, topics, work: { requestTimeoutMs: 400, thinkMaxMs: 300 } }, async stage => {
    const { simulation } = stage
    const { world, scene } = simulation
    const client = simulation.launch(
      new Transactor(scene, 'older', {
        transactionalId: 'older',
        version: 1,
        partitions: scene.partitions,
        source: null,
        transactionTimeoutMs: 30_000,
        abortOneIn: 2,
      }),
    )
    for (let at = 0; at < stalls; at++) {
      await stage.pass(200 + world.random.below(500))
      world.fabric.stallFrom(client.name, 500 + world.random.below(1500))
    }
    await stage.pass(3000)
    client.stopping = true
    await stage.until('the client has ended', () => simulation.isOver(client))
    await stage.verify()
  })
}
