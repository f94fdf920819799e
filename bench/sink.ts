/**
 * The bare machine: a Node process that only frames, appends the bytes of Produce requests to one file with group commit,
 * and answers. It keeps no log, no offsets and no checks: what a broker on this machine cannot exceed by much.
 *
 *   node dist/bench/sink.js DIRECTORY PARTITIONS [nosync|nodisk]
 */
import { fdatasync, openSync, writev } from 'node:fs'
import { createServer, type Socket } from 'node:net'
import {
  apiVersions,
  decodeRequest,
  decodeRequestHeader,
  encodeResponseFrame,
  FrameAssembler,
  metadata,
  produce,
} from '../protocol/index.ts'

const [directory, partitionsText, mode = 'sync'] = process.argv.slice(2)
const partitions = Number(partitionsText)
const file = openSync(`${directory}/sink`, 'a')

interface Waiting {
  readonly bytes: readonly Buffer[]
  readonly done: () => void
}

let waiting: Waiting[] = []
let writing = false

/** While one write and sync are under way the next ones gather. */
function commit(entry: Waiting): void {
  if (mode === 'nodisk') return entry.done()
  waiting.push(entry)
  if (!writing) setImmediate(flush)
  writing = true
}

function flush(): void {
  const turn = waiting
  waiting = []
  const chunks = turn.flatMap(({ bytes }) => bytes).slice(0)
  writeAll(chunks, 0, () => {
    const end = () => {
      for (const { done } of turn) done()
      if (waiting.length > 0) setImmediate(flush)
      else writing = false
    }
    if (mode === 'nosync') end()
    else fdatasync(file, error => (error ? fail(error) : end()))
  })
}

function writeAll(chunks: Buffer[], from: number, done: () => void): void {
  if (from >= chunks.length) return done()
  writev(file, chunks.slice(from, from + 1000), error => (error ? fail(error) : writeAll(chunks, from + 1000, done)))
}

function fail(error: Error): never {
  throw error
}

function answer(socket: Socket, frame: Buffer, port: number): void {
  const header = decodeRequestHeader(frame)
  const send = (chunks: Buffer[]) => {
    socket.cork()
    for (const chunk of chunks) socket.write(chunk)
    socket.uncork()
  }
  if (header.apiKey === apiVersions.key) {
    const apiKeys = [
      { apiKey: 0, minVersion: 0, maxVersion: 9 },
      { apiKey: 1, minVersion: 4, maxVersion: 11 },
      { apiKey: 3, minVersion: 0, maxVersion: 8 },
      { apiKey: 18, minVersion: 0, maxVersion: 3 },
    ]
    send(encodeResponseFrame(apiVersions, header.apiVersion, header.correlationId, { errorCode: 0, apiKeys }))
  } else if (header.apiKey === metadata.key) {
    const request = decodeRequest(metadata, header.apiVersion, frame, header.bodyOffset)
    const topics = (request.topics ?? []).map(({ name }) => ({
      errorCode: 0,
      name,
      topicId: 'AAAAAAAAAAAAAAAAAAAAAA',
      partitions: Array.from({ length: partitions }, (_, partitionIndex) => ({
        errorCode: 0,
        partitionIndex,
        leaderId: 1,
        replicaNodes: [1],
        isrNodes: [1],
        offlineReplicas: [],
      })),
    }))
    const brokers = [{ nodeId: 1, host: '127.0.0.1', port }]
    send(
      encodeResponseFrame(metadata, header.apiVersion, header.correlationId, {
        brokers,
        topics,
        controllerId: 1,
        errorCode: 0,
      }),
    )
  } else {
    const request = decodeRequest(produce, header.apiVersion, frame, header.bodyOffset)
    const bytes = request.topicData.flatMap(topic =>
      topic.partitionData.map(({ records }) => records ?? Buffer.alloc(0)),
    )
    commit({
      bytes,
      done() {
        const responses = request.topicData.map(({ name, topicId, partitionData }) => ({
          name,
          topicId,
          partitionResponses: partitionData.map(({ index }) => ({
            index,
            errorCode: 0,
            baseOffset: 0,
            recordErrors: [],
          })),
        }))
        send(encodeResponseFrame(produce, header.apiVersion, header.correlationId, { responses }))
      },
    })
  }
}

const server = createServer({ noDelay: true }, socket => {
  const assembler = new FrameAssembler(100 << 20)
  const { port } = server.address() as { port: number }
  socket.on('data', chunk => {
    for (const frame of assembler.push(chunk)) answer(socket, frame, port)
  })
  socket.on('error', () => {})
})
server.listen(0, '127.0.0.1', () => {
  const { port } = server.address() as { port: number }
  console.log(`sink ready on 127.0.0.1:${port}`)
})
