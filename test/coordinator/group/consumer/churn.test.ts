/**
 * Random lives of groups in which clients of both protocols come, go, die, fall silent and lose answers, while topics grow and
 * coordinators change. No partition has two owners at any time, and at rest every partition has one.
 */
import assert from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import type { ConsumerGroup } from '../../../../src/coordinator/group/consumer/group.ts'
import { defaultGroupSettings } from '../../../../src/coordinator/group/settings.ts'
import { FakeCluster } from '../fake-cluster.ts'
import { Scenario } from '../scenario.ts'
import { type Client, NewClient, OldClient } from './members.ts'

const sessionTimeoutMs = 10_000

interface World {
  readonly assignor: 'uniform' | 'range'
  readonly assignmentIntervalMs: number
  readonly olds: number
}

class Churn {
  scenario: Scenario
  readonly clients: Client[]
  readonly #news: NewClient[]
  readonly #silentSince = new Map<Client, number>()
  readonly #world: World
  #partitions = 7
  #checks = 0

  constructor(world: World) {
    this.#world = world
    const cluster = new FakeCluster()
    cluster.add('t', this.#partitions)
    cluster.add('u', 3)
    cluster.times = { sessionTimeoutMs, heartbeatIntervalMs: 1000, assignmentIntervalMs: world.assignmentIntervalMs }
    const settings = {
      initialRebalanceDelayMs: 300,
      consumer: { ...defaultGroupSettings.consumer, regexBatchMs: 1000 },
    }
    this.scenario = new Scenario(settings, [], 0, cluster)
    // Clients speak to whichever coordinator there is.
    const live = new Proxy(this.scenario, {
      get: (_target, name) => {
        const value: unknown = Reflect.get(this.scenario, name)
        return typeof value === 'function' ? value.bind(this.scenario) : value
      },
    })
    const terms = { serverAssignor: world.assignor, rebalanceTimeoutMs: 10_000 }
    const onOwned = (client: Client, partition: string) => this.#owned(client, partition)
    this.#news = [
      new NewClient('n0', live, onOwned, terms),
      new NewClient('n1', live, onOwned, terms),
      new NewClient('n2', live, onOwned, { ...terms, instanceId: 'static' }, ['t', 'u']),
      new NewClient('n3', live, onOwned, { ...terms, subscribedTopicRegex: '[tu]' }, []),
    ]
    const olds = Array.from({ length: world.olds }, (_, i) => new OldClient(`o${i}`, live, onOwned))
    this.clients = [...this.#news, ...olds]
  }

  #owned(client: Client, partition: string): void {
    for (const other of this.clients) {
      assert(
        other === client || !other.owned.has(partition),
        `${partition} is owned by ${other.name} and ${client.name}`,
      )
    }
  }

  act(index: number, action: number): void {
    const client = this.clients[index % this.clients.length]
    if (action < 14) this.#proceed(client, false)
    else if (action < 17) this.#proceed(client, true)
    else if (action < 24) for (const each of this.clients.slice(0, 2 + (action % 4))) this.#proceed(each, false)
    else if (action < 26) client.leave()
    else if (action < 28) client.die()
    else if (action < 29) this.#grow()
    else if (action < 30) this.#changeCoordinator()
    else this.#advance([1, 10, 300, 1000, 1000, 3000, 3000, 5000, 9000, 11_000][action - 30])
    this.check()
  }

  #proceed(client: Client, lost: boolean): void {
    client.proceed(lost)
    this.#silentSince.set(client, this.scenario.nowMs)
  }

  #grow(): void {
    this.#partitions += 2
    this.scenario.cluster.grow('t', this.#partitions)
  }

  /** Whoever is silent for longer than its session has to expect that others own its partitions. */
  #advance(ms: number): void {
    for (const client of this.clients) {
      const silentMs = this.scenario.nowMs + ms - (this.#silentSince.get(client) ?? 0)
      if (client.isMember && silentMs >= sessionTimeoutMs) client.die()
    }
    this.scenario.advance(ms)
  }

  /** Requests that are parked at the old one are answered with an error, as clients see it: they begin anew. */
  #changeCoordinator(): void {
    for (const client of this.clients) if (!client.isMember) client.die()
    this.scenario = this.scenario.restarted()
    for (const client of this.clients) this.#silentSince.set(client, this.scenario.nowMs)
  }

  check(): void {
    const live = this.scenario.machine.consumerGroup('g')
    if (!live) return
    this.#checks++
    for (const member of live.members.values()) {
      for (const [topicId, partitions] of [...member.assigned, ...member.revoking]) {
        for (const partition of partitions.keys()) assert.equal(live.ownerOf(topicId, partition), member.id)
      }
    }
    if (this.#checks % 8 !== 0) return
    const stored = this.scenario.restarted().machine.consumerGroup('g')
    assert(stored, 'it is on record')
    assert.deepEqual(facts(stored), facts(live))
  }

  /** The new clients in good health come to rest. */
  rest(): void {
    const staying = this.#news
    for (const client of this.clients) if (client instanceof OldClient) client.die()
    for (let round = 0; round < 80; round++) {
      for (const client of staying) this.#proceed(client, false)
      this.scenario.advance(1000)
    }
    const owned = staying.flatMap(client => [...client.owned]).sort()
    const all = Array.from({ length: this.#partitions }, (_, p) => `t-${p}`)
    assert.deepEqual(owned, [...all, 'u-0', 'u-1', 'u-2'].sort())
    const group = this.scenario.machine.consumerGroup('g')
    assert.equal(group?.state, 'Stable')
    assert.equal(group.members.size, staying.length)
    if (this.#world.assignor !== 'uniform') return
    const counts = staying.map(client => client.owned.size)
    assert(Math.max(...counts) - Math.min(...counts) <= 1, `uneven: ${counts}`)
  }
}

function facts(group: ConsumerGroup) {
  return {
    state: group.state,
    epoch: group.epoch,
    metadataHash: group.metadataHash,
    assignmentEpoch: group.assignmentEpoch,
    assignmentTimestampMs: group.assignmentTimestampMs,
    members: [...group.members].sort(byKey),
    targets: [...group.targets].sort(byKey),
    statics: [...group.staticMembers].sort(byKey),
    regexes: [...group.regexes].sort(byKey),
  }
}

function byKey(a: readonly [string, unknown], b: readonly [string, unknown]): number {
  return a[0] < b[0] ? -1 : 1
}

t.test('whatever happens, in whatever order', async t => {
  const world = fc.record({
    assignor: fc.constantFrom('uniform' as const, 'range' as const),
    assignmentIntervalMs: fc.constantFrom(0, 1000),
    olds: fc.nat(3),
  })
  const steps = fc.array(fc.tuple(fc.nat(7), fc.nat(39)), { minLength: 20, maxLength: 120, size: 'max' })
  const property = fc.property(world, steps, (world, actions) => {
    const churn = new Churn(world)
    for (const [client, action] of actions) churn.act(client, action)
    churn.rest()
  })
  fc.assert(property, { numRuns: 100, seed: 20_261_122 })
  t.pass('100 lives')
})
