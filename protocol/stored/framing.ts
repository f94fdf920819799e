/** How stored records lie in their logs: what stands in front of the body that their tables describe. */
import { codecOf, inOnePiece } from '../compile.ts'
import { Reader } from '../reader.ts'
import type { AnyMessage, MessageInputOf, MessageOf } from '../schema.ts'
import { inRange } from '../schema.ts'
import { Writer } from '../writer.ts'
import * as records from './metadata.ts'

/** An int16 version, then the body: values of the coordinators' logs, the consumer protocol, producer snapshots. */
export function encodeVersioned<M extends AnyMessage>(message: M, version: number, value: MessageInputOf<M>): Buffer {
  const writer = new Writer()
  writer.int16(version)
  codecOf(message, version).write(writer, value)
  return inOnePiece(writer.finish())
}

/**
 * Reads what `encodeVersioned` writes. Throws ParseError, also for an unknown version.
 * With `acceptNewer` a version above the highest known one is read as the highest, as the consumer protocol asks: its later
 * versions only add fields at the end.
 */
export function decodeVersioned<M extends AnyMessage>(message: M, buffer: Buffer, acceptNewer = false): MessageOf<M> {
  const reader = new Reader(buffer)
  const given = reader.int16()
  const version = acceptNewer ? Math.min(given, message.versions.high) : given
  if (!inRange(message.versions, version)) throw reader.fail(`${message.name} of version ${given}`)
  return codecOf(message, version).read(reader) as MessageOf<M>
}

/** The version in front of a versioned value. Throws ParseError. */
export function versionOf(buffer: Buffer): number {
  return new Reader(buffer).int16()
}

/** The key of a record in a coordinator's log: the int16 record type, then the body. */
export function encodeCoordinatorKey<M extends AnyMessage>(key: M, value: MessageInputOf<M>): Buffer {
  const writer = new Writer()
  writer.int16(key.type)
  codecOf(key, 0).write(writer, value)
  return inOnePiece(writer.finish())
}

/** The record type of a coordinator's key, by which its table is chosen. Throws ParseError. */
export function coordinatorKeyType(buffer: Buffer): number {
  return new Reader(buffer).int16()
}

/** Reads a coordinator's key of a known type. Throws ParseError, also for a key of another type. */
export function decodeCoordinatorKey<M extends AnyMessage>(key: M, buffer: Buffer): MessageOf<M> {
  const reader = new Reader(buffer)
  const type = reader.int16()
  if (type !== key.type) throw reader.fail(`${key.name} of type ${type}`)
  return codecOf(key, 0).read(reader) as MessageOf<M>
}

/** The framing of metadata records has a version of its own. */
const metadataFrameVersion = 1

const metadataMessages = Object.values(records)
type MetadataMessage = (typeof metadataMessages)[number]
type RecordOf<M> = M extends AnyMessage ? { readonly name: M['name']; version: number; value: MessageOf<M> } : never

/** Any record of the metadata log as read: told apart by `name`, as in Kafka 'TopicRecord'. */
export type MetadataRecord = RecordOf<MetadataMessage>

const metadataByType: ReadonlyMap<number, MetadataMessage> = new Map(metadataMessages.map(each => [each.type, each]))

/** A record of the metadata log: frame version, record type and version as unsigned varints, then the body. */
export function encodeMetadataRecord<M extends AnyMessage>(
  message: M,
  version: number,
  value: MessageInputOf<M>,
): Buffer {
  const writer = new Writer()
  writer.uvarint(metadataFrameVersion)
  writer.uvarint(message.type)
  writer.uvarint(version)
  codecOf(message, version).write(writer, value)
  return inOnePiece(writer.finish())
}

/** Reads a record of the metadata log. Throws ParseError, also for an unknown type or version. */
export function decodeMetadataRecord(buffer: Buffer): MetadataRecord {
  const reader = new Reader(buffer)
  const frameVersion = reader.uvarint()
  if (frameVersion !== metadataFrameVersion) throw reader.fail(`record frame of version ${frameVersion}`)
  const type = reader.uvarint()
  const message = metadataByType.get(type)
  if (message === undefined) throw reader.fail(`record of type ${type}`)
  const version = reader.uvarint()
  if (!inRange(message.versions, version)) throw reader.fail(`${message.name} of version ${version}`)
  return { name: message.name, version, value: codecOf(message, version).read(reader) } as MetadataRecord
}
