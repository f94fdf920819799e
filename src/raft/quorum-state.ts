/**
 * File `quorum-state` of the metadata log: the epoch this node has seen and whom it voted for. JSON, version 1 since
 * KIP-853; version 0 where the voters are fixed by configuration (kraft.version 0).
 */
import type { Disk } from '../host/host.ts'
import { DurableFile } from '../log/durable-file.ts'
import { noDirectory } from './core/replica-key.ts'

export const quorumStateFile = 'quorum-state'

export interface QuorumState {
  /** -1: none known. */
  readonly leaderId: number
  readonly leaderEpoch: number
  /** -1: nobody. */
  readonly votedId: number
  /** Null where directories have no ids. */
  readonly votedDirectoryId: string | null
  readonly version: 0 | 1
  /** Version 0 only. */
  readonly voters: readonly number[]
}

export class QuorumStateError extends Error {
  constructor(path: string, problem: string) {
    super(`${path}: ${problem}`)
    this.name = 'QuorumStateError'
  }
}

/** Null when there is no such file. Throws DiskError and QuorumStateError: an epoch must not be guessed. */
export async function readQuorumState(disk: Disk, directory: string): Promise<QuorumState | null> {
  const file = new DurableFile(disk, directory, quorumStateFile)
  const bytes = await file.read()
  if (!bytes) return null
  const fields = parse(file.path, bytes.toString('utf8'))
  const number = (name: string): number => {
    const value = fields[name]
    if (typeof value !== 'number' || !Number.isInteger(value)) {
      throw new QuorumStateError(file.path, `${name} is no whole number`)
    }
    return value
  }
  const version = number('data_version')
  if (version !== 0 && version !== 1) throw new QuorumStateError(file.path, `data_version ${version} is not known`)
  const voted = fields.votedDirectoryId
  return {
    leaderId: number('leaderId'),
    leaderEpoch: number('leaderEpoch'),
    votedId: number('votedId'),
    votedDirectoryId: typeof voted === 'string' ? voted : null,
    version,
    voters: votersOf(fields.currentVoters),
  }
}

function parse(path: string, text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>
  } catch {
    // Told below, together with JSON that is no object.
  }
  throw new QuorumStateError(path, 'is no JSON object')
}

function votersOf(value: unknown): number[] {
  if (!Array.isArray(value)) return []
  return value.flatMap((voter: unknown) => {
    const id = typeof voter === 'object' && voter !== null && 'voterId' in voter ? voter.voterId : null
    return typeof id === 'number' ? [id] : []
  })
}

/** The one writer of the file. */
export class QuorumStateFile {
  readonly #file: DurableFile

  constructor(disk: Disk, directory: string) {
    this.#file = new DurableFile(disk, directory, quorumStateFile)
  }

  /** This, or what was written after it, is durable when it resolves. Rejects with DiskError. */
  write(state: QuorumState): Promise<void> {
    const { leaderId, leaderEpoch, votedId } = state
    const fields =
      state.version === 1
        ? { leaderId, leaderEpoch, votedId, votedDirectoryId: state.votedDirectoryId ?? noDirectory, data_version: 1 }
        : {
            clusterId: '',
            leaderId,
            leaderEpoch,
            votedId,
            appliedOffset: 0,
            currentVoters: state.voters.map(voterId => ({ voterId })),
            data_version: 0,
          }
    return this.#file.write(JSON.stringify(fields))
  }
}
