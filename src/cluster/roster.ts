/** Who belongs to a cluster in one process, and on which ports: kept beside the data, since clients and voters remember them. */
import type { Disk } from '../host/host.ts'
import { DurableFile } from '../log/durable-file.ts'

export interface RosterEntry {
  readonly id: number
  readonly port: number
  /** Where its controller listens; null for a broker that does not vote. */
  readonly controllerPort: number | null
  /** Of its metadata log. */
  readonly directoryId: string
}

export interface Roster {
  readonly clusterId: string
  readonly members: readonly RosterEntry[]
}

const fileName = 'cluster.json'

/** Null in a directory that holds no cluster. Throws DiskError, and Error for a file that is none. */
export async function readRoster(disk: Disk, directory: string): Promise<Roster | null> {
  if (!(await disk.exists(directory))) return null
  const bytes = await new DurableFile(disk, directory, fileName).read()
  if (bytes === null) return null
  const found: Partial<Roster> = JSON.parse(bytes.toString())
  const { clusterId, members } = found
  if (typeof clusterId !== 'string' || !Array.isArray(members)) {
    throw new Error(`${directory}/${fileName} does not describe a cluster`)
  }
  return { clusterId, members }
}

/** Durable when it resolves. Throws DiskError. */
export async function writeRoster(disk: Disk, directory: string, roster: Roster): Promise<void> {
  await disk.makeDirectory(directory)
  await new DurableFile(disk, directory, fileName).write(`${JSON.stringify(roster, null, 2)}\n`)
}
