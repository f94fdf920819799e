/** One core among voters 1, 2 and 3, with what it emits. */
import { RaftCore } from '../../../src/raft/core/core.ts'
import type { DurableElection, Effect, Send } from '../../../src/raft/core/effects.ts'
import type { Answered, Asked, VoteRequest } from '../../../src/raft/core/messages.ts'
import { noDirectory, type ReplicaKey } from '../../../src/raft/core/replica-key.ts'
import type { CoreOptions } from '../../../src/raft/core/seat.ts'
import { defaultQuorumTimeouts } from '../../../src/raft/core/timeouts.ts'
import { VoterHistory } from '../../../src/raft/core/voter-history.ts'
import { VoterSet } from '../../../src/raft/core/voter-set.ts'
import { controlEntry, MemoryLog } from './memory-log.ts'

export const key = (id: number): ReplicaKey => ({ id, directoryId: noDirectory })
export const address = (id: number) => ({ name: 'CONTROLLER', host: `node${id}`, port: 9093 })

export class TestMember {
  readonly core: RaftCore
  readonly log = new MemoryLog()
  nowMs = 0
  effects: Effect[] = []

  constructor(
    options: { log?: number[]; left?: DurableElection; voters?: number[] } & Omit<Partial<CoreOptions>, 'log'> = {},
  ) {
    const { log = [], left = null, voters = [1, 2, 3], ...rest } = options
    this.log.append(log.map((epoch, at) => ({ epoch, value: `value ${at}` })))
    this.core = new RaftCore({
      self: key(1),
      canVote: true,
      history: new VoterHistory(
        new VoterSet(voters.map(id => ({ key: key(id), endpoints: [address(id)], kraftVersions: { min: 0, max: 1 } }))),
      ),
      log: this.log,
      timeouts: defaultQuorumTimeouts,
      random: { below: () => 0 },
      bootstrap: [],
      listenerName: 'CONTROLLER',
      endpoints: [address(1)],
      kraftVersions: { min: 0, max: 1 },
      autoJoin: false,
      highWatermark: 0,
      ...rest,
    })
    this.do(core => core.start(left, this.nowMs))
  }

  /** In all its life. */
  readonly sends: Send[] = []

  asked(kind: Asked['kind'], nodeId?: number): Send {
    const send = this.sends.findLast(({ body, nodeId: to }) => body.kind === kind && (nodeId ?? to) === to)
    if (!send) throw new Error(`nothing of kind ${kind} was sent`)
    return send
  }

  get persisted(): DurableElection | undefined {
    return this.effects.findLast(effect => effect.kind === 'persist')?.state
  }

  do<T>(run: (core: RaftCore) => T): T {
    this.effects = []
    const result = run(this.core)
    this.#perform()
    return result
  }

  at(nowMs: number): void {
    this.nowMs = nowMs
    this.do(core => core.tick(nowMs))
  }

  vote(change: Partial<VoteRequest>) {
    const request = { candidate: key(2), epoch: 1, voter: key(1), lastEpoch: 0, lastOffset: 0, preVote: false }
    return this.do(core => core.vote({ ...request, ...change }, this.nowMs))
  }

  answer(send: Send, answer: Answered): void {
    this.do(core => core.answered(send, answer, this.nowMs))
  }

  grant(send: Send, granted = true): void {
    const epoch = send.body.kind === 'vote' ? send.body.epoch : -1
    this.answer(send, { kind: 'vote', error: 0, leaderId: -1, epoch, leaderAddress: null, granted })
  }

  /** Through an election, with the voice of 2. */
  lead(): void {
    this.at(this.core.deadlineMs)
    this.grant(this.asked('vote', 2))
    this.grant(this.asked('vote', 2))
    if (this.core.role.kind !== 'leader') throw new Error('not elected')
  }

  follow(leaderId: number, epoch: number): void {
    const request = { leaderId, epoch, voter: key(1), leaderEndpoints: [address(leaderId)] }
    this.do(core => core.beginEpoch(request, this.nowMs))
  }

  #perform(): void {
    for (let batch = this.core.takeEffects(); batch.length > 0; batch = this.core.takeEffects()) {
      for (const effect of batch) {
        this.effects.push(effect)
        if (effect.kind === 'send') this.sends.push(effect.send)
        if (effect.kind !== 'append') continue
        this.log.append(effect.records.map(record => controlEntry(effect.epoch, record)))
        this.core.synced(this.log.logEndOffset, this.nowMs)
      }
    }
  }
}
