/** `ottla dump-log`: what is in the files of a log directory. Exits with 1 when something in them is wrong. */
import { type DumpOptions, dumpFiles } from '../../src/cli/dump-file.ts'
import { quietHost } from '../../src/host/node-quiet.ts'
import { standardOutput } from './standard-output.ts'

/** Kafka's own names for the options come with ours. */
export interface DumpLogOptions {
  readonly files?: string
  readonly printRecords?: boolean
  readonly printDataLog?: boolean
  readonly deepIteration?: boolean
  readonly skipRecordMetadata?: boolean
  readonly offsets?: boolean
  readonly offsetsDecoder?: boolean
  readonly transactions?: boolean
  readonly transactionLogDecoder?: boolean
  readonly shareState?: boolean
  readonly shareGroupStateDecoder?: boolean
  readonly metadata?: boolean
  readonly clusterMetadataDecoder?: boolean
  readonly verifyIndexOnly?: boolean
  readonly indexSanityCheck?: boolean
  readonly maxBytes?: string
}

export async function dumpLog(files: readonly string[], options: DumpLogOptions): Promise<void> {
  const paths = [...files, ...(options.files?.split(',').map(path => path.trim()) ?? [])]
  const decoders = decodersAsked(options)
  const complaint =
    paths.length === 0
      ? 'at least one file must be named'
      : decoders.length > 1
        ? `only one of ${decoders.join(', ')} can be asked for`
        : options.maxBytes !== undefined && !/^\d+$/.test(options.maxBytes)
          ? `--max-bytes must be a number, not ${options.maxBytes}`
          : null
  if (complaint !== null) {
    process.stderr.write(`error: ${complaint}\n`)
    process.exit(1)
  }
  const output = standardOutput()
  const { disk } = quietHost
  await dumpFiles(
    disk,
    paths,
    {
      printRecords: options.printRecords || options.printDataLog,
      deep: options.deepIteration,
      decoder: decoders[0],
      skipRecordMetadata: options.skipRecordMetadata,
      bytesMax: options.maxBytes === undefined ? undefined : Number(options.maxBytes),
      verifyIndexOnly: options.verifyIndexOnly || options.indexSanityCheck,
    },
    output,
  )
  process.exitCode = output.problems > 0 ? 1 : 0
}

function decodersAsked(options: DumpLogOptions): NonNullable<DumpOptions['decoder']>[] {
  const asked: NonNullable<DumpOptions['decoder']>[] = []
  if (options.offsets || options.offsetsDecoder) asked.push('offsets')
  if (options.transactions || options.transactionLogDecoder) asked.push('transactions')
  if (options.shareState || options.shareGroupStateDecoder) asked.push('shareState')
  if (options.metadata || options.clusterMetadataDecoder) asked.push('metadata')
  return asked
}
