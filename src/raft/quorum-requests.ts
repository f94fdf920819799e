/**
 * Requests to this member, as they come from the wire: of candidates and leaders, of replicas that fetch, and of those who
 * change the voters. An answer leaves only when what it rests on is durable.
 */
import { type ErrorCode, Errors, KafkaError } from '../../protocol/errors.ts'
import type { fetch } from '../../protocol/messages/01-fetch.ts'
import type { vote } from '../../protocol/messages/52-vote.ts'
import type { beginQuorumEpoch } from '../../protocol/messages/53-begin-quorum-epoch.ts'
import type { endQuorumEpoch } from '../../protocol/messages/54-end-quorum-epoch.ts'
import type { fetchSnapshot } from '../../protocol/messages/59-fetch-snapshot.ts'
import type { addRaftVoter } from '../../protocol/messages/80-add-raft-voter.ts'
import type { removeRaftVoter } from '../../protocol/messages/81-remove-raft-voter.ts'
import type { updateRaftVoter } from '../../protocol/messages/82-update-raft-voter.ts'
import type { RequestOf, ResponseOf } from '../../protocol/schema.ts'
import type { Clock } from '../host/host.ts'
import type { Log } from '../log/log.ts'
import type { RaftCore } from './core/core.ts'
import type { ChangeOutcome, FetchVerdict } from './core/messages.ts'
import { noDirectory } from './core/replica-key.ts'
import type { Change } from './core/voter-changes.ts'
import type { Snapshots } from './snapshots.ts'
import {
  epochAnswer,
  fetchAnswer,
  type IncomingFetch,
  incomingFetch,
  type Leader,
  namesOf,
  refusal,
  snapshotAnswer,
  voteAnswer,
} from './wire-in.ts'

/** What answering takes of the quorum. */
export interface Driver {
  readonly clusterId: string
  readonly log: Log
  readonly snapshots: Snapshots
  readonly clock: Clock
  /** One event; its consequences are under way when this returns. */
  step<T>(run: (core: RaftCore, nowMs: number) => T): T
  /** Resolves when what was decided may be told. Rejects with KafkaError. */
  told(): Promise<void>
  /** Resolves at the next change of log, leader or high watermark, or after `waitMs`. */
  changed(waitMs: number): Promise<void>
  change(begin: (core: RaftCore, nowMs: number) => Change): Promise<ChangeOutcome>
}

/** Bytes of one answer, whatever is asked for. */
const answerBytesMax = 8 << 20

export class QuorumRequests {
  readonly #driver: Driver

  constructor(driver: Driver) {
    this.#driver = driver
  }

  /** Throws KafkaError. */
  async vote(request: RequestOf<typeof vote>): Promise<ResponseOf<typeof vote>> {
    this.#refuse(request, namesOf(request.topics))
    const [asked] = request.topics[0].partitions
    const [outcome, leader] = this.#driver.step((core, nowMs) => {
      const { error, granted } = core.vote(
        {
          candidate: { id: asked.replicaId, directoryId: asked.replicaDirectoryId || noDirectory },
          epoch: asked.replicaEpoch,
          voter: { id: request.voterId, directoryId: asked.voterDirectoryId || noDirectory },
          lastEpoch: asked.lastOffsetEpoch,
          lastOffset: asked.lastOffset,
          preVote: asked.preVote,
        },
        nowMs,
      )
      return [{ error, granted }, leaderOf(core)]
    })
    await this.#driver.told()
    return voteAnswer(outcome, leader)
  }

  /** Throws KafkaError. */
  async beginQuorumEpoch(request: RequestOf<typeof beginQuorumEpoch>): Promise<ResponseOf<typeof beginQuorumEpoch>> {
    this.#refuse(request, namesOf(request.topics))
    const [{ leaderId, leaderEpoch: epoch, voterDirectoryId }] = request.topics[0].partitions
    const voter = { id: request.voterId, directoryId: voterDirectoryId || noDirectory }
    const { leaderEndpoints } = request
    return this.#epoch((core, nowMs) => core.beginEpoch({ leaderId, epoch, voter, leaderEndpoints }, nowMs))
  }

  /** Throws KafkaError. */
  async endQuorumEpoch(request: RequestOf<typeof endQuorumEpoch>): Promise<ResponseOf<typeof endQuorumEpoch>> {
    this.#refuse(request, namesOf(request.topics))
    const [{ leaderId, leaderEpoch: epoch, preferredCandidates, preferredSuccessors }] = request.topics[0].partitions
    const { leaderEndpoints } = request
    const preferred =
      preferredCandidates.length > 0
        ? preferredCandidates.map(({ candidateId: id, candidateDirectoryId }) => ({
            id,
            directoryId: candidateDirectoryId || noDirectory,
          }))
        : preferredSuccessors.map(id => ({ id, directoryId: noDirectory }))
    return this.#epoch((core, nowMs) => core.endEpoch({ leaderId, epoch, preferred, leaderEndpoints }, nowMs))
  }

  /** Whether a fetch is one of the metadata log: then it is answered here. */
  static isOfMetadata(request: RequestOf<typeof fetch>): boolean {
    return incomingFetch(request) !== null
  }

  /** Waits for records, or for a high watermark that the replica doesn't know, as long as it asks. Throws KafkaError. */
  async fetch(request: RequestOf<typeof fetch>): Promise<ResponseOf<typeof fetch>> {
    const asked = incomingFetch(request)
    if (request.clusterId !== null && request.clusterId !== this.#driver.clusterId) {
      throw new KafkaError(Errors.INCONSISTENT_CLUSTER_ID)
    }
    if (!asked) throw new KafkaError(Errors.INVALID_REQUEST)
    const { clock, log } = this.#driver
    const deadlineMs = clock.monotonic() + asked.maxWaitMs
    for (let isNew = true; ; isNew = false) {
      const [verdict, leader, highWatermark] = this.#driver.step((core, nowMs) => {
        const decided = core.fetch(asked, nowMs, isNew)
        return [decided, leaderOf(core), core.highWatermark] as const
      })
      const waitMs = deadlineMs - clock.monotonic()
      if (this.#isReady(verdict, asked, highWatermark) || waitMs <= 0) {
        const records = verdict.kind === 'read' ? await this.#read(asked) : []
        await this.#driver.told()
        return fetchAnswer(verdict, leader, { highWatermark, logStartOffset: log.logStartOffset, records })
      }
      await this.#driver.changed(waitMs)
      await this.#driver.told()
    }
  }

  /** Throws KafkaError and DiskError. */
  async fetchSnapshot(request: RequestOf<typeof fetchSnapshot>): Promise<ResponseOf<typeof fetchSnapshot>> {
    const names = request.topics.flatMap(({ name: topic, partitions }) =>
      partitions.map(({ partition: index }) => ({ topic, index })),
    )
    this.#refuse(request, names)
    const [asked] = request.topics[0].partitions
    const { snapshotId: snapshot, position, currentLeaderEpoch: epoch, replicaDirectoryId } = asked
    const replica = { id: request.replicaId, directoryId: replicaDirectoryId || noDirectory }
    const [refused, leader] = this.#driver.step((core, nowMs) => {
      const error = core.fetchSnapshot({ replica, epoch, snapshot, position }, nowMs)
      return [error, leaderOf(core)] as const
    })
    await this.#driver.told()
    if (refused !== Errors.NONE) return snapshotAnswer(refused, asked, leader, null)
    const bytesMax = Math.max(1, Math.min(request.maxBytes, answerBytesMax))
    const piece = await this.#driver.snapshots.piece(snapshot, position, bytesMax)
    if (!piece) return snapshotAnswer(Errors.SNAPSHOT_NOT_FOUND, asked, leader, null)
    if (piece.bytes.length === 0) return snapshotAnswer(Errors.POSITION_OUT_OF_RANGE, asked, leader, null)
    return snapshotAnswer(Errors.NONE, asked, leader, piece)
  }

  /** Throws KafkaError. */
  async addVoter(request: RequestOf<typeof addRaftVoter>): Promise<ResponseOf<typeof addRaftVoter>> {
    this.#checkCluster(request)
    const { voterId: id, voterDirectoryId: directoryId, listeners: endpoints, ackWhenCommitted, timeoutMs } = request
    const voter = { id, directoryId }
    return changed(
      await this.#driver.change((core, nowMs) =>
        core.addVoter({ voter, endpoints, ackWhenCommitted, timeoutMs }, nowMs),
      ),
    )
  }

  /** Throws KafkaError. */
  async removeVoter(request: RequestOf<typeof removeRaftVoter>): Promise<ResponseOf<typeof removeRaftVoter>> {
    this.#checkCluster(request)
    const { voterId: id, voterDirectoryId: directoryId } = request
    return changed(await this.#driver.change((core, nowMs) => core.removeVoter({ id, directoryId }, nowMs)))
  }

  /** Throws KafkaError. */
  async updateVoter(request: RequestOf<typeof updateRaftVoter>): Promise<ResponseOf<typeof updateRaftVoter>> {
    this.#checkCluster(request)
    const { voterId: id, voterDirectoryId: directoryId, listeners: endpoints, currentLeaderEpoch: epoch } = request
    const { minSupportedVersion: min, maxSupportedVersion: max } = request.kRaftVersionFeature
    const asked = { epoch, voter: { id, directoryId }, endpoints, kraftVersions: { min, max } }
    const { error } = await this.#driver.change((core, nowMs) => core.updateVoter(asked, nowMs))
    const { leaderId, epoch: leaderEpoch, address } = this.#driver.step(leaderOf)
    return {
      errorCode: error,
      currentLeader: { leaderId, leaderEpoch, host: address?.host ?? '', port: address?.port ?? 0 },
    }
  }

  async #epoch(run: (core: RaftCore, nowMs: number) => ErrorCode) {
    const [error, leader] = this.#driver.step((core, nowMs) => [run(core, nowMs), leaderOf(core)] as const)
    await this.#driver.told()
    return epochAnswer(error, leader)
  }

  #isReady(verdict: FetchVerdict, { fetchOffset, highWatermark }: IncomingFetch, known: number): boolean {
    return verdict.kind !== 'read' || fetchOffset < this.#driver.log.logEndOffset || highWatermark < known
  }

  async #read({ fetchOffset, bytesMax }: IncomingFetch): Promise<readonly Buffer[]> {
    const { log } = this.#driver
    if (fetchOffset >= log.logEndOffset) return []
    const { chunks } = await log.read({
      offset: fetchOffset,
      bytesMax: Math.min(bytesMax, answerBytesMax),
      upperOffset: log.logEndOffset,
      minOneBatch: true,
      abortedTransactions: false,
    })
    return chunks
  }

  #refuse(request: { clusterId: string | null }, names: { topic: string; index: number }[]): void {
    const error = refusal(this.#driver.clusterId, request, names)
    if (error !== null) throw new KafkaError(error)
  }

  #checkCluster({ clusterId }: { clusterId: string | null }): void {
    if (clusterId !== null && clusterId !== this.#driver.clusterId) {
      throw new KafkaError(Errors.INCONSISTENT_CLUSTER_ID)
    }
  }
}

function leaderOf(core: RaftCore): Leader {
  return { leaderId: core.leaderId, epoch: core.epoch, address: core.leaderAddress }
}

function changed({ error, message }: ChangeOutcome): {
  errorCode: ErrorCode
  errorMessage: string | null
} {
  return { errorCode: error, errorMessage: error === Errors.NONE ? null : message }
}
