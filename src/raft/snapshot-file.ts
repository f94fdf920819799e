/**
 * Snapshot files of the metadata log: `<end offset>-<epoch>.checkpoint` holds a header, the quorum's own control records,
 * the state as metadata records, and a footer. `bootstrap.checkpoint` has the same form.
 */

import { decodeMessage, encodeMessage } from '../../protocol/compile.ts'
import { KafkaError } from '../../protocol/errors.ts'
import { ParseError } from '../../protocol/reader.ts'
import { checkBatch, isControl, iterateBatches } from '../../protocol/records/batch.ts'
import { buildBatch } from '../../protocol/records/builder.ts'
import { buildControlBatch, type ControlRecord, ControlType, controlType } from '../../protocol/records/control.ts'
import { readRecords } from '../../protocol/records/record.ts'
import type { MessageOf } from '../../protocol/schema.ts'
import {
  kRaftVersionRecord,
  snapshotFooterRecord,
  snapshotHeaderRecord,
  votersRecord,
} from '../../protocol/stored/control.ts'
import { type Disk, DiskError } from '../host/host.ts'
import { decodeRecord, encodeRecord, type MetadataRecord } from '../metadata/records.ts'
import { kraftVersionOf, voterSetOf, votersOf } from './core/epoch-records.ts'

export type Voters = MessageOf<typeof votersRecord>['voters']

/** Everything before `endOffset` is in the snapshot; `epoch` is that of its last record. */
export interface SnapshotId {
  readonly endOffset: number
  readonly epoch: number
}

export interface Snapshot {
  readonly records: readonly MetadataRecord[]
  /** Null when the snapshot doesn't say: the voters are fixed by configuration. */
  readonly kraftVersion: number | null
  readonly voters: Voters | null
  /** Append time of the last record it contains. */
  readonly lastTimestampMs: number
}

/** A snapshot that cannot be read to its end. */
export class SnapshotError extends Error {
  constructor(path: string, problem: string) {
    super(`${path}: ${problem}`)
    this.name = 'SnapshotError'
  }
}

const suffix = '.checkpoint'

export function snapshotFileName({ endOffset, epoch }: SnapshotId): string {
  return `${String(endOffset).padStart(20, '0')}-${String(epoch).padStart(10, '0')}${suffix}`
}

/** Null for the name of anything else. */
export function parseSnapshotFileName(name: string): SnapshotId | null {
  const match = /^(\d{20})-(\d{10})\.checkpoint$/.exec(name)
  return match ? { endOffset: Number(match[1]), epoch: Number(match[2]) } : null
}

/** The snapshots in a directory, oldest first. */
export async function listSnapshots(disk: Disk, directory: string): Promise<SnapshotId[]> {
  const entries = await disk.list(directory)
  return entries
    .flatMap(({ name }) => parseSnapshotFileName(name) ?? [])
    .sort((a, b) => a.endOffset - b.endOffset || a.epoch - b.epoch)
}

/** Null when there is no such file. Throws DiskError and SnapshotError. */
export async function readSnapshot(disk: Disk, path: string): Promise<Snapshot | null> {
  const bytes = await readWhole(disk, path)
  return bytes && parseSnapshot(bytes, path)
}

/** Throws SnapshotError. */
export function parseSnapshot(bytes: Buffer, path: string): Snapshot {
  const records: MetadataRecord[] = []
  const control: { -readonly [K in keyof Omit<Snapshot, 'records'>]: Snapshot[K] } = {
    kraftVersion: null,
    voters: null,
    lastTimestampMs: -1,
  }
  let ended = false
  try {
    for (const at of iterateBatches(bytes)) {
      const check = checkBatch(bytes, at)
      if (check !== 'ok') throw new SnapshotError(path, `batch at ${at}: ${check}`)
      for (const { key, value } of readRecords(bytes, at)) {
        if (!value) continue
        if (!isControl(bytes, at)) records.push(decodeRecord(value))
        else if (controlType(key) === ControlType.SNAPSHOT_FOOTER) ended = true
        else applyControl(control, controlType(key), value)
      }
    }
  } catch (error) {
    if (error instanceof SnapshotError) throw error
    if (error instanceof ParseError || error instanceof KafkaError) throw new SnapshotError(path, error.message)
    throw error
  }
  if (!ended) throw new SnapshotError(path, 'ends without a footer')
  return { records, ...control }
}

function applyControl(
  into: { kraftVersion: number | null; voters: Voters | null; lastTimestampMs: number },
  type: number,
  value: Buffer,
): void {
  if (type === ControlType.SNAPSHOT_HEADER) {
    into.lastTimestampMs = decodeMessage(snapshotHeaderRecord, 0, value).lastContainedLogTimestamp
  } else if (type === ControlType.KRAFT_VERSION) {
    into.kraftVersion = decodeMessage(kRaftVersionRecord, 0, value).kRaftVersion
  } else if (type === ControlType.KRAFT_VOTERS) {
    into.voters = decodeMessage(votersRecord, 0, value).voters
  }
}

const batchRecordsMax = 1000

/** The bytes of a snapshot file. `timestampMs` is when it is made. */
export function encodeSnapshot(
  { records, kraftVersion, voters, lastTimestampMs }: Omit<Snapshot, 'records'> & { records: Iterable<MetadataRecord> },
  epoch: number,
  timestampMs: number,
): Buffer {
  const header: ControlRecord[] = [
    {
      type: ControlType.SNAPSHOT_HEADER,
      value: encodeMessage(snapshotHeaderRecord, 0, { version: 0, lastContainedLogTimestamp: lastTimestampMs }),
    },
    ...quorumRecords(kraftVersion, voters),
  ]
  const chunks: Buffer[] = []
  let baseOffset = 0
  const place = () => ({ baseOffset, partitionLeaderEpoch: epoch })
  chunks.push(buildControlBatch({ records: header, timestampMs, ...place() }))
  baseOffset += header.length
  let batch: { key: null; value: Buffer }[] = []
  const flush = () => {
    if (batch.length === 0) return
    chunks.push(buildBatch({ records: batch, baseTimestamp: timestampMs, ...place() }))
    baseOffset += batch.length
    batch = []
  }
  for (const record of records) {
    batch.push({ key: null, value: encodeRecord(record) })
    if (batch.length === batchRecordsMax) flush()
  }
  flush()
  const footer = { type: ControlType.SNAPSHOT_FOOTER, value: encodeMessage(snapshotFooterRecord, 0, { version: 0 }) }
  chunks.push(buildControlBatch({ records: [footer], timestampMs, ...place() }))
  return Buffer.concat(chunks)
}

/** The control records that carry the voters. */
function quorumRecords(kraftVersion: number | null, voters: Voters | null): ControlRecord[] {
  if (kraftVersion === null || kraftVersion === 0 || voters === null) return []
  return [kraftVersionOf(kraftVersion), votersOf(voterSetOf(voters))]
}

async function readWhole(disk: Disk, path: string): Promise<Buffer | null> {
  try {
    const file = await disk.open(path, 'read')
    try {
      return await file.read(0, file.size)
    } finally {
      await file.close()
    }
  } catch (error) {
    if (error instanceof DiskError && error.code === 'ENOENT') return null
    throw error
  }
}
