/**
 * Control batches: one record that the broker writes for readers and replicas, not for applications (KIP-98, KIP-595,
 * KIP-630, KIP-853). The key says what it is, the value has the details: a marker's are
 * made here, those of the metadata log by `encodeMessage(leaderChangeMessage, version, { version, ... })` and its
 * neighbours in stored/control.ts.
 */
import { Errors, KafkaError } from '../errors.ts'
import { readInt16, readInt32, writeInt16, writeInt32 } from './batch.ts'
import { buildBatch } from './builder.ts'

export const ControlType = {
  ABORT: 0,
  COMMIT: 1,
  LEADER_CHANGE: 2,
  SNAPSHOT_HEADER: 3,
  SNAPSHOT_FOOTER: 4,
  KRAFT_VERSION: 5,
  KRAFT_VOTERS: 6,
} as const

export type ControlName = keyof typeof ControlType
export type ControlTypeId = (typeof ControlType)[ControlName]

const keyBytes = 4
const markerBytes = 6

/** The key of a control record: version 0 and the type. */
export function controlKey(type: ControlTypeId): Buffer {
  const key = Buffer.alloc(keyBytes)
  writeInt16(key, 2, type)
  return key
}

/**
 * The type in a control record's key; a number that `ControlType` lacks is one of a newer version, to be skipped. Throws
 * KafkaError INVALID_RECORD for what cannot be a key.
 */
export function controlType(key: Buffer | null): number {
  if (key === null || key.length < keyBytes) throw new KafkaError(Errors.INVALID_RECORD, 'control record without type')
  const version = readInt16(key, 0)
  if (version < 0) throw new KafkaError(Errors.INVALID_RECORD, `control record key of version ${version}`)
  return readInt16(key, 2)
}

/** The coordinator epoch in the value of an ABORT or COMMIT marker. Throws KafkaError INVALID_RECORD. */
export function markerCoordinatorEpoch(value: Buffer | null): number {
  if (value === null || value.length < markerBytes || readInt16(value, 0) < 0) {
    throw new KafkaError(Errors.INVALID_RECORD, 'malformed transaction marker')
  }
  return readInt32(value, 2)
}

/** The value of an ABORT or COMMIT marker (EndTxnMarker version 0). */
export function markerValue(coordinatorEpoch: number): Buffer {
  const value = Buffer.alloc(markerBytes)
  writeInt32(value, 2, coordinatorEpoch)
  return value
}

export interface ControlRecord {
  readonly type: ControlTypeId
  readonly value: Buffer
}

export interface NewControlBatch {
  readonly records: readonly ControlRecord[]
  /** Milliseconds. */
  readonly timestampMs: number
  readonly baseOffset?: number
  readonly partitionLeaderEpoch?: number
}

/** A control batch of the metadata log: leader changes, snapshot header and footer, voters. */
export function buildControlBatch(batch: NewControlBatch): Buffer {
  return buildBatch({
    records: batch.records.map(({ type, value }) => ({ key: controlKey(type), value })),
    baseTimestamp: batch.timestampMs,
    baseOffset: batch.baseOffset,
    partitionLeaderEpoch: batch.partitionLeaderEpoch,
    control: true,
  })
}

export interface TransactionMarker {
  readonly commit: boolean
  readonly producerId: number
  readonly producerEpoch: number
  readonly coordinatorEpoch: number
  /** Milliseconds. */
  readonly timestampMs: number
  readonly baseOffset?: number
  readonly partitionLeaderEpoch?: number
}

/** The batch that ends a producer's transaction in one partition. */
export function buildTransactionMarker(marker: TransactionMarker): Buffer {
  return buildBatch({
    records: [
      {
        key: controlKey(marker.commit ? ControlType.COMMIT : ControlType.ABORT),
        value: markerValue(marker.coordinatorEpoch),
      },
    ],
    baseTimestamp: marker.timestampMs,
    baseOffset: marker.baseOffset,
    partitionLeaderEpoch: marker.partitionLeaderEpoch,
    producerId: marker.producerId,
    producerEpoch: marker.producerEpoch,
    transactional: true,
    control: true,
  })
}
