/** Makes log directories ready for a first start, as Kafka's storage tool does. */
import type { BrokerConfig } from '../config/broker.ts'
import { defaultBootstrapRecords } from '../controller/bootstrap.ts'
import type { Host } from '../host/host.ts'
import { LogDirectory } from '../log/directory.ts'
import { maxMetadataVersion, metadataVersionName } from '../metadata/features.ts'
import { ensureFormatted, FormatError } from '../raft/format.ts'

export interface FormatOptions {
  /** A random one when not given. */
  readonly clusterId?: string
  /** Leaves formatted directories alone; without, one of them is an error. */
  readonly ignoreFormatted: boolean
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
    })
    return report(config, identity.formatted)
  } finally {
    // Opening takes the mark of a clean shutdown away; nothing in the logs has been touched.
    for (const directory of directories) {
      await directory.close(directory.wasShutDownCleanly, directory.previousBrokerEpoch)
    }
  }
}

function report(config: BrokerConfig, formatted: readonly string[]): string[] {
  if (formatted.length === 0) return ['All of the log directories are already formatted.']
  const version = metadataVersionName(maxMetadataVersion)
  return formatted.map(path => {
    const kind =
      path !== config.metadataLogDir
        ? 'data directory'
        : config.controllerListeners.length > 0
          ? 'dynamic metadata voter directory'
          : 'metadata directory'
    return `Formatting ${kind} ${path} with metadata.version ${version}.`
  })
}
