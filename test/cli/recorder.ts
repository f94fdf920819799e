import { Output } from '../../src/cli/output.ts'
import type { Disk } from '../../src/host/host.ts'

export interface Recorded {
  readonly output: Output
  /** What was printed, and what came on standard error. */
  printed(): string
  reported(): string
}

export function record(): Recorded {
  const printed: string[] = []
  const reported: string[] = []
  const output = new Output(
    async text => void printed.push(text),
    async text => void reported.push(text),
  )
  return { output, printed: () => printed.join(''), reported: () => reported.join('') }
}

export async function writeFile(disk: Disk, path: string, bytes: Buffer | string): Promise<void> {
  await disk.makeDirectory(path.slice(0, path.lastIndexOf('/')))
  await disk.remove(path)
  const file = await disk.open(path, 'create')
  await file.append([Buffer.from(bytes)])
  await file.close()
}
