/**
 * Several cores with logs and durable states in memory, and a network that loses, delays and repeats. One seed decides
 * everything. What must hold is checked at every step; a violation throws with the seed in its message.
 */
import { Errors } from '../../../protocol/errors.ts'
import { RaftCore } from '../../../src/raft/core/core.ts'
import type { DurableElection, Effect, Send } from '../../../src/raft/core/effects.ts'
import type { Answered, Told } from '../../../src/raft/core/messages.ts'
import { type NamedAddress, noDirectory, type ReplicaKey } from '../../../src/raft/core/replica-key.ts'
import { defaultQuorumTimeouts, type QuorumTimeouts } from '../../../src/raft/core/timeouts.ts'
import { VoterHistory } from '../../../src/raft/core/voter-history.ts'
import { type Voter, VoterSet } from '../../../src/raft/core/voter-set.ts'
import { SimRandom } from '../../sim/random.ts'
import { controlEntry, type Entry, MemoryLog } from './memory-log.ts'

export interface ClusterOptions {
  readonly seed: number
  readonly nodes: number
  /** The first so many vote. */
  readonly voters: number
  /** 1: the voters are in the log, and may change. */
  readonly kraftVersion: 0 | 1
  /** Of messages, in a thousand. */
  readonly lossPerMille?: number
  readonly delayMaxMs?: number
  readonly duplicatePerMille?: number
  /** Of promises made durable: a crash follows one in so many. */
  readonly stumbleOneIn?: number
  readonly timeouts?: Partial<QuorumTimeouts>
  /** A mistake that the checks have to find. */
  readonly bug?: 'acknowledge-unsynced' | null
}

export class Violation extends Error {
  override readonly name = 'Violation'
}

interface Event {
  readonly atMs: number
  readonly order: number
  readonly run: () => void
}

function isBefore(a: Event, b: Event): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order)
}

const endpoint = (id: number): NamedAddress => ({ name: 'CONTROLLER', host: 'node', port: 9000 + id })

export class Node {
  readonly key: ReplicaKey
  readonly log = new MemoryLog()
  durable: DurableElection | null = null
  core: RaftCore | null = null
  highWatermark = 0
  pausedUntilMs = 0
  /** Grows with every life: what an earlier one began ends with it. */
  life = 0
  isPersisting = false
  held: (() => void)[] = []
  timer = 0
  isSyncing = false

  constructor(id: number, kraftVersion: number) {
    this.key = { id, directoryId: kraftVersion > 0 ? `directory${String(id).padStart(12, '0')}A` : noDirectory }
  }

  get id(): number {
    return this.key.id
  }

  get leads(): boolean {
    return this.core?.role.kind === 'leader'
  }
}

export class Cluster {
  readonly nodes: readonly Node[]
  readonly random: SimRandom
  readonly #options: Required<ClusterOptions>
  readonly #configured: VoterSet
  readonly #leaders = new Map<number, number>()
  /** What anybody has ever held for committed. */
  readonly committed: Entry[] = []
  /** In which epoch each was. */
  readonly #committedIn: number[] = []
  readonly cut = new Set<string>()
  nowMs = 1000
  /** Nothing fails any more. */
  isPeaceful = false
  lossPerMille: number
  readonly counts = { elections: 0, truncations: 0, snapshots: 0, changes: 0, crashes: 0 }
  #events: Event[] = []
  #order = 0
  #values = 0

  constructor(options: ClusterOptions) {
    this.#options = {
      lossPerMille: 0,
      delayMaxMs: 5,
      duplicatePerMille: 0,
      bug: null,
      stumbleOneIn: 30,
      timeouts: {},
      ...options,
    }
    this.lossPerMille = this.#options.lossPerMille
    this.random = new SimRandom(options.seed)
    this.nodes = Array.from({ length: options.nodes }, (_, at) => new Node(at + 1, options.kraftVersion))
    this.#configured = new VoterSet(this.nodes.slice(0, options.voters).map(node => this.voterOf(node)))
    for (const node of this.nodes) this.start(node)
  }

  voterOf({ key }: Node): Voter {
    return { key, endpoints: [endpoint(key.id)], kraftVersions: { min: 0, max: 1 } }
  }

  get leader(): Node | null {
    const leading = this.nodes.filter(node => node.leads)
    return leading.sort((a, b) => (b.core?.epoch ?? 0) - (a.core?.epoch ?? 0))[0] ?? null
  }

  start(node: Node): void {
    const { kraftVersion } = this.#options
    const history = new VoterHistory(kraftVersion === 0 ? this.#configured : VoterSet.empty)
    if (kraftVersion === 1) history.add(-1, { voters: this.#configured, kraftVersion: 1 })
    for (const change of node.log.allChanges()) history.add(change.offset, change)
    node.life++
    node.isPersisting = false
    node.isSyncing = false
    node.held = []
    node.highWatermark = node.log.snapshot?.endOffset ?? 0
    node.core = new RaftCore({
      self: node.key,
      canVote: true,
      history,
      log: node.log,
      timeouts: { ...defaultQuorumTimeouts, requestTimeoutMs: 500, ...this.#options.timeouts },
      random: this.random,
      bootstrap: this.nodes.map(({ id }) => endpoint(id)),
      listenerName: 'CONTROLLER',
      endpoints: [endpoint(node.id)],
      kraftVersions: { min: 0, max: 1 },
      autoJoin: false,
      highWatermark: node.highWatermark,
    })
    this.touch(node, core => core.start(node.durable, this.nowMs))
  }

  /** Only what is durable is left, and of the rest a random part. */
  crash(node: Node): void {
    this.counts.crashes++
    node.core = null
    node.life++
    const { durableEnd, logEndOffset } = node.log
    node.log.truncateTo(durableEnd + this.random.below(logEndOffset - durableEnd + 1))
    node.log.durableEnd = node.log.logEndOffset
  }

  /** Appends a value at a leader. */
  write(node: Node): void {
    if (!node.leads || !node.core) return
    node.log.append([{ epoch: node.core.epoch, value: `value ${++this.#values}` }])
    this.#sync(node)
  }

  /** Runs whatever is due until `untilMs`, or until `done`. */
  run(untilMs: number, done: () => boolean = () => false): boolean {
    while (this.#events.length > 0) {
      if (done()) return true
      const event = this.#next(untilMs)
      if (!event) break
      this.nowMs = Math.max(this.nowMs, event.atMs)
      event.run()
    }
    this.nowMs = Math.max(this.nowMs, untilMs)
    return done()
  }

  after(delayMs: number, run: () => void): void {
    this.#events.push({ atMs: this.nowMs + delayMs, order: this.#order++, run })
    for (let at = this.#events.length - 1; at > 0; ) {
      const parent = (at - 1) >> 1
      if (!isBefore(this.#events[at], this.#events[parent])) break
      this.#swap(at, parent)
      at = parent
    }
  }

  /** Runs something at a node that lives, as soon as it is not paused. */
  at(node: Node, life: number, run: (core: RaftCore) => void): void {
    if (node.core === null || node.life !== life) return
    if (node.pausedUntilMs > this.nowMs) {
      this.after(node.pausedUntilMs - this.nowMs, () => this.at(node, life, run))
      return
    }
    this.touch(node, run)
  }

  touch(node: Node, run: (core: RaftCore) => void): void {
    const { core } = node
    if (!core) return
    run(core)
    for (let effects = core.takeEffects(); effects.length > 0; effects = core.takeEffects()) {
      for (const effect of effects) this.#perform(node, core, effect)
    }
    this.#schedule(node, core)
    this.#check(node, core)
  }

  fail(what: string): never {
    throw new Violation(`seed ${this.#options.seed}, at ${this.nowMs} ms: ${what}`)
  }

  #next(untilMs: number): Event | null {
    const first = this.#events[0]
    if (!first || first.atMs > untilMs) return null
    const last = this.#events.pop()
    if (last && this.#events.length > 0) {
      this.#events[0] = last
      for (let at = 0; ; ) {
        let least = at
        for (const child of [2 * at + 1, 2 * at + 2]) {
          if (child < this.#events.length && isBefore(this.#events[child], this.#events[least])) least = child
        }
        if (least === at) break
        this.#swap(at, least)
        at = least
      }
    }
    return first
  }

  #swap(a: number, b: number): void {
    const kept = this.#events[a]
    this.#events[a] = this.#events[b]
    this.#events[b] = kept
  }

  #schedule(node: Node, core: RaftCore): void {
    const timer = ++node.timer
    if (core.deadlineMs === Number.POSITIVE_INFINITY) return
    const { life } = node
    this.after(Math.max(0, core.deadlineMs - this.nowMs), () => {
      if (node.timer === timer) this.at(node, life, same => same.tick(this.nowMs))
    })
  }

  #perform(node: Node, core: RaftCore, effect: Effect): void {
    const { life } = node
    switch (effect.kind) {
      case 'persist':
        node.isPersisting = true
        node.held.push(() => {
          node.durable = effect.state
        })
        this.after(this.random.below(3), () => node.life === life && this.#release(node))
        if (!this.isPeaceful && this.random.below(this.#options.stumbleOneIn) === 0) this.#stumble(node)
        return
      case 'send':
        return this.#visible(node, () => this.#send(node, effect.send))
      case 'append':
        node.log.append(effect.records.map(record => controlEntry(effect.epoch, record)))
        return this.#sync(node)
      case 'appendFetched': {
        const entries: Entry[] = JSON.parse(effect.records.toString())
        core.appended(node.log.append(entries.filter(({ epoch }) => epoch <= effect.epoch)), this.nowMs)
        return this.#sync(node)
      }
      case 'truncate':
        this.counts.truncations++
        this.after(this.random.below(20), () => {
          if (node.life !== life) return
          node.log.truncateTo(effect.offset)
          this.touch(node, same => same.truncated(this.nowMs))
        })
        return
      case 'writePiece': {
        const { change } = JSON.parse(effect.bytes.toString())
        this.after(this.random.below(20), () => {
          if (node.life !== life) return
          this.counts.snapshots++
          const says = this.#revive(change)
          node.log.restartAt(effect.id, { offset: effect.id.endOffset - 1, ...says })
          this.touch(node, same => same.snapshotInstalled(effect.id, says, this.nowMs))
        })
        return
      }
      case 'highWatermark':
        return this.#committed(node, effect.offset)
      case 'changed':
        if (effect.outcome.error === Errors.NONE) this.counts.changes++
        return
      case 'leader':
        if (effect.leaderId === node.id && node.leads) this.#elected(node, effect.epoch)
    }
  }

  /** Crashes when it hurts: soon after something was promised. It is back at once. */
  #stumble(node: Node): void {
    const { life } = node
    this.after(this.random.below(40), () => {
      if (node.life !== life || this.isPeaceful) return
      this.crash(node)
      this.after(this.random.below(100), () => !node.core && this.start(node))
    })
  }

  #release(node: Node): void {
    node.isPersisting = false
    for (const run of node.held.splice(0)) run()
  }

  /** Leaves the node only after what came before it is durable. */
  #visible(node: Node, run: () => void): void {
    if (node.isPersisting) node.held.push(run)
    else run()
  }

  #sync(node: Node): void {
    if (node.isSyncing) return
    node.isSyncing = true
    const { life } = node
    const end = node.log.logEndOffset
    const lazy = this.#options.bug === 'acknowledge-unsynced'
    if (lazy) this.after(0, () => this.at(node, life, core => core.synced(end, this.nowMs)))
    this.after(this.random.below(this.random.below(10) === 0 ? 500 : 15), () => {
      if (node.life !== life) return
      node.isSyncing = false
      // A truncation may have come in between.
      node.log.durableEnd = Math.max(node.log.durableEnd, Math.min(end, node.log.logEndOffset))
      this.touch(node, core => core.synced(node.log.durableEnd, this.nowMs))
      if (node.log.durableEnd < node.log.logEndOffset) this.#sync(node)
    })
  }

  #send(from: Node, send: Send): void {
    const to = this.nodes.find(({ id }) => endpoint(id).port === send.to.port)
    const { life } = from
    let settled = false
    const settle = (answer: Answered) => {
      if (settled) return
      settled = true
      this.at(from, life, core => core.answered(send, answer, this.nowMs))
    }
    this.after(send.timeoutMs, () => settle({ kind: 'none', reason: 'unreachable' }))
    if (!to) return
    const copies = this.random.below(1000) < this.#options.duplicatePerMille ? 2 : 1
    for (let copy = 0; copy < copies; copy++) {
      this.#travel(from, to, () => {
        this.at(to, to.life, core => {
          const answer = this.#answer(to, core, send)
          if (!answer) return
          this.#visible(to, () => this.#travel(to, from, () => settle(answer)))
        })
      })
    }
  }

  #travel(from: Node, to: Node, arrive: () => void): void {
    if (this.random.below(1000) < this.lossPerMille || this.cut.has(`${from.id}>${to.id}`)) return
    const { delayMaxMs } = this.#options
    const slow = this.random.below(50) === 0 ? 100 : 1
    this.after((this.random.below(1000) / 1000) * delayMaxMs * slow, () => {
      if (!this.cut.has(`${from.id}>${to.id}`)) arrive()
    })
  }

  #answer(node: Node, core: RaftCore, { body }: Send): Answered | null {
    const told = (error: Told['error']): Told => ({
      error,
      leaderId: core.leaderId,
      epoch: core.epoch,
      leaderAddress: core.leaderAddress,
    })
    switch (body.kind) {
      case 'vote': {
        const { error, granted } = core.vote(body, this.nowMs)
        return { kind: 'vote', ...told(error), granted }
      }
      case 'beginEpoch':
        return { kind: 'beginEpoch', ...told(core.beginEpoch(body, this.nowMs)) }
      case 'endEpoch':
        return { kind: 'endEpoch', ...told(core.endEpoch(body, this.nowMs)) }
      case 'fetch': {
        const verdict = core.fetch(body, this.nowMs)
        const entries = node.log.entries
          .slice(body.fetchOffset - node.log.logStartOffset)
          .slice(0, 1 + this.random.below(5))
        const records = verdict.kind === 'read' && entries.length > 0 ? JSON.stringify(entries) : ''
        return {
          kind: 'fetch',
          ...told(verdict.kind === 'error' ? verdict.error : Errors.NONE),
          highWatermark: core.highWatermark,
          diverging: verdict.kind === 'diverging' ? verdict.at : null,
          snapshot: verdict.kind === 'snapshot' ? verdict.id : null,
          records: Buffer.from(records),
        }
      }
      case 'fetchSnapshot': {
        const error = core.fetchSnapshot(body, this.nowMs)
        const { snapshot, snapshotChange: change } = node.log
        const isThere = snapshot && snapshot.endOffset === body.snapshot.endOffset
        const bytes = Buffer.from(
          JSON.stringify({ change: change && { ...change, voters: change.voters?.all ?? null } }),
        )
        const code = error === Errors.NONE && !isThere ? Errors.SNAPSHOT_NOT_FOUND : error
        return {
          kind: 'fetchSnapshot',
          ...told(code),
          snapshot: body.snapshot,
          sizeBytes: bytes.length,
          position: 0,
          bytes,
        }
      }
      case 'apiVersions':
        return { kind: 'apiVersions', error: Errors.NONE, kraftVersions: { min: 0, max: 1 } }
      case 'updateVoter': {
        const change = core.updateVoter(body, this.nowMs)
        return { kind: 'updateVoter', ...told('outcome' in change ? change.outcome.error : Errors.NONE) }
      }
      default:
        return null
    }
  }

  #revive(change: { voters: Voter[] | null; kraftVersion: number | null } | null) {
    return { voters: change?.voters ? new VoterSet(change.voters) : null, kraftVersion: change?.kraftVersion ?? null }
  }

  #elected(node: Node, epoch: number): void {
    this.counts.elections++
    const other = this.#leaders.get(epoch)
    if (other !== undefined) this.fail(`nodes ${other} and ${node.id} both lead epoch ${epoch}`)
    this.#leaders.set(epoch, node.id)
    for (let offset = node.log.logStartOffset; offset < this.committed.length; offset++) {
      // One who wins an old epoch late cannot know what was committed in a newer one, and commits nothing itself.
      if (this.#committedIn[offset] >= epoch) continue
      const own = node.log.entryAt(offset)
      if (own?.value !== this.committed[offset].value) {
        this.fail(`node ${node.id} leads epoch ${epoch} without committed offset ${offset}`)
      }
    }
  }

  #committed(node: Node, highWatermark: number): void {
    if (highWatermark > node.log.logEndOffset) this.fail(`node ${node.id} holds more for committed than it has`)
    for (let offset = Math.max(node.highWatermark, node.log.logStartOffset); offset < highWatermark; offset++) {
      const own = node.log.entryAt(offset)
      if (!own) this.fail(`node ${node.id} has no offset ${offset}`)
      const known = this.committed[offset]
      if (!known) {
        if (offset !== this.committed.length) this.fail(`node ${node.id} committed ${offset} out of order`)
        this.committed.push(own)
        this.#committedIn.push(node.core?.epoch ?? 0)
      } else if (known.value !== own.value || known.epoch !== own.epoch) {
        this.fail(`offset ${offset} was committed as ${known.value} and, at node ${node.id}, as ${own.value}`)
      }
    }
    node.highWatermark = highWatermark
    if (this.random.below(40) === 0 && highWatermark > node.log.logStartOffset) node.log.snapshotUpTo(highWatermark)
  }

  #check(node: Node, core: RaftCore): void {
    if (core.highWatermark > node.log.logEndOffset) this.fail(`the high watermark of ${node.id} is beyond its log`)
    if (node.log.logEndOffset < node.highWatermark) this.fail(`node ${node.id} cut off what was committed`)
  }

  /** Two logs with a record of the same offset and epoch are the same up to it. */
  checkLogs(): void {
    for (const a of this.nodes) {
      for (const b of this.nodes) {
        let same = false
        for (let offset = Math.min(a.log.logEndOffset, b.log.logEndOffset) - 1; ; offset--) {
          const left = a.log.entryAt(offset)
          const right = b.log.entryAt(offset)
          if (!left || !right) break
          if (left.epoch === right.epoch) same = true
          if (same && left.value !== right.value) this.fail(`logs of ${a.id} and ${b.id} differ at ${offset}`)
        }
      }
    }
  }
}
