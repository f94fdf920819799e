/** `ottla storage`: looks at data directories and prepares them. */
import { formatDirectories } from '../../src/cli/storage-format.ts'
import { storageInfo as lookAt } from '../../src/cli/storage-info.ts'
import { nodeHost } from '../../src/host/node.ts'
import { type ConfigurationOptions, readConfiguration } from './configuration.ts'
import { fail } from './fail.ts'

export interface FormatCommandOptions extends ConfigurationOptions {
  readonly clusterId?: string
  readonly ignoreFormatted?: boolean
  readonly standalone?: boolean
  readonly initialControllers?: string | boolean
}

export async function storageInfo(options: ConfigurationOptions): Promise<void> {
  const host = nodeHost({ logger: { level: 'silent' } })
  try {
    const config = await readConfiguration(options, host)
    const { lines, problems } = await lookAt(host.disk, [config.metadataLogDir, ...config.logDirs])
    process.stdout.write(lines.map(line => `${line}\n`).join(''))
    process.exitCode = problems.length > 0 ? 1 : 0
  } catch (error) {
    fail(error)
  }
}

export async function formatStorage(options: FormatCommandOptions): Promise<void> {
  const host = nodeHost({ logger: { level: 'silent' } })
  try {
    const config = await readConfiguration(options, host)
    const { clusterId, ignoreFormatted = false, standalone = false, initialControllers } = options
    const lines = await formatDirectories(host, config, {
      clusterId,
      ignoreFormatted,
      standalone,
      // `--no-initial-controllers` is false.
      initialControllers: typeof initialControllers === 'string' ? initialControllers : undefined,
      noInitialControllers: initialControllers === false,
    })
    process.stdout.write(lines.map(line => `${line}\n`).join(''))
  } catch (error) {
    fail(error)
  }
}

export function randomUuid(): void {
  process.stdout.write(`${nodeHost({ logger: { level: 'silent' } }).random.uuid()}\n`)
}
