/**
 * Bugs that can be switched on, to prove that the simulation sees: each is a rule of the cluster broken on purpose, from
 * the outside, so that nothing of it is in the product. docs/simulation.md tells how soon each is found.
 */
import { Offsets } from '../../src/coordinator/group/offsets.ts'
import type { MarkersAnsweredEvent, WriteMarkers } from '../../src/coordinator/transaction/events.ts'
import { MarkerSender } from '../../src/coordinator/transaction/marker-sender.ts'
import { partitionSet } from '../../src/coordinator/transaction/transaction.ts'
import { Verifier } from '../../src/coordinator/transaction/verifier.ts'
import { Transactions } from '../../src/coordinator/transactions.ts'
import type { Waiter } from '../../src/lib/watermark.ts'
import { Log } from '../../src/log/log.ts'
import { LogProgress } from '../../src/log/log-progress.ts'
import { type CompletedTransaction, ProducerState } from '../../src/log/producer-state.ts'
import type { DurableElection } from '../../src/raft/core/effects.ts'
import { Election } from '../../src/raft/core/election.ts'
import { LeaderProgress } from '../../src/raft/core/progress.ts'
import type { NodeAddress, ReplicaKey } from '../../src/raft/core/replica-key.ts'
import type { VoterSet } from '../../src/raft/core/voter-set.ts'
import { Leadership } from '../../src/replication/leadership.ts'
import { Partition } from '../../src/replication/partition.ts'
import { ReplicaProgress } from '../../src/replication/replica-progress.ts'
import { SimDisk } from './disk.ts'
import { rivalCandidates } from './scenarios/elections.ts'
import { joinsUnheard } from './scenarios/joining.ts'
import { commitComesLate } from './scenarios/late-requests.ts'

export interface Bug {
  readonly name: string
  readonly what: string
  /** Seeds within which it has to be found. */
  readonly budget: number
  /** The schedule in which it shows, where worlds drawn at random seldom get to it. */
  readonly scenario?: (seed: number) => Promise<void>
  /** What every seed must have. */
  readonly needs?: 'transactions'
  /** Nobody has found it yet: it is tried by its name only. */
  readonly isOpen?: boolean
  /** Switches it on; what it returns switches it off. */
  plant(): () => void
}

/** Replaces a method, or a getter, until the returned function is called. */
function replace<T extends object>(
  target: T,
  name: keyof T & string,
  make: (original: PropertyDescriptor) => PropertyDescriptor,
) {
  const original = Object.getOwnPropertyDescriptor(target, name)
  if (!original) throw new Error(`there is no ${name} to replace`)
  Object.defineProperty(target, name, { ...original, ...make(original) })
  return () => {
    Object.defineProperty(target, name, original)
  }
}

export const bugs: readonly Bug[] = [
  {
    name: 'ack-early',
    what: 'acks=all is answered when the leader alone has the record',
    budget: 10,
    plant: () =>
      replace(Partition.prototype, 'committed', () => ({
        value(this: Partition, offset: number, run: (failure: Error | null) => void): Waiter {
          return this.log.durable.reached(offset, run)
        },
      })),
  },
  {
    name: 'truncate-to-high-watermark',
    what: 'a new follower cuts its log to its high watermark, as before KIP-101',
    budget: 60,
    plant: () =>
      replace(Partition.prototype, 'update', ({ value: update }) => ({
        value(this: Partition, ...args: Parameters<Partition['update']>) {
          const before = this.leaderEpoch
          update.apply(this, args)
          if (this.role === 'follower' && this.leaderEpoch !== before) {
            void this.cut(this.highWatermark.value, this.leaderEpoch)
          }
        },
      })),
  },
  {
    name: 'skip-sync',
    what: 'segments are not synced',
    budget: 10,
    plant() {
      SimDisk.lies.sync = path => path.endsWith('.log') && !path.includes('__cluster_metadata')
      return () => {
        SimDisk.lies.sync = () => false
      }
    },
  },
  {
    name: 'no-directory-sync',
    what: 'names of files are not synced',
    budget: 20,
    plant() {
      SimDisk.lies.syncDirectory = () => true
      return () => {
        SimDisk.lies.syncDirectory = () => false
      }
    },
  },
  {
    name: 'report-volatile',
    what: 'offsets count before they are synced, on leaders and on followers',
    budget: 20,
    plant() {
      const undo = [
        replace(LogProgress.prototype, 'wroteTo', ({ value: wroteTo }) => ({
          value(this: LogProgress, offset: number) {
            wroteTo.call(this, offset)
            this.durableTo(offset)
          },
        })),
        replace(LogProgress.prototype, 'durableTo', () => ({
          value(this: LogProgress, offset: number) {
            if (offset > this.durable.value) this.durable.advance(offset)
          },
        })),
      ]
      return () => {
        for (const one of undo) one()
      }
    },
  },
  {
    name: 'ignore-epoch',
    what: 'a fetch with another leader epoch is served as if it were the right one',
    budget: 5,
    plant: () =>
      replace(Partition.prototype, 'fenceEpoch', ({ value: fenceEpoch }) => ({
        value(this: Partition) {
          fenceEpoch.call(this, -1)
        },
      })),
  },
  {
    name: 'duplicate-on-retry',
    what: 'a batch that is sent again is appended again',
    budget: 10,
    plant: () =>
      replace(ProducerState.prototype, 'check', () => ({
        value: () => null,
      })),
  },
  {
    name: 'stale-isr',
    what: 'the high watermark does not wait for a replica whose joining is under way',
    budget: 10,
    scenario: joinsUnheard,
    plant: () =>
      replace(Leadership.prototype, 'maximalIsr', () => ({
        get(this: Leadership) {
          return this.isr
        },
      })),
  },
  {
    name: 'forget-late-replicas',
    what: 'a replica counts no more as soon as it is behind, before the controller has agreed',
    budget: 20,
    plant: () =>
      replace(Leadership.prototype, 'committedOffset', ({ value: committedOffset }) => ({
        value(this: Leadership, durable: number, end: number, minInSync: number, nowMs: number) {
          const proposed = this.proposal?.isr.map(({ brokerId }) => brokerId)
          if (!proposed || proposed.length >= this.isr.length) {
            return committedOffset.call(this, durable, end, minInSync, nowMs)
          }
          return Math.min(durable, ...proposed.map(id => this.replica(id)?.logEndOffset ?? durable))
        },
      })),
  },
  {
    name: 'count-stale-fetches',
    what: 'a fetch from before a restart of its replica counts',
    budget: 200,
    isOpen: true,
    plant: () =>
      replace(ReplicaProgress.prototype, 'fetched', ({ value: fetched }) => ({
        value(this: ReplicaProgress, fetch: Parameters<ReplicaProgress['fetched']>[0]) {
          return fetched.call(this, { ...fetch, brokerEpoch: -1 })
        },
      })),
  },
  {
    name: 'vote-twice',
    what: 'a voter gives its voice to everybody who asks for it in an epoch',
    budget: 10,
    scenario: rivalCandidates,
    plant: () =>
      replace(Election.prototype, 'wouldGrant', ({ value: wouldGrant }) => ({
        value(this: Election, candidate: ReplicaKey, isUpToDate: boolean, preVote: boolean) {
          if (!preVote && this.role.kind === 'unattached') return isUpToDate
          return wouldGrant.call(this, candidate, isUpToDate, preVote)
        },
      })),
  },
  {
    name: 'forget-vote',
    what: 'votes are not made durable',
    budget: 10,
    scenario: rivalCandidates,
    plant: () =>
      replace(Election.prototype, 'restore', ({ value: restore }) => ({
        value(this: Election, left: DurableElection | null, ...rest: [number, NodeAddress | null, number]) {
          restore.call(this, left && { ...left, votedFor: null }, ...rest)
        },
      })),
  },
  {
    name: 'commit-earlier-epoch',
    what: 'a leader of the quorum counts replicas for records of epochs before its own',
    budget: 300,
    isOpen: true,
    plant: () =>
      replace(LeaderProgress.prototype, 'committed', () => ({
        value(this: LeaderProgress, voters: VoterSet) {
          const endOf = (id: number) => this.replicas.find(({ key }) => key.id === id)?.endOffset ?? this.ownDurableEnd
          const ends = voters.all.map(({ key }) => endOf(key.id)).sort((a, b) => b - a)
          return ends[voters.majority - 1] > 0 ? ends[voters.majority - 1] : null
        },
      })),
  },
  {
    name: 'marker-forgotten',
    what: 'the coordinator holds a transaction for complete although one partition has no marker',
    budget: 10,
    needs: 'transactions',
    plant: () =>
      replace(MarkerSender.prototype, 'send', ({ value: send }) => ({
        async value(this: MarkerSender, request: WriteMarkers, epoch: number): Promise<MarkersAnsweredEvent> {
          const all = [...request.partitions].flatMap(([topic, indexes]) =>
            [...indexes].map(index => ({ topic, index })),
          )
          const some = all.length < 2 ? all : all.slice(1)
          const set = partitionSet(some.map(({ topic, index }) => ({ name: topic, partitions: [index] })))
          const answer: MarkersAnsweredEvent = await send.call(this, { ...request, partitions: set }, epoch)
          return { ...answer, settled: request.partitions }
        },
      })),
  },
  {
    name: 'read-undecided',
    what: 'readers of committed records get everything up to the high watermark',
    budget: 5,
    needs: 'transactions',
    plant: () =>
      replace(Log.prototype, 'lastStableOffset', () => ({ value: (highWatermark: number) => highWatermark })),
  },
  {
    name: 'aborted-unlisted',
    what: 'a log forgets which transactions were aborted',
    budget: 5,
    needs: 'transactions',
    plant: () =>
      replace(ProducerState.prototype, 'apply', ({ value: apply }) => ({
        value(this: ProducerState, ...args: Parameters<ProducerState['apply']>) {
          const completed: CompletedTransaction | null = apply.apply(this, args)
          return completed && { ...completed, aborted: false }
        },
      })),
  },
  {
    name: 'offsets-undecided',
    what: 'offsets of a transaction count before it is decided, and also when it is aborted',
    budget: 20,
    needs: 'transactions',
    plant: () =>
      replace(Offsets.prototype, 'put', ({ value: put }) => ({
        value(this: Offsets, ...args: Parameters<Offsets['put']>) {
          const [groupId, topic, partition, value, recordOffset] = args
          put.call(this, groupId, topic, partition, value, recordOffset, -1)
        },
      })),
  },
  {
    name: 'offsets-forgotten',
    what: 'offsets of a committed transaction do not count',
    budget: 10,
    needs: 'transactions',
    plant: () =>
      replace(Offsets.prototype, 'endTransaction', ({ value: endTransaction }) => ({
        value(this: Offsets, producerId: number) {
          endTransaction.call(this, producerId, false)
        },
      })),
  },
  {
    name: 'ignore-producer-epoch',
    what: 'a partition takes what a replaced producer writes, and asks nobody whether it belongs to a transaction',
    budget: 30,
    needs: 'transactions',
    plant() {
      const undo = [
        replace(Verifier.prototype, 'isEnabled', () => ({ get: () => false })),
        replace(ProducerState.prototype, 'check', ({ value: check }) => ({
          value(this: ProducerState, ...[batch, origin, options]: Parameters<ProducerState['check']>) {
            if (batch.isTransactional && !batch.marker) return null
            return check.call(this, batch, origin, options)
          },
        })),
      ]
      return () => {
        for (const one of undo) one()
      }
    },
  },
  {
    name: 'late-end',
    what: 'an EndTxn of an older client that comes late ends whatever transaction is open',
    budget: 10,
    scenario: commitComesLate,
    plant: () =>
      replace(Transactions.prototype, 'ask', ({ value: ask }) => ({
        value(this: Transactions, event: Parameters<Transactions['ask']>[0]) {
          return ask.call(
            this,
            'connectionId' in event && event.kind !== 'initProducer' ? { ...event, connectionId: null } : event,
          )
        },
      })),
  },
]
