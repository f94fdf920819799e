import t from 'tap'
import * as protocol from '../../protocol/index.ts'
import { type AnyMessage, Message } from '../../protocol/schema.ts'
import { checkVector } from './round-trip.ts'
import * as testMessages from './test-messages.ts'
import { decodeWith, encodeWith, isExact, losslessCodec, ordinary, readVectors, type Vector } from './vectors.ts'

const messages = new Map<string, AnyMessage>()
for (const each of [...Object.values(protocol), ...Object.values(testMessages)]) {
  if (each instanceof Message) messages.set(each.name, each)
}

/** Kafka 3.9 counted the record type of a key as its version. */
function isOldKey(vector: Vector): boolean {
  return vector.source === '3.9' && vector.type === 'coordinator-key'
}

/** Our framing of a value, or null where the ordinary codec cannot hold it. */
function framed(vector: Vector, message: AnyMessage, version: number): { hex: string; again: unknown } | null {
  const lossless = decodeWith(losslessCodec(message, version), vector.hex)
  let holds = vector.variant !== 'tagged'
  const value = ordinary(lossless, int64 => {
    holds &&= isExact(int64)
    return Number(int64)
  }) as protocol.MessageInputOf<AnyMessage>
  if (!holds) return null
  if (vector.framing === 'api-message') {
    if (vector.module === 'storage') return null
    const buffer = protocol.encodeMetadataRecord(message, version, value)
    const again = protocol.decodeMetadataRecord(buffer)
    if (again.name !== message.name || again.version !== version) throw new Error(`${again.name} ${again.version}`)
    return { hex: buffer.toString('hex'), again: again.value }
  }
  if (vector.type === 'coordinator-key') {
    const buffer = protocol.encodeCoordinatorKey(message, value)
    if (protocol.coordinatorKeyType(buffer) !== message.type) throw new Error('key type')
    return { hex: buffer.toString('hex'), again: protocol.decodeCoordinatorKey(message, buffer) }
  }
  const buffer = protocol.encodeVersioned(message, version, value)
  t.equal(protocol.versionOf(buffer), version)
  return { hex: buffer.toString('hex'), again: protocol.decodeVersioned(message, buffer) }
}

t.test('every golden vector of stored records, both ways', async t => {
  const vectors = readVectors('records')
  t.equal(vectors.length, 830)
  const problems: string[] = []
  let framedCount = 0
  for (const vector of vectors) {
    const name =
      vector.name === 'OffsetCommitKey' && vector.source === '3.9' && vector.version === 0
        ? 'LegacyOffsetCommitKey'
        : vector.name
    const message = messages.get(name)
    if (message === undefined) {
      problems.push(`no table of ${vector.name}`)
      continue
    }
    const version = isOldKey(vector) ? 0 : vector.version
    const problem = checkVector(message, version, vector, vector.json)
    if (problem !== null) {
      problems.push(problem)
      continue
    }
    if (vector.framing === undefined) continue
    const ours = framed(vector, message, version)
    if (ours === null) continue
    framedCount++
    if (ours.hex !== vector.framedHex) problems.push(`framing of ${vector.name} ${vector.version} ${vector.variant}`)
    if (encodeWith(protocol.codecOf(message, version), ours.again) !== vector.hex)
      problems.push(`reading ${vector.name}`)
  }
  t.same(problems, [])
  t.ok(framedCount > 400, `${framedCount} framings`)
})

t.test('framings refuse what they do not know', async t => {
  const { ParseError } = protocol
  t.throws(() => protocol.decodeVersioned(protocol.offsetCommitValue, Buffer.from('0005', 'hex')), ParseError)
  t.throws(() => protocol.decodeVersioned(protocol.offsetCommitValue, Buffer.from('ffff', 'hex')), ParseError)
  t.throws(() => protocol.decodeVersioned(protocol.offsetCommitValue, Buffer.alloc(0)), ParseError)
  t.throws(() => protocol.decodeCoordinatorKey(protocol.offsetCommitKey, Buffer.from('00020000', 'hex')), ParseError)
  t.throws(() => protocol.decodeMetadataRecord(Buffer.from('020200', 'hex')), ParseError, 'frame version')
  t.throws(() => protocol.decodeMetadataRecord(Buffer.from('01ff0100', 'hex')), ParseError, 'record type')
  t.throws(() => protocol.decodeMetadataRecord(Buffer.from('010209', 'hex')), ParseError, 'record version')
})

t.test('a consumer protocol version of the future is read as the highest known one', async t => {
  const { consumerProtocolSubscription: table } = protocol
  const buffer = protocol.encodeVersioned(table, 3, {
    topics: ['a'],
    userData: null,
    ownedPartitions: [],
    generationId: 7,
    rackId: 'r',
  })
  buffer.writeInt16BE(4)
  t.throws(() => protocol.decodeVersioned(table, buffer), protocol.ParseError)
  t.match(protocol.decodeVersioned(table, buffer, true), { topics: ['a'], generationId: 7, rackId: 'r' })
})

t.test('an encoded record has memory of its own, so that keeping it keeps nothing else', async t => {
  const key = protocol.encodeCoordinatorKey(protocol.groupMetadataKey, { group: 'g' })
  t.equal(key.buffer.byteLength, key.length)
})
