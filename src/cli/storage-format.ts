/** Makes log directories ready for a first start, as Kafka's storage tool does. */
import type { BrokerConfig } from '../config/broker.ts'
import { defaultBootstrapRecords } from '../controller/bootstrap.ts'
import type { Host } from '../host/host.ts'
import { LogDirectory } from '../log/directory.ts'
import { maxMetadataVersion, metadataVersionName } from '../metadata/features.ts'
import { ensureFormatted, FormatError, type InitialController, type InitialVoters } from '../raft/format.ts'

export interface FormatOptions {
  /** A random one when not given. */
  readonly clusterId?: string
  /** Leaves formatted directories alone; without, one of them is an error. */
  readonly ignoreFormatted: boolean
  /** This node is the only voter at first. */
  readonly standalone?: boolean
  /** The voters at first, as `id@host:port:directory-id,...`. */
  readonly initialControllers?: string
  /** This node joins voters that exist. */
  readonly noInitialControllers?: boolean
}

/** Resolves to what was done, in lines. Throws FormatError, MetaPropertiesError and DiskError. */
export async function formatDirectories(host: Host, config: BrokerConfig, options: FormatOptions): Promise<string[]> {
  const { clusterId } = options
  if (clusterId !== undefined && !/^[A-Za-z0-9_-]{22}(==)?$/.test(clusterId)) {
    throw new FormatError(
      `Cluster ID string ${clusterId} does not appear to be a valid UUID: it must be 22 characters of URL-safe base64, ` +
        'such as `ottla storage random-uuid` prints',
    )
  }
  const initialVoters = initialVotersOf(config, options)
  const directories: LogDirectory[] = []
  try {
    for (const path of new Set([config.metadataLogDir, ...config.logDirs])) {
      directories.push(await LogDirectory.open(host, path))
    }
    const formatted = directories.find(({ meta }) => meta !== null)
    if (formatted && !options.ignoreFormatted) {
      throw new FormatError(
        `Log directory ${formatted.path} is already formatted. Use --ignore-formatted to ignore this directory and format the others.`,
      )
    }
    const identity = await ensureFormatted(host, config, directories, {
      clusterId,
      bootstrapRecords: defaultBootstrapRecords,
      initialVoters,
    })
    return report(config, identity.formatted, initialVoters)
  } finally {
    // Opening takes the mark of a clean shutdown away; nothing in the logs has been touched.
    for (const directory of directories) {
      await directory.close(directory.wasShutDownCleanly, directory.previousBrokerEpoch)
    }
  }
}

/** A node in a quorum must be told who votes at first: two nodes that each begin alone would be two clusters. */
function initialVotersOf(config: BrokerConfig, options: FormatOptions): InitialVoters {
  const { standalone = false, initialControllers, noInitialControllers = false } = options
  const given = Number(standalone) + Number(initialControllers !== undefined) + Number(noInitialControllers)
  if (given > 1) {
    throw new FormatError('Only one of --standalone, --initial-controllers, or --no-initial-controllers may be given.')
  }
  if (config.quorumVoters.length > 0) {
    if (given === 0) return 'elsewhere'
    throw new FormatError(
      'You cannot specify --standalone, --initial-controllers, or --no-initial-controllers when controller.quorum.voters is set.',
    )
  }
  if (!config.roles.has('controller')) {
    if (standalone) throw new FormatError('Invalid standalone option: only controllers can use it.')
    return 'elsewhere'
  }
  if (initialControllers !== undefined) return parseInitialControllers(config, initialControllers)
  if (noInitialControllers) return 'elsewhere'
  if (standalone || config.isAlone) return 'standalone'
  throw new FormatError(
    'Because controller.quorum.voters is not set on this controller, you must specify one of the following: ' +
      '--standalone, --initial-controllers, or --no-initial-controllers.',
  )
}

function parseInitialControllers(config: BrokerConfig, text: string): InitialController[] {
  const found = text.split(',').map(entry => {
    const match = /^(\d+)@(\[[^\]]+\]|[^:]+):(\d{1,5}):([A-Za-z0-9_-]{22})$/.exec(entry.trim())
    if (!match) {
      throw new FormatError(`'${entry}' in --initial-controllers must have the form id@host:port:directory-id`)
    }
    return {
      id: Number(match[1]),
      host: match[2].replace(/^\[(.*)\]$/, '$1'),
      port: Number(match[3]),
      directoryId: match[4],
    }
  })
  for (const { id, directoryId } of found) {
    if (found.some(other => other.id === id && other.directoryId !== directoryId)) {
      throw new FormatError(`Node id ${id} is there twice in --initial-controllers`)
    }
  }
  if (!found.some(({ id }) => id === config.nodeId)) {
    throw new FormatError(
      `Node id ${config.nodeId} is not in --initial-controllers: a controller that joins later is formatted with --no-initial-controllers`,
    )
  }
  return found
}

function report(config: BrokerConfig, formatted: readonly string[], initialVoters: InitialVoters): string[] {
  if (formatted.length === 0) return ['All of the log directories are already formatted.']
  const version = metadataVersionName(maxMetadataVersion)
  const isVoter = initialVoters !== 'elsewhere' && config.controllerListeners.length > 0
  return formatted.map(path => {
    const kind =
      path !== config.metadataLogDir
        ? 'data directory'
        : isVoter
          ? 'dynamic metadata voter directory'
          : 'metadata directory'
    return `Formatting ${kind} ${path} with metadata.version ${version}.`
  })
}
