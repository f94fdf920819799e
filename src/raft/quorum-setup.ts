/** What a quorum starts from: the files of the metadata log, and the settings. */
import { Errors, KafkaError } from '../../protocol/errors.ts'
import type { Host } from '../host/host.ts'
import { AssertionError } from '../lib/assert.ts'
import type { Log } from '../log/log.ts'
import { quorumChangesIn } from './control-records.ts'
import type { DurableElection } from './core/effects.ts'
import { voterSetOf } from './core/epoch-records.ts'
import { type NamedAddress, noDirectory } from './core/replica-key.ts'
import { VoterHistory } from './core/voter-history.ts'
import { VoterSet } from './core/voter-set.ts'
import { readLog } from './log-on-disk.ts'
import { type QuorumState, readQuorumState } from './quorum-state.ts'
import { type Snapshot, SnapshotError, type SnapshotId } from './snapshot-file.ts'
import { Snapshots } from './snapshots.ts'

/** This node cannot take part: the metadata log belongs to a quorum in which it has no place, or is damaged. */
export class QuorumError extends Error {
  constructor(problem: string) {
    super(problem)
    this.name = 'QuorumError'
  }
}

export interface StaticVoter {
  readonly id: number
  readonly host: string
  readonly port: number
}

export interface SetupOptions {
  readonly host: Host
  /** `__cluster_metadata-0`, opened and recovered. */
  readonly log: Log
  readonly nodeId: number
  /** The voters by configuration; empty when the log names them. */
  readonly voters: readonly StaticVoter[]
  /** This process is the whole cluster: the only voter. */
  readonly isAlone: boolean
  /** Never votes: it may lose what it has, and fetch it again. */
  readonly observer?: boolean
  readonly listenerName: string
  /** Where this node listens for other members. */
  readonly endpoints: readonly NamedAddress[]
}

export interface Setup {
  readonly snapshots: Snapshots
  readonly snapshotId: SnapshotId | null
  readonly snapshot: Snapshot | null
  readonly history: VoterHistory
  readonly election: DurableElection | null
  /** Where the state machine begins to read: after the snapshot. */
  readonly replayFrom: number
}

/** What this version can follow. */
export const kraftVersions = { min: 0, max: 1 } as const
const scanBytes = 1 << 20

/**
 * Damage in the log or its snapshot is final for a node that may vote: others count on what it has acknowledged. One that
 * only follows begins anew. Throws QuorumError, QuorumStateError, SnapshotError, KafkaError and DiskError.
 */
export async function setUp(options: SetupOptions): Promise<Setup> {
  const { host, log } = options
  const state = await readQuorumState(host.disk, log.directory)
  const snapshots = new Snapshots(host.disk, log.directory)
  await snapshots.load()
  const found = await load(options, snapshots).catch(async error => {
    if (!options.observer || !isDamage(error)) throw explained(error, log)
    host.log.error({ error: error.message }, 'the metadata log is damaged and is fetched anew')
    await log.truncateFullyAndStartAt(0)
    await snapshots.removeBefore(Number.POSITIVE_INFINITY)
    return load(options, snapshots)
  })
  checkVoters(options, found.history, state)
  return { snapshots, election: state && electionOf(state), ...found }
}

async function load(
  options: SetupOptions,
  snapshots: Snapshots,
): Promise<Pick<Setup, 'history' | 'snapshot' | 'snapshotId' | 'replayFrom'>> {
  const { log } = options
  const snapshotId = snapshots.newest
  const snapshot = snapshotId && (await snapshots.read(snapshotId))
  if (snapshotId && isBehind(log, snapshotId)) await log.truncateFullyAndStartAt(snapshotId.endOffset)
  const replayFrom = Math.max(snapshotId?.endOffset ?? 0, log.logStartOffset)
  const history = new VoterHistory(configuredVoters(options))
  if (snapshot && snapshotId) history.add(snapshotId.endOffset - 1, changeOf(snapshot))
  for (let offset = replayFrom; offset < log.logEndOffset; ) {
    const found = quorumChangesIn(await readLog(log, offset, scanBytes), offset)
    if (found.nextOffset <= offset) break
    for (const change of found.changes) history.add(change.offset, change)
    offset = found.nextOffset
  }
  return { history, snapshot, snapshotId, replayFrom }
}

/** For whoever has to decide: what is damaged, and why this node does not help itself. */
function explained(error: unknown, log: Log): unknown {
  if (!(error instanceof KafkaError) || !isDamage(error)) return error
  return new QuorumError(
    `${log.directory} is damaged (${error.detail ?? error.message}). This node votes, and others count on what it has ` +
      'acknowledged: it does not take part with less. Restore the directory; or, when the other voters are a majority and ' +
      'all well, remove it and start with an empty one',
  )
}

function isDamage(error: unknown): error is Error {
  return error instanceof SnapshotError || (error instanceof KafkaError && error.code === Errors.CORRUPT_MESSAGE)
}

/** What a snapshot says of the quorum. */
export function changeOf({ voters, kraftVersion }: Snapshot): { voters: VoterSet | null; kraftVersion: number | null } {
  return { voters: voters && voterSetOf(voters), kraftVersion }
}

/** A snapshot that was put in place just before a crash is ahead of the log that it replaces. */
function isBehind(log: Log, { endOffset, epoch }: SnapshotId): boolean {
  if (endOffset === 0) return false
  const logEpoch = log.latestEpoch?.epoch ?? 0
  return log.logEndOffset < endOffset || (logEpoch < epoch && log.logStartOffset < endOffset)
}

function configuredVoters({ voters, isAlone, nodeId, listenerName, endpoints }: SetupOptions): VoterSet {
  if (isAlone) return new VoterSet([{ key: keyOf(nodeId), endpoints, kraftVersions: { min: 0, max: 0 } }])
  return new VoterSet(
    voters.map(({ id, host, port }) => ({
      key: keyOf(id),
      endpoints: [{ name: listenerName, host, port }],
      kraftVersions: { min: 0, max: 0 },
    })),
  )
}

function keyOf(id: number) {
  return { id, directoryId: noDirectory }
}

function checkVoters({ nodeId, isAlone }: SetupOptions, history: VoterHistory, state: QuorumState | null): void {
  const { voters, kraftVersion } = history
  if (isAlone && voters.ids.some(id => id !== nodeId)) throw notAlone(nodeId, voters.ids)
  if (!state || kraftVersion > 0 || state.voters.length === 0) return
  const configured = voters.ids
  if (isAlone && state.voters.some(id => id !== nodeId)) throw notAlone(nodeId, state.voters)
  if (configured.length !== state.voters.length || state.voters.some(id => !configured.includes(id))) {
    throw new QuorumError(
      `the voters by configuration are ${configured.join(', ')}, but those of the quorum so far were ${state.voters.join(', ')}`,
    )
  }
}

function notAlone(nodeId: number, voters: readonly number[]): QuorumError {
  const known = voters.join(', ')
  return new QuorumError(`the metadata log belongs to a quorum of voters ${known}: node ${nodeId} cannot lead it alone`)
}

function electionOf({
  leaderEpoch,
  leaderId,
  votedId,
  votedDirectoryId,
  version,
  voters,
}: QuorumState): DurableElection {
  const votedFor = votedId < 0 ? null : { id: votedId, directoryId: votedDirectoryId ?? noDirectory }
  return { epoch: leaderEpoch, leaderId, votedFor, kraftVersion: version, voterIds: voters }
}

/** What log, disk, network and protocol throw for bytes that make no sense, or find no room; not what a bug throws. */
export function isExpected(error: unknown): error is Error {
  if (error instanceof AssertionError || error instanceof TypeError || error instanceof ReferenceError) return false
  return error instanceof Error
}
