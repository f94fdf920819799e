/**
 * The metadata log as a quorum of one: this node is the only voter, leads a new epoch from every start, and an offset is
 * committed as soon as it is durable here. Files and bytes are those of KRaft, so a larger quorum can take them over.
 */
import { encodeMessage } from '../../protocol/compile.ts'
import { Errors, KafkaError } from '../../protocol/errors.ts'
import { buildBatch } from '../../protocol/records/builder.ts'
import { buildControlBatch, ControlType } from '../../protocol/records/control.ts'
import { leaderChangeMessage } from '../../protocol/stored/control.ts'
import type { Host } from '../host/host.ts'
import type { Watermark } from '../lib/watermark.ts'
import type { Log } from '../log/log.ts'
import type { LogEntry, ReplicatedLog } from '../machine/machine.ts'
import type { MetadataRecord } from '../metadata/records.ts'
import { learnFromBatches, type QuorumFacts } from './control-records.ts'
import { type QuorumState, readQuorumState, writeQuorumState } from './quorum-state.ts'
import {
  encodeSnapshot,
  listSnapshots,
  quorumRecords,
  readSnapshot,
  type Snapshot,
  type SnapshotId,
  snapshotFileName,
} from './snapshot-file.ts'
import { writeFileAtomically } from './snapshot-writer.ts'

export interface QuorumOptions {
  readonly host: Host
  /** `__cluster_metadata-0`, opened and recovered. */
  readonly log: Log
  readonly nodeId: number
  /** Id of the log directory that holds the log; null in one formatted before directories had ids. */
  readonly directoryId: string | null
}

/** The metadata log belongs to a quorum that this node cannot lead alone. */
export class QuorumError extends Error {
  constructor(problem: string) {
    super(problem)
    this.name = 'QuorumError'
  }
}

/** Largest batch of the metadata log, as in Kafka. */
export const metadataBatchBytesMax = 8 << 20
const scanBytes = 1 << 20
const noUuid = 'AAAAAAAAAAAAAAAAAAAAAA'

export class Quorum implements ReplicatedLog {
  readonly nodeId: number
  readonly leaderEpoch: number
  readonly directoryId: string
  /** What the newest snapshot holds: the state before `logStartOffset`. Empty without one. */
  readonly snapshotRecords: readonly MetadataRecord[]
  readonly snapshotId: SnapshotId | null
  readonly #host: Host
  readonly #log: Log
  readonly #facts: QuorumFacts
  readonly #replayFrom: number
  /** Wall clock, milliseconds: when this node became leader. */
  readonly #ledSinceMs: number

  private constructor(options: QuorumOptions, epoch: number, facts: QuorumFacts, latest: Latest) {
    this.nodeId = options.nodeId
    this.leaderEpoch = epoch
    this.directoryId = options.directoryId ?? noUuid
    this.snapshotRecords = latest.snapshot?.records ?? []
    this.snapshotId = latest.id
    this.#host = options.host
    this.#log = options.log
    this.#facts = facts
    this.#replayFrom = Math.max(latest.id?.endOffset ?? 0, options.log.logStartOffset)
    this.#ledSinceMs = options.host.clock.now()
  }

  /**
   * Reads what is there, votes for itself in a new epoch, and opens it in the log, durably. Throws QuorumError,
   * QuorumStateError, SnapshotError, KafkaError and DiskError.
   */
  static async open(options: QuorumOptions): Promise<Quorum> {
    const { host, log, nodeId, directoryId } = options
    const state = await readQuorumState(host.disk, log.directory)
    const latest = await readLatest(host, log.directory)
    const facts: QuorumFacts = {
      kraftVersion: latest.snapshot?.kraftVersion ?? null,
      voters: latest.snapshot?.voters ?? null,
    }
    if (latest.id && log.logEndOffset < latest.id.endOffset) await log.truncateFullyAndStartAt(latest.id.endOffset)
    const votersInLog = await scanControl(log, Math.max(latest.id?.endOffset ?? 0, log.logStartOffset), facts)
    checkAlone(nodeId, state, facts)
    const epoch = Math.max(state?.leaderEpoch ?? 0, log.latestEpoch?.epoch ?? 0, latest.id?.epoch ?? 0) + 1
    const version = (facts.kraftVersion ?? 0) > 0 ? 1 : 0
    // The vote must be durable before the epoch is used: two leaders of one epoch would write different records.
    await writeQuorumState(host.disk, log.directory, {
      leaderId: nodeId,
      leaderEpoch: epoch,
      votedId: nodeId,
      votedDirectoryId: directoryId ?? noUuid,
      version,
      voters: [nodeId],
    })
    const quorum = new Quorum(options, epoch, facts, latest)
    quorum.#openEpoch(votersInLog || (latest.id?.endOffset ?? 0) > 0)
    quorum.#keepHighWatermark()
    await new Promise<void>((resolve, reject) => {
      quorum.committed.reached(log.logEndOffset, failure => (failure ? reject(failure) : resolve()))
    })
    return quorum
  }

  /** Offsets below are durable here, and here is everywhere. */
  get committed(): Watermark {
    return this.#log.durable
  }

  /** Where the state machine begins to read: after the snapshot. */
  get logStartOffset(): number {
    return this.#replayFrom
  }

  get logEndOffset(): number {
    return this.#log.logEndOffset
  }

  append(entries: readonly LogEntry[], timestampMs: number): number {
    const batch = buildBatch({ records: entries, baseTimestamp: timestampMs })
    if (batch.length > metadataBatchBytesMax) throw new KafkaError(Errors.RECORD_LIST_TOO_LARGE)
    return this.#append(batch)
  }

  async read(offset: number, bytesMax: number): Promise<Buffer> {
    return readLog(this.#log, offset, bytesMax)
  }

  /** What DescribeQuorum tells: the one voter, always caught up. */
  describe(): QuorumDescription {
    const nowMs = this.#host.clock.now()
    return {
      leaderId: this.nodeId,
      leaderEpoch: this.leaderEpoch,
      highWatermark: this.committed.value,
      voters: [
        {
          replicaId: this.nodeId,
          directoryId: this.directoryId,
          logEndOffset: this.logEndOffset,
          lastFetchTimestampMs: nowMs,
          lastCaughtUpTimestampMs: Math.max(nowMs, this.#ledSinceMs),
        },
      ],
    }
  }

  /** Level of the feature kraft.version: 1 when the voters are in the log itself. */
  get kraftVersion(): number {
    return this.#facts.kraftVersion ?? 0
  }

  /**
   * Makes a snapshot of a state that holds everything before `id.endOffset`, then lets go of the log before it and of
   * older snapshots. Throws DiskError.
   */
  async saveSnapshot(id: SnapshotId, records: Iterable<MetadataRecord>, lastTimestampMs: number): Promise<void> {
    const { kraftVersion, voters } = this.#facts
    const bytes = encodeSnapshot({ records, kraftVersion, voters, lastTimestampMs }, id.epoch, this.#host.clock.now())
    const { disk } = this.#host
    await writeFileAtomically(disk, this.#log.directory, snapshotFileName(id), bytes)
    if (id.endOffset > this.#log.logStartOffset) this.#log.deleteRecordsBefore(id.endOffset)
    for (const older of await listSnapshots(disk, this.#log.directory)) {
      if (older.endOffset < id.endOffset) await disk.remove(`${this.#log.directory}/${snapshotFileName(older)}`)
    }
  }

  /** Says who leads, in the log itself; with the voters once, when they came from outside of the log. */
  #openEpoch(votersKnown: boolean): void {
    const voter = { voterId: this.nodeId, voterDirectoryId: this.directoryId }
    // Kafka writes version 0 at every kraft.version.
    const value = encodeMessage(leaderChangeMessage, 0, {
      version: 0,
      leaderId: this.nodeId,
      voters: [voter],
      grantingVoters: [voter],
    })
    this.#log.startEpoch(this.leaderEpoch)
    this.#append(
      buildControlBatch({
        records: [
          { type: ControlType.LEADER_CHANGE, value },
          ...(votersKnown ? [] : quorumRecords(this.#facts.kraftVersion, this.#facts.voters)),
        ],
        timestampMs: this.#host.clock.now(),
      }),
    )
  }

  #append(batch: Buffer): number {
    const { leaderEpoch } = this
    return this.#log.append(batch, { leaderEpoch, origin: 'coordinator', requestVersion: 0 }).firstOffset
  }

  /** The log asks how far it may let go of records. */
  #keepHighWatermark(): void {
    this.#log.highWatermark = this.committed.value
    this.committed.reached(this.committed.value + 1, failure => {
      if (!failure) this.#keepHighWatermark()
    })
  }
}

export interface QuorumDescription {
  readonly leaderId: number
  readonly leaderEpoch: number
  readonly highWatermark: number
  readonly voters: readonly {
    readonly replicaId: number
    readonly directoryId: string
    readonly logEndOffset: number
    readonly lastFetchTimestampMs: number
    readonly lastCaughtUpTimestampMs: number
  }[]
}

interface Latest {
  readonly id: SnapshotId | null
  readonly snapshot: Snapshot | null
}

async function readLatest(host: Host, directory: string): Promise<Latest> {
  const id = (await listSnapshots(host.disk, directory)).at(-1) ?? null
  return { id, snapshot: id && (await readSnapshot(host.disk, `${directory}/${snapshotFileName(id)}`)) }
}

/** Whether the log itself names the voters. */
async function scanControl(log: Log, from: number, facts: QuorumFacts): Promise<boolean> {
  const inLog: QuorumFacts = { kraftVersion: null, voters: null }
  let offset = from
  while (offset < log.logEndOffset) {
    const next = learnFromBatches(await readLog(log, offset, scanBytes), offset, inLog)
    if (next <= offset) break
    offset = next
  }
  facts.kraftVersion = inLog.kraftVersion ?? facts.kraftVersion
  facts.voters = inLog.voters ?? facts.voters
  return inLog.voters !== null
}

async function readLog(log: Log, offset: number, bytesMax: number): Promise<Buffer> {
  if (offset >= log.logEndOffset) return Buffer.alloc(0)
  const { chunks } = await log.read({
    offset,
    bytesMax,
    upperOffset: log.logEndOffset,
    minOneBatch: true,
    abortedTransactions: false,
  })
  return chunks.length === 1 ? chunks[0] : Buffer.concat(chunks)
}

function checkAlone(nodeId: number, state: QuorumState | null, facts: QuorumFacts): void {
  const voters = facts.voters?.map(({ voterId }) => voterId) ?? state?.voters ?? []
  if (voters.some(id => id !== nodeId)) {
    throw new QuorumError(
      `the metadata log belongs to a quorum of voters ${voters.join(', ')}: node ${nodeId} cannot lead it alone`,
    )
  }
}
