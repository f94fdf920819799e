/** Puts a snapshot in place: under another name first, synced, then renamed. */
import type { Disk } from '../host/host.ts'
import { type SnapshotId, snapshotFileName } from './snapshot-file.ts'

/** Durable when it resolves. Throws DiskError; what is left over then has a name that nobody reads. */
export async function writeSnapshotFile(disk: Disk, directory: string, id: SnapshotId, bytes: Buffer): Promise<void> {
  const path = `${directory}/${snapshotFileName(id)}`
  const part = `${path}.part`
  await disk.remove(part)
  const file = await disk.open(part, 'create')
  try {
    await file.append([bytes])
    await file.sync()
  } finally {
    await file.close()
  }
  await disk.rename(part, path)
  await disk.syncDirectory(directory)
}
