/** Puts a file in place as a whole: under another name first, synced, then renamed. */
import type { Disk } from '../host/host.ts'

/** Durable when it resolves. Throws DiskError; what is left over then has a name that nobody reads. */
export async function writeFileAtomically(disk: Disk, directory: string, name: string, bytes: Buffer): Promise<void> {
  const path = `${directory}/${name}`
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
