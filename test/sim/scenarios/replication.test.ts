/**
 * Histories that have cost other systems records, each as a fixed schedule. What was found here by chance is added to them.
 */
import t from 'tap'
import { Stage } from '../stage.ts'

t.setTimeout(180_000)

const partition = 'events-0'
const topics = [{ name: 'events', partitions: 1, replicas: 3, minIsr: 2 }]

t.test('a leader dies: another one goes on, and nothing is lost', async () => {
  await Stage.play({ topics }, async stage => {
    const producer = stage.producer(partition)
    await stage.written(producer, 50)
    const leader = stage.leaderOf(partition)!
    leader.kill()
    await stage.until('another leader', () => stage.leaderOf(partition) !== null, 10_000)
    await stage.written(producer, 50)
    leader.start()
    await stage.verify()
  })
})

// KAFKA-3861, KIP-101: a follower that has a record but not yet the high watermark over it restarts; with the leader gone
// right after, cutting to the high watermark would lose the record.
t.test('KIP-101: a follower that restarts keeps what its high watermark does not cover yet', async () => {
  await Stage.play({ topics, settings: { 'replica.high.watermark.checkpoint.interval.ms': '5000' } }, async stage => {
    const producer = stage.producer(partition)
    await stage.written(producer, 20)
    const leader = stage.leaderOf(partition)!
    const [follower, other] = stage.cluster.nodes.filter(node => node !== leader)
    // Two replicas are enough: the third is away.
    other.kill()
    await stage.written(producer, 20)
    follower.kill()
    follower.start()
    await stage.until('the follower is back', () => follower.broker !== null)
    leader.cutPower()
    await stage.pass(5000)
    leader.start()
    other.start()
    await stage.verify()
  })
})

// KIP-101, second scenario: both replicas lose their power, and come back in the other order.
t.test('KIP-101: replicas that lose power together agree again, whoever comes first', async () => {
  for (const first of [0, 1, 2]) {
    await Stage.play({ topics, seed: first + 1 }, async stage => {
      const producer = stage.producer(partition)
      await stage.written(producer, 40)
      for (const node of stage.cluster.nodes) node.cutPower()
      await stage.pass(100)
      stage.cluster.nodes[first].start()
      await stage.pass(700)
      for (const node of stage.cluster.nodes) node.start()
      await stage.verify()
    })
  }
})

// KIP-279: leadership goes to and fro faster than followers can follow, so that logs diverge over several epochs.
t.test('KIP-279: logs that diverged over several epochs are cut where they really part', async () => {
  await Stage.play({ topics: [{ ...topics[0], minIsr: 1 }] }, async stage => {
    const producer = stage.producer(partition, 1)
    for (let round = 0; round < 4; round++) {
      await stage.written(producer, 10)
      const leader = stage.leaderOf(partition)!
      // Clients still reach it, the others do not: what it takes now is nobody else's.
      stage.isolate(
        leader,
        stage.cluster.nodes.map(({ name }) => name),
      )
      await stage.pass(1500)
      await stage.until(
        'another leader',
        () => {
          const now = stage.leaderOf(partition)
          return now !== null && now !== leader
        },
        15_000,
      )
      await stage.pass(500)
      stage.heal()
      await stage.pass(300)
    }
    await stage.verify()
  })
})

// KIP-320: a client that believes in an old leader is told so, by the epoch, and never reads what was cut off.
t.test('KIP-320: an old leader that is cut off serves nobody with what will be cut', async () => {
  await Stage.play({ topics }, async stage => {
    const producer = stage.producer(partition)
    await stage.written(producer, 20)
    const leader = stage.leaderOf(partition)!
    stage.isolate(leader, [...stage.cluster.nodes.map(({ name }) => name), 'observer'])
    await stage.until(
      'another leader',
      () => {
        return stage.cluster.nodes.some(node => node !== leader && stage.leads(node, partition))
      },
      15_000,
    )
    await stage.written(producer, 20)
    await stage.verify()
  })
})

// KIP-966: the last replica standing loses its power. What was acknowledged is on its disk, so it comes back with it.
t.test('KIP-966: the last replica standing loses its power and leads again with all that it acknowledged', async () => {
  // The controllers live elsewhere: they go on while the brokers suffer.
  await Stage.play({ topics: [{ ...topics[0], minIsr: 1 }], cluster: { controllers: 3 } }, async stage => {
    const producer = stage.producer(partition)
    await stage.written(producer, 20)
    const leader = stage.leaderOf(partition)!
    for (const other of stage.cluster.brokers) if (other !== leader) other.kill()
    await stage.until('it is alone in sync', () => stage.isrOf(partition).length === 1, 30_000)
    await stage.written(producer, 5)
    leader.cutPower()
    for (const other of stage.cluster.brokers) if (other !== leader) other.start()
    await stage.pass(8000)
    leader.start()
    await stage.verify()
  })
})

t.test('a fetch of a replica that was restarted since counts for nothing', async () => {
  await Stage.play({ topics }, async stage => {
    const producer = stage.producer(partition)
    await stage.written(producer, 20)
    const leader = stage.leaderOf(partition)!
    const [follower] = stage.cluster.nodes.filter(node => node !== leader)
    // Its requests are on their way for long, and arrive after its power failed.
    stage.simulation.world.fabric.cut(follower.name, leader.name)
    await stage.pass(300)
    follower.cutPower()
    follower.start()
    stage.simulation.world.fabric.heal(follower.name, leader.name)
    await stage.written(producer, 20)
    await stage.verify()
  })
})

t.test('all nodes lose their power at once, ten times', async () => {
  await Stage.play({ topics }, async stage => {
    const producer = stage.producer(partition)
    for (let round = 0; round < 10; round++) {
      await stage.written(producer, 10)
      for (const node of stage.cluster.nodes) node.cutPower()
      await stage.pass(200)
      for (const node of stage.cluster.nodes) node.start()
    }
    await stage.verify()
  })
})
