/** Breaks things, as the options say, until it is told to heal them. */
import type { Cluster, Node } from './cluster.ts'
import { type Fault, type FaultOptions, faults } from './options.ts'
import type { SimRandom } from './random.ts'
import type { World } from './world.ts'

const restartMinMs = 200
const restartMaxMs = 3000

export class Nemesis {
  readonly #world: World
  readonly #cluster: Cluster
  readonly #options: FaultOptions
  readonly #random: SimRandom
  /** Nodes that suffer now, each with what ends it. */
  readonly #victims = new Map<Node, () => void>()
  #active = false
  /** How often each kind of fault was done. */
  readonly counts = new Map<Fault, number>()

  constructor(cluster: Cluster, options: FaultOptions) {
    this.#world = cluster.world
    this.#cluster = cluster
    this.#options = options
    this.#random = cluster.world.random.fork()
  }

  begin(): void {
    this.#active = true
    this.#later()
  }

  /** Everything works again: all nodes run, nothing is cut. */
  heal(): void {
    this.#active = false
    for (const end of [...this.#victims.values()]) end()
    this.#victims.clear()
    this.#world.fabric.healAll()
    for (const node of this.#cluster.nodes) this.#mend(node)
    this.#world.trace.say('nemesis', 'heals everything')
  }

  /** Processes that ended by themselves are started again, as a supervisor does. */
  supervise(): void {
    for (const node of this.#cluster.nodes) {
      if (!node.wanted || node.isRunning || this.#victims.has(node)) continue
      const until = this.#restartMs()
      this.#suffer(node, until, () => node.start())
    }
  }

  #mend(node: Node): void {
    const { disk } = node.machine
    disk.fault = () => null
    disk.slowness = 1
    disk.capacityBytes = 2 ** 40
    node.machine.resume()
    node.start()
  }

  #later(): void {
    const { everyMinMs, everyMaxMs } = this.#options
    this.#world.clock.after(this.#between(everyMinMs, everyMaxMs), () => {
      if (!this.#active) return
      this.#strike(this.#choose())
      this.#later()
    })
  }

  #choose(): Fault {
    const { weights } = this.#options
    let at = this.#random.below(faults.reduce((sum, fault) => sum + weights[fault], 0))
    for (const fault of faults) {
      at -= weights[fault]
      if (at < 0) return fault
    }
    return 'kill'
  }

  #strike(fault: Fault): void {
    const { lastsMinMs, lastsMaxMs, victimsMax } = this.#options
    const lastsMs = this.#between(lastsMinMs, lastsMaxMs)
    if (fault === 'powerAll') {
      this.#count(fault)
      for (const end of [...this.#victims.values()]) end()
      this.#victims.clear()
      for (const node of this.#cluster.nodes) {
        node.cutPower()
        this.#suffer(node, this.#restartMs(), () => node.start())
      }
      return
    }
    if (fault === 'stallConnection' || fault === 'resetConnection') {
      this.#count(fault)
      const { fabric } = this.#world
      const which = fault === 'stallConnection' ? fabric.stallOne(lastsMs) : fabric.resetOne()
      if (which) this.#world.trace.say('nemesis', `${fault} ${which}`)
      return
    }
    const well = this.#cluster.nodes.filter(node => node.isWell && !this.#victims.has(node))
    if (well.length === 0 || this.#victims.size >= victimsMax) return
    this.#count(fault)
    this.#harm(fault, this.#random.pick(well), lastsMs)
  }

  #harm(fault: Fault, node: Node, lastsMs: number): void {
    const { machine } = node
    const { trace, fabric } = this.#world
    const { disk } = machine
    switch (fault) {
      case 'kill':
        node.kill()
        this.#suffer(node, this.#restartMs(), () => node.start())
        return
      case 'power':
        node.cutPower()
        this.#suffer(node, this.#restartMs(), () => node.start())
        return
      case 'stop':
        node.stop()
        this.#suffer(node, lastsMs + this.#restartMs(), () => {
          if (node.isRunning) node.kill()
          node.start()
        })
        return
      case 'pause':
        trace.say(node.name, `is paused for ${Math.floor(lastsMs)} ms`)
        machine.pause()
        this.#suffer(node, lastsMs, () => machine.resume())
        return
      case 'isolate': {
        trace.say(node.name, 'is cut off')
        const others = this.#names().filter(name => name !== node.name)
        this.#cut(
          node,
          lastsMs,
          others.flatMap(other => [
            [node.name, other],
            [other, node.name],
          ]),
        )
        return
      }
      case 'cutOneWay': {
        const others = this.#names().filter(
          name => name !== node.name && (name.startsWith('node') || this.#random.oneIn(2)),
        )
        const outward = this.#random.oneIn(2)
        trace.say(node.name, outward ? 'is not heard' : 'hears nothing')
        this.#cut(
          node,
          lastsMs,
          others.map(other => (outward ? [node.name, other] : [other, node.name])),
        )
        return
      }
      case 'cutPair': {
        const other = this.#random.pick(this.#cluster.nodes.filter(one => one !== node)).name
        trace.say(node.name, `is cut from ${other}`)
        this.#cut(node, lastsMs, [
          [node.name, other],
          [other, node.name],
        ])
        return
      }
      case 'slowDisk':
        trace.say(node.name, 'has a slow disk')
        disk.slowness = this.#random.pick([10, 50, 200])
        this.#suffer(node, lastsMs, () => {
          machine.disk.slowness = 1
        })
        return
      case 'fullDisk':
        trace.say(node.name, 'has a full disk')
        disk.capacityBytes = disk.usedBytes + this.#random.below(20_000)
        this.#suffer(node, lastsMs, () => {
          machine.disk.capacityBytes = 2 ** 40
        })
        return
      case 'failedSync':
        trace.say(node.name, 'will fail at a sync')
        disk.fault = operation => {
          if (operation.kind !== 'sync') return null
          disk.fault = () => null
          return 'EIO'
        }
        // The pages that were lost are still in memory, so the machine is started anew, not only the process.
        this.#suffer(node, lastsMs + this.#restartMs(), () => {
          machine.disk.fault = () => null
          node.cutPower()
          node.start()
        })
        return
      case 'clockJump': {
        const byMs = this.#between(-3_600_000, 3_600_000)
        trace.say(node.name, `has its wall clock moved by ${Math.floor(byMs)} ms`)
        machine.host?.clock.jump(byMs)
        return
      }
      default:
        fabric.healAll()
    }
  }

  #names(): string[] {
    return this.#world.machineNames
  }

  #cut(node: Node, lastsMs: number, pairs: readonly string[][]): void {
    const { fabric } = this.#world
    for (const [from, to] of pairs) fabric.cut(from, to)
    this.#suffer(node, lastsMs, () => {
      for (const [from, to] of pairs) fabric.heal(from, to)
    })
  }

  #suffer(node: Node, forMs: number, end: () => void): void {
    const once = () => {
      if (this.#victims.get(node) !== once) return
      this.#victims.delete(node)
      end()
    }
    this.#victims.set(node, once)
    this.#world.clock.after(forMs, once)
  }

  #restartMs(): number {
    return this.#between(restartMinMs, restartMaxMs)
  }

  #between(min: number, max: number): number {
    return min + this.#random.below(Math.max(1, Math.floor(max - min)))
  }

  #count(fault: Fault): void {
    this.counts.set(fault, (this.counts.get(fault) ?? 0) + 1)
  }
}
