/** The version of this package, as its package.json says. */
import { fileURLToPath } from 'node:url'
import type { Disk } from '../../src/host/host.ts'

/** Seen from the compiled files: this module, and the one file that the command line is bundled into. */
const places = ['../../../package.json', '../../package.json']

export async function packageVersion(disk: Disk): Promise<string> {
  for (const place of places) {
    const path = fileURLToPath(new URL(place, import.meta.url))
    if (!(await disk.exists(path))) continue
    const file = await disk.open(path, 'read')
    try {
      const { name, version } = JSON.parse((await file.read(0, file.size)).toString('utf8')) as Record<string, string>
      if (name === 'ottla') return version
    } finally {
      await file.close()
    }
  }
  return 'unknown'
}
