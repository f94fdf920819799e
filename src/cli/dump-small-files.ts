/** Prints the small files of a log directory: producer snapshots, checkpoints and what else is text. */
import { ParseError } from '../../protocol/reader.ts'
import { crc32c } from '../../protocol/records/crc.ts'
import type { MessageOf } from '../../protocol/schema.ts'
import { decodeVersioned } from '../../protocol/stored/framing.ts'
import { producerSnapshot } from '../../protocol/stored/producer-snapshot.ts'
import { optional } from './batch-lines.ts'
import { int64Text } from './message-json.ts'
import type { Output } from './output.ts'

/** Where the checksum ends and what it covers begins. */
const crcEnd = 6

/** The state of producers, one line each. */
export async function dumpProducerSnapshot(bytes: Buffer, path: string, output: Output): Promise<void> {
  const stored = bytes.length < crcEnd ? -1 : bytes.readUInt32BE(crcEnd - 4)
  const computed = crc32c(bytes.subarray(crcEnd))
  if (stored !== computed) {
    await output.problem(
      `Snapshot is corrupt (CRC is no longer valid). Stored crc: ${stored}. Computed crc: ${computed}`,
    )
    return
  }
  try {
    const { producerEntries } = decodeVersioned(producerSnapshot, bytes)
    for (const entry of producerEntries) output.line(producerLine(entry))
  } catch (error) {
    if (!(error instanceof ParseError)) throw error
    await output.problem(`${path} is no producer snapshot: ${error.message}`)
  }
}

function producerLine(entry: MessageOf<typeof producerSnapshot>['producerEntries'][number]): string {
  const begun = entry.currentTxnFirstOffset < 0 ? null : entry.currentTxnFirstOffset
  const { lastSequence, offsetDelta } = entry
  const firstSequence =
    lastSequence - offsetDelta < 0 ? lastSequence - offsetDelta + 2 ** 31 : lastSequence - offsetDelta
  const batch =
    entry.lastOffset < 0
      ? ''
      : `firstSequence: ${firstSequence} lastSequence: ${lastSequence} lastOffset: ${int64Text(entry.lastOffset)} ` +
        `offsetDelta: ${offsetDelta} timestamp: ${int64Text(entry.timestamp)}`
  return (
    `producerId: ${int64Text(entry.producerId)} producerEpoch: ${entry.epoch} ` +
    `coordinatorEpoch: ${entry.coordinatorEpoch} currentTxnFirstOffset: ${optional(begun)} ` +
    `lastTimestamp: ${int64Text(entry.timestamp)} ${batch}`
  )
}

/** A checkpoint: version, number of entries, one entry a line. `columns` names what an entry has. */
export async function dumpCheckpoint(
  text: string,
  path: string,
  columns: readonly string[],
  output: Output,
): Promise<void> {
  if (text === '') {
    output.line(`${path} is empty.`)
    return
  }
  const lines = text.split('\n')
  if (lines.at(-1) === '') lines.pop()
  else await output.problem(`${path} ends in the middle of a line`)
  const [version, count, ...entries] = lines
  output.line(`version: ${version} entries: ${count}`)
  if (version !== '0') await output.problem(`${path} has version ${version}, not 0`)
  if (count !== String(entries.length)) {
    await output.problem(`${path} says that it has ${count} entries, but has ${entries.length}`)
  }
  for (const entry of entries) {
    const values = entry.split(/\s+/)
    if (values.length === columns.length && values.slice(-1).every(value => /^\d+$/.test(value))) {
      output.line(columns.map((column, at) => `${column}: ${values[at]}`).join(' '))
    } else await output.problem(`${path} has an entry that makes no sense: ${entry}`)
  }
}

/** A file of text as it is. */
export function dumpPlain(text: string, output: Output): void {
  for (const line of text.replace(/\n$/, '').split('\n')) output.line(line)
}
