/** One batch, or one record of it, as a line of text, in the words of Kafka's own dump tool. */
import { decodeMessage } from '../../protocol/compile.ts'
import {
  addToSequence,
  baseOffset,
  baseSequence,
  batchBytes,
  codecId,
  computeCrc,
  crc,
  deleteHorizon,
  isControl,
  isLogAppendTime,
  isTransactional,
  lastOffset,
  lastSequence,
  magic,
  maxTimestamp,
  noSequence,
  partitionLeaderEpoch,
  producerEpoch,
  producerId,
  recordsCount,
} from '../../protocol/records/batch.ts'
import { codecs } from '../../protocol/records/compression.ts'
import { ControlType, controlType, markerCoordinatorEpoch } from '../../protocol/records/control.ts'
import type { RecordData } from '../../protocol/records/record.ts'
import type { AnyMessage } from '../../protocol/schema.ts'
import {
  kRaftVersionRecord,
  leaderChangeMessage,
  snapshotFooterRecord,
  snapshotHeaderRecord,
  votersRecord,
} from '../../protocol/stored/control.ts'
import { int64Text, messageJson } from './message-json.ts'
import type { RecordDecoder } from './record-decoders.ts'

/** A number that may be absent, as Java prints it. */
export function optional(value: number | null): string {
  return value === null ? 'OptionalLong.empty' : `OptionalLong[${int64Text(value)}]`
}

const timestampType = (logAppendTime: boolean) => (logAppendTime ? 'LogAppendTime' : 'CreateTime')
const codecName = (id: number) => codecs[id]?.name ?? `unknown(${id})`

/** Whether the checksum of a batch of magic 2 is right. The whole batch must be in `buffer`. */
export function isValid(buffer: Buffer, at: number): boolean {
  return computeCrc(buffer, at) === crc(buffer, at)
}

/** The line of a batch of magic 2. Only its header must be in `buffer`. */
export function batchLine(buffer: Buffer, at: number, position: number, valid: boolean): string {
  return (
    `baseOffset: ${int64Text(baseOffset(buffer, at))} lastOffset: ${int64Text(lastOffset(buffer, at))} ` +
    `count: ${recordsCount(buffer, at)} ` +
    `baseSequence: ${baseSequence(buffer, at)} lastSequence: ${lastSequence(buffer, at)} ` +
    `producerId: ${int64Text(producerId(buffer, at))} producerEpoch: ${producerEpoch(buffer, at)} ` +
    `partitionLeaderEpoch: ${partitionLeaderEpoch(buffer, at)} ` +
    `isTransactional: ${isTransactional(buffer, at)} isControl: ${isControl(buffer, at)} ` +
    `deleteHorizonMs: ${optional(deleteHorizon(buffer, at))} position: ${position} ` +
    `${timestampType(isLogAppendTime(buffer, at))}: ${int64Text(maxTimestamp(buffer, at))} ` +
    `size: ${batchBytes(buffer, at)} magic: ${magic(buffer, at)} ` +
    `compresscodec: ${codecName(codecId(buffer, at))} crc: ${crc(buffer, at)} isvalid: ${valid}`
  )
}

/** The line of a message of magic 0 or 1, which stands alone or wraps others. */
export function messageLine(buffer: Buffer, at: number, position: number, valid: boolean): string {
  const attributes = buffer[at + 17]
  return (
    `offset: ${int64Text(baseOffset(buffer, at))} position: ${position} ` +
    `${timestampType((attributes & 0x08) !== 0)}: ${int64Text(messageTimestamp(buffer, at))} size: ${batchBytes(buffer, at)} ` +
    `magic: ${magic(buffer, at)} compresscodec: ${codecName(attributes & 0x07)} ` +
    `crc: ${buffer.readUInt32BE(at + 12)} isvalid: ${valid}`
  )
}

/** Of a message of magic 0 or 1: its timestamp, -1 for magic 0, which has none. */
export function messageTimestamp(buffer: Buffer, at: number): number {
  return magic(buffer, at) === 0 ? -1 : Number(buffer.readBigInt64BE(at + 18))
}

/** What every record of one batch shares. */
export interface RecordContext {
  readonly logAppendTime: boolean
  readonly control: boolean
  readonly legacy: boolean
  /** -1 when the producer is not idempotent. */
  readonly sequenceOf: (offset: number) => number
}

export function recordContext(buffer: Buffer, at: number): RecordContext {
  const firstSequence = baseSequence(buffer, at)
  const firstOffset = baseOffset(buffer, at)
  return {
    logAppendTime: isLogAppendTime(buffer, at),
    control: isControl(buffer, at),
    legacy: false,
    sequenceOf: offset =>
      firstSequence === noSequence ? noSequence : addToSequence(firstSequence, offset - firstOffset),
  }
}

/** Messages of magic 0 and 1 have no sequences, headers or control records. */
export const legacyContext: RecordContext = {
  logAppendTime: false,
  control: false,
  legacy: true,
  sequenceOf: () => noSequence,
}

export interface RecordLineOptions {
  readonly decode: RecordDecoder | null
  /** Key and payload alone. */
  readonly skipMetadata: boolean
}

/** Null when there is nothing to print. Throws KafkaError and ParseError for a control record that makes no sense. */
export function recordLine(record: RecordData, context: RecordContext, options: RecordLineOptions): string | null {
  if (options.skipMetadata && context.control) return null
  const parts: string[] = ['|']
  if (!options.skipMetadata) parts.push(metadataOf(record, context))
  if (context.control) parts.push(controlText(record))
  else if (options.decode) {
    const { key, payload } = options.decode(record)
    if (key !== null) parts.push(`key: ${key}`)
    if (payload !== null) parts.push(`payload: ${payload}`)
  }
  return parts.join(' ')
}

function metadataOf(record: RecordData, context: RecordContext): string {
  const common =
    `offset: ${int64Text(record.offset)} ${timestampType(context.logAppendTime)}: ${int64Text(record.timestampMs)} ` +
    `keySize: ${record.key?.length ?? -1} valueSize: ${record.value?.length ?? -1}`
  if (context.legacy) return common
  const headerKeys = record.headers.map(({ key }) => key).join(',')
  return `${common} sequence: ${context.sequenceOf(record.offset)} headerKeys: [${headerKeys}]`
}

const quorumRecords: ReadonlyMap<number, readonly [label: string, message: AnyMessage]> = new Map([
  [ControlType.LEADER_CHANGE, ['LeaderChange:', leaderChangeMessage]],
  [ControlType.SNAPSHOT_HEADER, ['SnapshotHeader', snapshotHeaderRecord]],
  [ControlType.SNAPSHOT_FOOTER, ['SnapshotFooter', snapshotFooterRecord]],
  [ControlType.KRAFT_VERSION, ['KRaftVersion', kRaftVersionRecord]],
  [ControlType.KRAFT_VOTERS, ['KRaftVoters', votersRecord]],
] as const)

function controlText({ key, value }: RecordData): string {
  const type = controlType(key)
  if (type === ControlType.ABORT || type === ControlType.COMMIT) {
    const name = type === ControlType.COMMIT ? 'COMMIT' : 'ABORT'
    return `endTxnMarker: ${name} coordinatorEpoch: ${markerCoordinatorEpoch(value)}`
  }
  const known = quorumRecords.get(type)
  if (!known || value === null || value.length < 2) return `controlType: UNKNOWN(${type})`
  const [label, message] = known
  // Their own first field says which version they have.
  const version = Math.min(Math.max(value.readInt16BE(0), message.versions.low), message.versions.high)
  return `${label} ${messageJson(message, version, decodeMessage(message, version, value))}`
}
