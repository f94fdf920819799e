/**
 * Makes data directories ready for a first start, as Apache Kafka's storage tool does: whose they are (`meta.properties`),
 * what the cluster begins with (`bootstrap.checkpoint`), and, unless the configuration fixes the voters or others know
 * them, who votes (`00000000000000000000-0000000000.checkpoint`, KIP-853).
 */
import type { BrokerConfig } from '../config/broker.ts'
import type { Disk, Host } from '../host/host.ts'
import type { LogDirectory } from '../log/directory.ts'
import { metadataTopic } from '../metadata/internal-topics.ts'
import type { MetadataRecord } from '../metadata/records.ts'
import { encodeSnapshot, readSnapshot, snapshotFileName, type Voters } from './snapshot-file.ts'
import { writeFileAtomically } from './snapshot-writer.ts'

export const bootstrapFile = 'bootstrap.checkpoint'
const metadataDirectory = `${metadataTopic}-0`

/** A directory belongs to another node or cluster, or two disagree. */
export class FormatError extends Error {
  constructor(problem: string) {
    super(problem)
    this.name = 'FormatError'
  }
}

export interface Identity {
  readonly clusterId: string
  /** By path of the log directory. */
  readonly directoryIds: ReadonlyMap<string, string>
  /** Paths that were formatted just now. */
  readonly formatted: readonly string[]
}

/** A voter that a new cluster begins with. */
export interface InitialController {
  readonly id: number
  readonly host: string
  readonly port: number
  /** Of its metadata log. */
  readonly directoryId: string
}

/**
 * Who votes at first: this node alone, those of a list, or whoever the others or the configuration name. A node that is a
 * whole cluster without a listener for controllers needs no answer.
 */
export type InitialVoters = 'standalone' | 'elsewhere' | readonly InitialController[]

export interface FormatOptions {
  /** A random one when not given. */
  readonly clusterId?: string
  /** Records a new cluster begins with. */
  readonly bootstrapRecords: readonly MetadataRecord[]
  readonly initialVoters: InitialVoters
}

/**
 * Formats what isn't formatted, and leaves alone what is. `directories` are open, in the order of `config.logDirs`. Throws
 * FormatError and DiskError.
 */
export async function ensureFormatted(
  host: Host,
  config: BrokerConfig,
  directories: readonly LogDirectory[],
  options: FormatOptions,
): Promise<Identity> {
  const { initialVoters } = options
  const known = checkOwner(config, directories, options.clusterId)
  const clusterId = known ?? options.clusterId ?? host.random.uuid()
  if (known === null) {
    await writeBootstrap(host, config, options.bootstrapRecords)
  }
  const directoryIds = new Map<string, string>()
  const formatted: string[] = []
  for (const directory of directories) {
    const { meta, path } = directory
    const isMetadata = path === config.metadataLogDir
    const directoryId = meta?.directoryId ?? ((isMetadata && assignedId(config, initialVoters)) || host.random.uuid())
    directoryIds.set(path, directoryId)
    if (known === null && isMetadata) await writeVoters(host, config, votersOf(config, initialVoters, directoryId))
    // meta.properties comes last: a directory that has it has everything.
    if (meta?.directoryId) continue
    await directory.format({ clusterId, nodeId: config.nodeId, directoryId, others: meta?.others ?? new Map() })
    if (!meta) formatted.push(path)
  }
  return { clusterId, directoryIds, formatted }
}

/** The cluster that the directories belong to; null when none is formatted. */
function checkOwner(
  config: BrokerConfig,
  directories: readonly LogDirectory[],
  wanted: string | undefined,
): string | null {
  let clusterId: string | null = null
  for (const { meta, path } of directories) {
    if (!meta) continue
    if (meta.nodeId !== config.nodeId) {
      throw new FormatError(`${path} belongs to node ${meta.nodeId}, but node.id is ${config.nodeId}`)
    }
    if (clusterId !== null && meta.clusterId !== clusterId) {
      throw new FormatError(`${path} belongs to cluster ${meta.clusterId}, another directory to cluster ${clusterId}`)
    }
    if (wanted !== undefined && meta.clusterId !== wanted) {
      throw new FormatError(`${path} belongs to cluster ${meta.clusterId}, not to cluster ${wanted}`)
    }
    clusterId = meta.clusterId
  }
  return clusterId
}

async function writeBootstrap(host: Host, config: BrokerConfig, records: readonly MetadataRecord[]): Promise<void> {
  const bytes = encodeSnapshot({ records, kraftVersion: null, voters: null, lastTimestampMs: 0 }, 0, host.clock.now())
  await writeFileAtomically(host.disk, config.metadataLogDir, bootstrapFile, bytes)
}

/** The list of voters gives the metadata log of each an id beforehand. */
function assignedId(config: BrokerConfig, initialVoters: InitialVoters): string | null {
  if (typeof initialVoters === 'string') return null
  return initialVoters.find(({ id }) => id === config.nodeId)?.directoryId ?? null
}

const kRaftVersions = { minSupportedVersion: 0, maxSupportedVersion: 1 }

function votersOf(config: BrokerConfig, initialVoters: InitialVoters, directoryId: string): Voters | null {
  if (initialVoters === 'elsewhere') return null
  if (initialVoters !== 'standalone') {
    const [name] = config.controllerListenerNames
    return initialVoters.map(voter => ({
      voterId: voter.id,
      voterDirectoryId: voter.directoryId,
      endpoints: [{ name, host: voter.host, port: voter.port }],
      kRaftVersionFeature: kRaftVersions,
    }))
  }
  if (config.controllerListeners.length === 0) return null
  const endpoints = config.controllerListeners.map(({ name, host: bound, port, advertised }) => ({
    name,
    host: advertised?.host ?? bound,
    port: advertised?.port ?? port,
  }))
  return [{ voterId: config.nodeId, voterDirectoryId: directoryId, endpoints, kRaftVersionFeature: kRaftVersions }]
}

async function writeVoters(host: Host, config: BrokerConfig, voters: Voters | null): Promise<void> {
  if (!voters) return
  const nowMs = host.clock.now()
  const bytes = encodeSnapshot({ records: [], kraftVersion: 1, voters, lastTimestampMs: nowMs }, 0, nowMs)
  const directory = `${config.metadataLogDir}/${metadataDirectory}`
  await host.disk.makeDirectory(directory)
  await writeFileAtomically(host.disk, directory, snapshotFileName({ endOffset: 0, epoch: 0 }), bytes)
  await host.disk.syncDirectory(config.metadataLogDir)
}

/** What the cluster was formatted to begin with; null when the directory has no such file. Throws SnapshotError. */
export async function readBootstrap(disk: Disk, metadataLogDir: string): Promise<readonly MetadataRecord[] | null> {
  const snapshot = await readSnapshot(disk, `${metadataLogDir}/${bootstrapFile}`)
  return snapshot?.records ?? null
}
