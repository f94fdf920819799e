/** A cluster that lives at random, from one seed, with a look after each step at what must always hold. */
import { PartitionIndex } from '../../src/controller/partition-index.ts'
import { lostDirectory, unassignedDirectory } from '../../src/metadata/directories.ts'
import type { Broker, PartitionInfo } from '../../src/metadata/entities.ts'
import { MetadataState } from '../../src/metadata/state.ts'
import { contents } from '../metadata/history.ts'
import { SimRandom } from '../sim/random.ts'
import { Decider, directoryOf } from './decide.ts'
import { FollowedPartitions } from './followed-partitions.ts'

const sessionMs = 9000

export class RandomCluster {
  readonly decider: Decider
  readonly trace: string[] = []
  readonly elr: boolean
  readonly #random: SimRandom
  readonly #unclean: boolean
  readonly #minIsrDefault: number
  readonly #brokersCount: number
  readonly #up = new Set<number>()
  /** What was wished last for each partition that was ever moved. */
  readonly #targets = new Map<string, readonly number[]>()
  readonly #index: PartitionIndex
  readonly #followed: FollowedPartitions
  #topicsMade = 0
  #problem: string | null = null

  constructor(seed: number) {
    this.#random = new SimRandom(seed)
    this.elr = this.#random.below(2) === 1
    this.#unclean = this.#random.below(3) === 0
    this.#brokersCount = 2 + this.#random.below(5)
    this.#minIsrDefault = 1 + this.#random.below(3)
    const settings = {
      'node.id': '99',
      'min.insync.replicas': String(this.#minIsrDefault),
      'unclean.leader.election.enable': String(this.#unclean),
      'leader.imbalance.check.interval.seconds': '20',
    }
    this.decider = new Decider(settings, seed).begin(30, this.elr ? 1 : 0)
    this.#index = new PartitionIndex(this.decider.state)
    this.#followed = new FollowedPartitions({ elr: this.elr, unclean: this.#unclean })
    for (let id = 1; id <= this.#brokersCount; id++) this.#start(id, true)
    this.#look()
  }

  /** One thing happens. Returns what is wrong then, null when nothing is. */
  step(): string | null {
    const steps: (() => string)[] = [
      () => this.#elapse(1 + this.#random.below(12_000)),
      () => this.#start(this.#anyBroker(), this.#random.below(2) === 0),
      () => this.#crash(),
      () => this.#leave(),
      () => this.#create(),
      () => this.#alterInSync(),
      () => this.#alterInSync(),
      () => this.#alterInSync(),
      () => this.#commit(),
      () => this.#commit(),
      () => this.#move(),
      () => this.#cancel(),
      () => this.#elect(),
      () => this.#failDirectory(),
      () => this.#minIsr(),
      () => this.#takeOver(),
      () => this.#delete(),
    ]
    this.trace.push(steps[this.#random.below(steps.length)]())
    return this.#look()
  }

  /** Everybody comes back, and every leader lets in whoever may be. Returns what did not end as it should. */
  settle(): string | null {
    for (let id = 1; id <= this.#brokersCount; id++) this.#start(id, true)
    for (const { name, partitions } of this.#topics()) {
      for (const { index } of partitions) {
        if (this.decider.partition(name, index).leader === -1) continue
        // A leader that recovers does so alone; a reassignment may move the leadership on the way.
        for (const alone of [true, false, false]) this.#alter(name, index, alone)
      }
    }
    const problem = this.#look()
    if (problem) return problem
    for (const { id, name, partitions } of this.#topics()) {
      for (const partition of partitions) {
        if (partition.leader === -1) continue
        const where = `${name}-${partition.index} ${JSON.stringify(partition)}`
        if (partition.addingReplicas.length + partition.removingReplicas.length > 0)
          return `still on the move: ${where}`
        if (!sameMembers(partition.isr, partition.replicas)) return `not all in sync: ${where}`
        const target = this.#targets.get(`${id}:${partition.index}`)
        if (target && !sameMembers(target, partition.replicas)) return `not at ${target.join()}: ${where}`
      }
    }
    return this.#replayed()
  }

  #topics() {
    return [...this.decider.state.topics.values()]
  }

  #anyBroker(): number {
    return 1 + this.#random.below(this.#brokersCount)
  }

  #some(ids: readonly number[]): number[] {
    return ids.filter(() => this.#random.below(2) === 0)
  }

  #shuffled(ids: readonly number[]): number[] {
    const keyed = ids.map(id => [this.#random.below(1 << 20), id])
    return keyed.sort((a, b) => a[0] - b[0]).map(([, id]) => id)
  }

  #anyPartition(): { name: string; topicId: string; partition: PartitionInfo } | null {
    const all = this.#topics().flatMap(({ name, id, partitions }) =>
      partitions.map(partition => ({ name, topicId: id, partition })),
    )
    return all.length === 0 ? null : all[this.#random.below(all.length)]
  }

  #start(id: number, clean: boolean): string {
    if (this.#up.has(id)) {
      this.decider.beat(id)
      return `broker ${id} beats`
    }
    const logDirs = [directoryOf(id), directoryOf(id, 1)]
    const previousBrokerEpoch = clean ? this.decider.epochOf(id) : -1
    const register = () => {
      this.#problem ??= this.#followed.follow(this.decider.records)
      return this.decider.register(id, { logDirs, rack: `rack ${id % 3}`, previousBrokerEpoch }).reply
    }
    if (register().error !== null) {
      this.#elapse(sessionMs)
      register()
    }
    if (!clean) this.#followed.lost(id)
    this.decider.beat(id)
    this.#up.add(id)
    return `broker ${id} starts ${clean ? 'clean' : 'unclean'}`
  }

  /** Those who are up send heartbeats while time goes on. */
  #elapse(ms: number): string {
    for (let rest = ms; rest > 0; rest -= 2000) {
      this.decider.elapse(Math.min(rest, 2000))
      for (const id of this.#up) if (this.decider.state.brokers.has(id)) this.decider.beat(id)
    }
    return `${ms} ms pass`
  }

  #crash(): string {
    const id = this.#anyBroker()
    this.#up.delete(id)
    // Sometimes the controller sees at once that the process is gone.
    const noticed = this.#random.below(2) === 0
    const brokerEpoch = this.decider.epochOf(id)
    if (noticed) {
      this.decider.ask({ question: 'loseBroker', brokerId: id, brokerEpoch, sinceMs: this.decider.nowMs + 1 })
    }
    return `broker ${id} crashes${noticed ? ' and is missed' : ''}`
  }

  #leave(): string {
    const id = this.#anyBroker()
    if (!this.#up.has(id)) return 'nothing'
    for (let i = 0; i < 3; i++) this.decider.beat(id, { wantShutDown: true })
    for (const other of this.#up) if (other !== id) this.decider.beat(other)
    this.decider.beat(id, { wantShutDown: true })
    this.#up.delete(id)
    return `broker ${id} leaves`
  }

  #create(): string {
    const name = `t${this.#topicsMade++}`
    const partitionsCount = 1 + this.#random.below(4)
    const replicationFactor = 1 + this.#random.below(this.#brokersCount)
    const topic = { name, partitionsCount, replicationFactor, assignments: [], configs: [] }
    this.decider.ask({ question: 'createTopics', topics: [topic], validateOnly: false })
    return `create ${name} ${partitionsCount}x${replicationFactor}`
  }

  #delete(): string {
    if (this.#random.below(3) > 0) return 'nothing'
    const any = this.#anyPartition()
    if (!any) return 'nothing'
    this.decider.answer('deleteTopics', { topics: [{ name: any.name, topicId: null }] })
    return `delete ${any.name}`
  }

  #alterInSync(): string {
    const any = this.#anyPartition()
    if (!any || any.partition.leader === -1) return 'nothing'
    const { leader, leaderRecoveryState, replicas, index } = any.partition
    const others = leaderRecoveryState === 1 ? [] : this.#some(replicas.filter(id => id !== leader))
    const { errorCode } = this.decider.alter(any.name, [leader, ...others], { index })
    return `${any.name}-${index} wants ${[leader, ...others].join()}: ${errorCode}`
  }

  #alter(name: string, index: number, alone: boolean): void {
    const { leader, replicas } = this.decider.partition(name, index)
    const isr = alone ? [leader] : [leader, ...replicas.filter(id => id !== leader)]
    this.decider.alter(name, isr, { index })
  }

  #move(): string {
    const any = this.#anyPartition()
    if (!any) return 'nothing'
    const ids = Array.from({ length: this.#brokersCount }, (_, i) => i + 1)
    const replicas = this.#shuffled(ids).slice(0, 1 + this.#random.below(this.#brokersCount))
    const errorCode = this.#reassign(any.name, any.partition.index, replicas)
    if (errorCode === 0) this.#targets.set(`${any.topicId}:${any.partition.index}`, replicas)
    return `move ${any.name}-${any.partition.index} to ${replicas.join()}: ${errorCode}`
  }

  #cancel(): string {
    const any = this.#anyPartition()
    if (!any) return 'nothing'
    const { index, replicas, addingReplicas } = any.partition
    const errorCode = this.#reassign(any.name, index, null)
    const original = replicas.filter(id => !addingReplicas.includes(id))
    if (errorCode === 0) this.#targets.set(`${any.topicId}:${index}`, original)
    return `cancel ${any.name}-${index}: ${errorCode}`
  }

  #reassign(name: string, partitionIndex: number, replicas: number[] | null): number {
    const topics = [{ name, partitions: [{ partitionIndex, replicas }] }]
    const [{ partitions }] = this.decider.answer('alterReassignments', { topics, allowReplicationFactorChange: true })
    return partitions[0].errorCode
  }

  #elect(): string {
    this.decider.answer('electLeaders', { electionType: 0, topics: null })
    return 'preferred leaders'
  }

  #failDirectory(): string {
    const id = this.#anyBroker()
    const broker = this.decider.state.brokers.get(id)
    if (!this.#up.has(id) || !broker || broker.logDirs.length < 2) return 'nothing'
    this.decider.beat(id, { offlineLogDirs: [broker.logDirs[0]] })
    return `broker ${id} loses a directory`
  }

  #minIsr(): string {
    const any = this.#anyPartition()
    if (!any) return 'nothing'
    const value = String(1 + this.#random.below(3))
    const operations = [{ name: 'min.insync.replicas', operation: 0, value }]
    const resources = [{ resourceType: 2, resourceName: any.name, operations }]
    this.decider.answer('alterConfigs', { resources, replace: false, validateOnly: false })
    return `min.insync.replicas of ${any.name} is ${value}`
  }

  #takeOver(): string {
    this.decider.takeOver()
    return 'another controller'
  }

  /** What must hold at every moment, and for every record since the last look. */
  #look(): string | null {
    this.#problem ??= this.#followed.follow(this.decider.records)
    if (this.#problem) return this.#problem
    for (const { name, partitions } of this.#topics()) {
      for (const partition of partitions) {
        const wrong = this.#wrong(partition, this.#minIsrOf(name))
        if (wrong) return `${wrong}: ${name} ${JSON.stringify(partition)}`
      }
    }
    return null
  }

  #minIsrOf(name: string): number {
    return Number(this.decider.state.configsOf(2, name).get('min.insync.replicas') ?? this.#minIsrDefault)
  }

  /** Some partition's leader takes a record, and its in-sync set has it. */
  #commit(): string {
    const any = this.#anyPartition()
    if (!any) return 'nothing'
    const { leader, isr, replicas, index } = any.partition
    const enough = isr.length >= Math.min(this.#minIsrOf(any.name), replicas.length)
    if (leader === -1 || !enough || !isr.every(id => this.#up.has(id))) return 'nothing'
    this.#followed.committed(any.topicId, index)
    return `${any.name}-${index} commits`
  }

  #active(id: number): Broker | null {
    const broker = this.decider.state.brokers.get(id)
    return broker && !broker.fenced && !broker.inControlledShutdown ? broker : null
  }

  #canLead(partition: PartitionInfo, id: number): boolean {
    const directory = partition.directories[partition.replicas.indexOf(id)]
    const broker = this.#active(id)
    if (!broker || directory === lostDirectory) return false
    return directory === unassignedDirectory || broker.logDirs.includes(directory)
  }

  #wrong(partition: PartitionInfo, minIsr: number): string | null {
    const { replicas, isr, leader, eligibleLeaderReplicas: eligible, addingReplicas, removingReplicas } = partition
    const known = new Set(replicas)
    if (known.size !== replicas.length) return 'a replica twice'
    if (partition.directories.length !== replicas.length) return 'not a directory for each replica'
    for (const ids of [isr, eligible, addingReplicas, removingReplicas]) {
      if (!ids.every(id => known.has(id)) || new Set(ids).size < ids.length) return 'not among the replicas'
    }
    if (eligible.length > 0 && isr.length >= Math.min(minIsr, replicas.length))
      return 'eligible although enough are in sync'
    if (isr.some(id => eligible.includes(id))) return 'in sync and eligible'
    if (addingReplicas.some(id => removingReplicas.includes(id))) return 'comes and goes'
    if (leader !== -1 && !isr.includes(leader)) return 'a leader that is not in sync'
    if (leader !== -1 && !this.#canLead(partition, leader)) return 'a leader that cannot lead'
    if (isr.length === 0 && !this.elr) return 'nobody in sync'
    if (eligible.length > 0 && !this.elr) return 'eligible replicas without the feature'
    if (leader !== -1 && !isr.every(id => this.#active(id))) return 'a fenced broker in sync'
    const may = isr.length > 0 ? isr : eligible
    if (leader === -1 && may.some(id => this.#canLead(partition, id))) return 'nobody leads although somebody could'
    return null
  }

  /** The records alone make the same state and the same index. */
  #replayed(): string | null {
    const { state, records } = this.decider
    const again = new MetadataState()
    for (const [offset, record] of records.entries()) again.apply(record, offset)
    const copy = state.clone()
    if (JSON.stringify(contents(again)) !== JSON.stringify(contents(copy))) return 'a replay gives another state'
    const fresh = new PartitionIndex(copy)
    for (let id = 1; id <= this.#brokersCount; id++) {
      if (fresh.leadershipsOf(id) !== this.#index.leadershipsOf(id)) return 'the index counts wrong'
      if (fresh.inSync(id).size !== this.#index.inSync(id).size) return 'the index of in-sync sets is wrong'
      if (fresh.eligible(id).size !== this.#index.eligible(id).size) return 'the index of eligible replicas is wrong'
    }
    for (const name of ['leaderless', 'imbalanced', 'reassigning'] as const) {
      if (fresh[name].size !== this.#index[name].size) return `the index of ${name} partitions is wrong`
    }
    return null
  }
}

function sameMembers(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every(id => b.includes(id))
}
