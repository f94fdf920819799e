/** Says what is in log directories, in the words of Kafka's storage tool. */
import type { Disk } from '../host/host.ts'
import { DiskError } from '../host/host.ts'
import {
  type MetaProperties,
  MetaPropertiesError,
  metaPropertiesFile,
  readMetaProperties,
} from '../log/meta-properties.ts'

export interface StorageInfo {
  readonly lines: readonly string[]
  /** What is wrong; it is among the lines too. */
  readonly problems: readonly string[]
}

export async function storageInfo(disk: Disk, directories: readonly string[]): Promise<StorageInfo> {
  const problems: string[] = []
  const found: string[] = []
  let first: MetaProperties | null = null
  for (const directory of [...new Set(directories)].sort()) {
    const meta = await look(disk, directory, found, problems)
    if (!meta) continue
    if (!first) first = meta
    else if (first.clusterId !== meta.clusterId || first.nodeId !== meta.nodeId) {
      problems.push(`Mismatch among directories: ${describe(first)} and ${describe(meta)} in ${directory}`)
    }
  }
  const lines: string[] = []
  const section = (title: string, entries: readonly string[]) => {
    if (entries.length > 0) lines.push(`${title}:`, ...entries.map(entry => `  ${entry}`), '')
  }
  section(found.length === 1 ? 'Found log directory' : 'Found log directories', found)
  if (first) lines.push(`Found metadata: ${describe(first)}`, '')
  section(problems.length === 1 ? 'Found problem' : 'Found problems', problems)
  return { lines, problems }
}

async function look(
  disk: Disk,
  directory: string,
  found: string[],
  problems: string[],
): Promise<MetaProperties | null> {
  if (!(await disk.exists(directory))) {
    problems.push(`${directory} does not exist`)
    return null
  }
  try {
    await disk.list(directory)
  } catch (error) {
    if (!(error instanceof DiskError)) throw error
    problems.push(`${directory} is not a directory`)
    return null
  }
  found.push(directory)
  try {
    const meta = await readMetaProperties(disk, directory)
    if (!meta) problems.push(`${directory} is not formatted.`)
    return meta
  } catch (error) {
    if (!(error instanceof DiskError || error instanceof MetaPropertiesError)) throw error
    problems.push(`Error loading ${directory}/${metaPropertiesFile}: ${error.message}`)
    return null
  }
}

function describe({ clusterId, nodeId, directoryId, others }: MetaProperties): string {
  const properties = new Map(others)
  properties.set('cluster.id', clusterId)
  if (directoryId !== null) properties.set('directory.id', directoryId)
  properties.set('node.id', String(nodeId))
  properties.set('version', '1')
  const entries = [...properties].sort(([a], [b]) => (a < b ? -1 : 1))
  return `{${entries.map(([key, value]) => `${key}=${value}`).join(', ')}}`
}
