/**
 * One transactional id, and the instances that have it one after the other: a new one comes while the old one is well, when
 * it is asleep, or when it is dead with its requests on their way.
 */
import type { Simulation } from '../simulation.ts'
import { Transactor, type TransactorOptions } from './transactor.ts'

const lifeMinMs = 3000
const lifeMaxMs = 20_000
const pauseMaxMs = 8000

export class TransactionalWork {
  readonly #simulation: Simulation
  readonly #options: TransactorOptions
  readonly #random
  readonly #instances: Transactor[] = []
  stopping = false

  constructor(simulation: Simulation, options: TransactorOptions) {
    this.#simulation = simulation
    this.#options = options
    this.#random = simulation.world.random.fork()
    this.#launch()
  }

  get name(): string {
    return this.#options.transactionalId
  }

  get committed(): number {
    return this.#instances.reduce((sum, { committed }) => sum + committed, 0)
  }

  get aborted(): number {
    return this.#instances.reduce((sum, { aborted }) => sum + aborted, 0)
  }

  /** No instance comes any more; the last one goes on. */
  settle(): void {
    this.stopping = true
    for (const { machine } of this.#instances) machine.resume()
  }

  #launch(): void {
    const { world, scene } = this.#simulation
    const name = `${this.#options.transactionalId}-${this.#instances.length}`
    this.#instances.push(this.#simulation.launch(new Transactor(scene, name, this.#options)))
    world.clock.after(lifeMinMs + this.#random.below(lifeMaxMs - lifeMinMs), () => {
      if (this.stopping) return
      this.#replace()
      this.#launch()
    })
  }

  #replace(): void {
    const old = this.#instances[this.#instances.length - 1]
    const { clock } = this.#simulation.world
    old.replaced = true
    const way = this.#random.pick(['goes on', 'sleeps', 'dies', 'sleeps'])
    old.say(`is replaced, and ${way}`)
    if (way === 'sleeps') {
      old.machine.pause()
      clock.after(this.#random.below(pauseMaxMs), () => old.machine.resume())
    } else if (way === 'dies') this.#simulation.bury(old)
  }
}
