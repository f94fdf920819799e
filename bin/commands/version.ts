/** The version of this package, as its package.json says. */
import { fileURLToPath } from 'node:url'
import type { Disk } from '../../src/host/host.ts'

/** Seen from the compiled file. */
const packageFile = fileURLToPath(new URL('../../../package.json', import.meta.url))

export async function packageVersion(disk: Disk): Promise<string> {
  const file = await disk.open(packageFile, 'read')
  try {
    const { version } = JSON.parse((await file.read(0, file.size)).toString('utf8')) as { version: string }
    return version
  } finally {
    await file.close()
  }
}
