/** The faults: each does its harm, lets it last, and takes it away again. */
import type { SimRandom } from '../sim/random.ts'
import type { ChaosCluster } from './cluster.ts'
import { corruptMetadata, corruptSomething } from './damage.ts'
import type { ChaosNetwork, Undo } from './network.ts'
import type { ChaosNode } from './node.ts'
import { LinkProxy } from './proxy.ts'
import { clientPort, controllerPort } from './target.ts'
import { sleep } from './workload/clock.ts'

export interface FaultWorld {
  readonly cluster: ChaosCluster
  readonly network: ChaosNetwork
  readonly random: SimRandom
  /** Of the workload. */
  readonly topic: string
  readonly partitions: readonly string[]
  /** For a rolling restart: all is in sync again and everybody writes. */
  readonly recovered: () => Promise<void>
}

/** Says what it did to whom. */
type Fault = (world: FaultWorld) => Promise<string>

const holdMinMs = 2000
const holdSpreadMs = 5000

/** The fault lasts. */
function hold({ random }: FaultWorld): Promise<void> {
  return sleep(holdMinMs + random.below(holdSpreadMs))
}

/** A broker, and by what it was chosen. */
async function someBroker(world: FaultWorld): Promise<{ node: ChaosNode; as: string }> {
  return world.random.pick([leader, controller, anyone])(world)
}

async function leader({ cluster, random, partitions }: FaultWorld): Promise<{ node: ChaosNode; as: string }> {
  const partition = random.pick(partitions)
  for (const asked of cluster.nodes) {
    const view = (await cluster.seenBy(asked))?.get(partition)
    if (view && view.leader > 0) return { node: cluster.node(view.leader), as: `leader of ${partition}` }
  }
  return { node: random.pick(cluster.nodes), as: 'broker' }
}

async function controller({ cluster, random }: FaultWorld): Promise<{ node: ChaosNode; as: string }> {
  const id = await cluster.controllerId()
  return id === null ? { node: random.pick(cluster.nodes), as: 'broker' } : { node: cluster.node(id), as: 'controller' }
}

async function anyone({ cluster, random }: FaultWorld): Promise<{ node: ChaosNode; as: string }> {
  return { node: random.pick(cluster.nodes), as: 'broker' }
}

type Choice = (world: FaultWorld) => Promise<{ node: ChaosNode; as: string }>

function killing(choose: Choice): Fault {
  return async world => {
    const { node, as } = await choose(world)
    await node.end('SIGKILL')
    await hold(world)
    node.start()
    return `${as} ${node.id}`
  }
}

function pausing(choose: Choice): Fault {
  return async world => {
    const { node, as } = await choose(world)
    node.freeze()
    await hold(world)
    node.thaw()
    return `${as} ${node.id}`
  }
}

/** Two of three at once: nothing can be written until one is back, and nothing may be lost. */
async function pauseTwo(world: FaultWorld): Promise<string> {
  const nodes = twoOf(world)
  for (const node of nodes) node.freeze()
  await hold(world)
  for (const node of nodes) node.thaw()
  return nodes.map(node => node.id).join(' and ')
}

async function killTwo(world: FaultWorld): Promise<string> {
  const nodes = twoOf(world)
  await Promise.all(nodes.map(node => node.end('SIGKILL')))
  await hold(world)
  for (const node of nodes) node.start()
  return nodes.map(node => node.id).join(' and ')
}

async function killAll({ cluster }: FaultWorld): Promise<string> {
  await Promise.all(cluster.nodes.map(node => node.end('SIGKILL')))
  cluster.start()
  return 'all brokers'
}

function twoOf({ cluster, random }: FaultWorld): ChaosNode[] {
  const spared = random.pick(cluster.nodes)
  return cluster.nodes.filter(node => node !== spared)
}

async function stop(world: FaultWorld): Promise<string> {
  const { node, as } = await someBroker(world)
  await node.end('SIGTERM')
  await hold(world)
  node.start()
  return `${as} ${node.id}`
}

async function rolling({ cluster, recovered }: FaultWorld): Promise<string> {
  for (const node of cluster.nodes) {
    await node.end('SIGTERM')
    node.start()
    await recovered()
  }
  return 'all brokers, one after the other'
}

async function lasting(world: FaultWorld, ...undos: readonly Undo[]): Promise<void> {
  await hold(world)
  for (const undo of undos) undo()
}

/** Away from everybody, clients included. */
async function isolate(world: FaultWorld): Promise<string> {
  const { node, as } = await someBroker(world)
  await lasting(world, world.network.unplug(node.id))
  return `${as} ${node.id} from everybody`
}

/** Away from the other brokers; clients still reach it. */
async function partition(world: FaultWorld): Promise<string> {
  const { node, as } = await someBroker(world)
  const others = world.cluster.nodes.filter(other => other !== node)
  await lasting(
    world,
    ...others.flatMap(other => [world.network.cut(node.id, other.id), world.network.cut(other.id, node.id)]),
  )
  return `${as} ${node.id} from the other brokers`
}

async function oneWay(world: FaultWorld): Promise<string> {
  const { node, as } = await someBroker(world)
  const others = world.cluster.nodes.filter(other => other !== node)
  const outgoing = world.random.oneIn(2)
  const cut = (other: ChaosNode) =>
    outgoing ? world.network.cut(node.id, other.id) : world.network.cut(other.id, node.id)
  await lasting(world, ...others.map(cut))
  return `${as} ${node.id} ${outgoing ? 'is not heard by' : 'does not hear'} the other brokers`
}

/** Two brokers do not reach each other, the third reaches both. */
async function bridge(world: FaultWorld): Promise<string> {
  const [a, b] = twoOf(world)
  await lasting(world, world.network.cut(a.id, b.id), world.network.cut(b.id, a.id))
  return `${a.id} and ${b.id} from each other`
}

async function loss(world: FaultWorld): Promise<string> {
  const percent = 5 + world.random.below(30)
  const nodes = world.random.oneIn(2) ? world.cluster.nodes : [world.random.pick(world.cluster.nodes)]
  await lasting(world, ...nodes.map(node => world.network.lose(node.id, percent / 100)))
  return `${percent} % of what reaches ${nodes.map(node => node.id).join(', ')}`
}

async function reset(world: FaultWorld): Promise<string> {
  const { node, as } = await someBroker(world)
  const times = 2 + world.random.below(5)
  for (let i = 0; i < times; i++) {
    const undo = world.network.reset(node.id)
    await sleep(50 + world.random.below(200))
    undo()
    await sleep(300 + world.random.below(1000))
  }
  return `connections of ${as} ${node.id}, ${times} times`
}

/** All connections to a broker are carried by proxies while `run` runs. */
async function proxied(
  world: FaultWorld,
  node: ChaosNode,
  run: (proxies: readonly LinkProxy[]) => Promise<void>,
): Promise<void> {
  const { network, cluster, random } = world
  const sources = [...cluster.nodes.filter(other => other !== node).map(({ id }) => id), network.clients]
  const proxies: LinkProxy[] = []
  const undos: Undo[] = []
  try {
    for (const port of [clientPort, controllerPort]) {
      const proxy = await LinkProxy.listen(network.bridgeAddress, { host: node.host, port }, random.fork())
      proxies.push(proxy)
      for (const source of sources) undos.push(network.divert(source, { host: node.id, port }, proxy.port))
    }
    // What is connected directly has to connect anew.
    const undo = network.reset(node.id)
    await sleep(300)
    undo()
    await sleep(1500)
    await run(proxies)
  } finally {
    for (const undo of undos) undo()
    for (const proxy of proxies) proxy.close()
  }
}

async function delay(world: FaultWorld): Promise<string> {
  const { node, as } = await someBroker(world)
  const delayMs = 20 + world.random.below(400)
  const jitterMs = world.random.below(600)
  await proxied(world, node, async proxies => {
    for (const proxy of proxies) {
      proxy.delayMs = delayMs
      proxy.jitterMs = jitterMs
    }
    await hold(world)
  })
  return `${delayMs} to ${delayMs + jitterMs} ms to and from ${as} ${node.id}`
}

/** Connections that one end thinks are well; requests of those that are long gone arrive. */
async function halfOpen(world: FaultWorld): Promise<string> {
  const { node, as } = await someBroker(world)
  let count = 0
  await proxied(world, node, async proxies => {
    for (let i = 0; i < 2; i++) {
      for (const proxy of proxies) {
        count += proxy.connections
        proxy.breakConnections()
      }
      await sleep(1000 + world.random.below(3000))
      for (const proxy of proxies) proxy.release()
      await sleep(500 + world.random.below(1000))
    }
  })
  return `${count} connections to ${as} ${node.id}`
}

async function diskFull(world: FaultWorld): Promise<string> {
  const { node, as } = await someBroker(world)
  node.mayEnd = true
  node.volume.fill()
  await hold(world)
  node.volume.empty()
  // Whoever stops because its disk is full is started again when there is room.
  node.start()
  node.mayEnd = false
  return `${as} ${node.id}`
}

async function cutPower(world: FaultWorld, nodes: readonly ChaosNode[]): Promise<string> {
  // Without power nothing is sent either, no end of a connection in particular.
  const undos = nodes.map(node => world.network.unplug(node.id))
  for (const node of nodes) {
    node.freeze()
    await node.volume.cut()
    await node.end('SIGKILL')
    node.volume.unmount()
  }
  if (nodes.length === 1) await hold(world)
  for (const node of nodes) await node.volume.mount()
  for (const undo of undos) undo()
  for (const node of nodes) node.start()
  return nodes.map(({ id, volume }) => `${id} (${volume.mountedWith})`).join(', ')
}

async function power(world: FaultWorld): Promise<string> {
  const { node, as } = await someBroker(world)
  return `${as} ${await cutPower(world, [node])}`
}

function powerAll(world: FaultWorld): Promise<string> {
  return cutPower(world, world.cluster.nodes)
}

/** Bytes change while the broker is down. */
async function corrupt(world: FaultWorld): Promise<string> {
  const { node, as } = await someBroker(world)
  const signal = world.random.oneIn(2) ? 'SIGKILL' : 'SIGTERM'
  await node.end(signal)
  const what = corruptSomething(node.dataDirectory, world.topic, world.cluster.target.repairs, world.random)
  await sleep(world.random.below(3000))
  node.start()
  return `${what} of ${as} ${node.id} after ${signal}`
}

/** A member of the quorum whose log is damaged must not take part with it: it says so and ends, or mends it. */
async function corruptQuorum(world: FaultWorld): Promise<string> {
  const { node, as } = await someBroker(world)
  const signal = world.random.oneIn(2) ? 'SIGKILL' : 'SIGTERM'
  await node.end(signal)
  const { what, restore } = corruptMetadata(node.dataDirectory, world.random)
  node.mayEnd = true
  node.start(true)
  while (node.running && !(await world.cluster.seenBy(node))) await sleep(200)
  const refused = !node.running
  if (refused) restore()
  else await node.end('SIGKILL')
  node.start()
  return `${what} of the metadata log of ${as} ${node.id} after ${signal}, which ${refused ? 'refused to start' : 'started'}`
}

/** The wall clock jumps, back and forth; the monotonic clock goes on. */
async function clock(world: FaultWorld): Promise<string> {
  const { node, as } = await someBroker(world)
  const jumps: number[] = []
  for (let i = 0; i < 4; i++) {
    const seconds = world.random.below(7200) - 3600
    jumps.push(seconds)
    node.setClock(seconds)
    await sleep(500 + world.random.below(1500))
  }
  node.setClock(0)
  return `${as} ${node.id} by ${jumps.join(', ')} s`
}

export const faults = {
  'kill-leader': killing(leader),
  'kill-controller': killing(controller),
  'kill-two': killTwo,
  'kill-all': killAll,
  stop,
  rolling,
  'pause-leader': pausing(leader),
  'pause-controller': pausing(controller),
  'pause-two': pauseTwo,
  isolate,
  partition,
  'one-way': oneWay,
  bridge,
  loss,
  reset,
  delay,
  'half-open': halfOpen,
  'disk-full': diskFull,
  power,
  'power-all': powerAll,
  corrupt,
  'corrupt-metadata': corruptQuorum,
  clock,
} as const satisfies Readonly<Record<string, Fault>>

export type FaultKind = keyof typeof faults
export const faultKinds = Object.keys(faults) as FaultKind[]
