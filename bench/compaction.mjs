/**
 * Compaction of one large keyed partition, while others produce and fetch: is the latest value of each key left, and what
 * do the others notice?
 *
 *   npm run build && node bench/compaction.mjs [--megabytes 1024] [--keys 200000] [--value-bytes 1000] [--seconds 10] [--codec 0]
 *
 * Latency is open loop: one record of 1 KiB with acks=all every 2 ms to another topic, one fetch of some 64 KB from a random
 * place of a third one every 5 ms; whoever waits because others are late counts from when it was due.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { startOttla } from '../compat/lib/brokers.mjs'
import {
  createTopics,
  decodeResponse,
  decodeResponseHeader,
  encodeRequestFrame,
  FrameAssembler,
  fetch as fetchApi,
  incrementalAlterConfigs,
  produce,
} from '../dist/protocol/index.js'
import { batchBytes, buildBatch, compressionReady, isControl, readRecords } from '../dist/protocol/records/index.js'

const { values: options } = parseArgs({
  options: {
    megabytes: { type: 'string', default: '1024' },
    keys: { type: 'string', default: '200000' },
    'value-bytes': { type: 'string', default: '1000' },
    seconds: { type: 'string', default: '10' },
    codec: { type: 'string', default: '0' },
  },
})
const [megabytes, keys, valueBytes, seconds, codecId] = ['megabytes', 'keys', 'value-bytes', 'seconds', 'codec'].map(
  name => Number(options[name]),
)
const now = () => performance.now()
const pause = ms => new Promise(resolve => setTimeout(resolve, ms))

/** One connection; answers come in the order of the requests. */
class Wire {
  #socket
  #frames = new FrameAssembler(1 << 28)
  #waiting = []
  #next = 1

  static async open(bootstrap) {
    const at = bootstrap.lastIndexOf(':')
    const wire = new Wire()
    wire.#socket = connect(Number(bootstrap.slice(at + 1)), bootstrap.slice(0, at))
    wire.#socket.setNoDelay(true)
    await new Promise((resolve, reject) => wire.#socket.once('connect', resolve).once('error', reject))
    wire.#socket.on('data', chunk => {
      for (const frame of wire.#frames.push(chunk)) {
        const { api, version, resolve } = wire.#waiting.shift()
        resolve(decodeResponse(api, version, frame, decodeResponseHeader(api, version, frame).bodyOffset))
      }
    })
    return wire
  }

  ask(api, version, request) {
    return new Promise(resolve => {
      this.#waiting.push({ api, version, resolve })
      for (const chunk of encodeRequestFrame(api, version, this.#next++, 'bench', request)) this.#socket.write(chunk)
    })
  }

  close() {
    this.#socket.destroy()
  }
}

async function produceTo(wire, name, records) {
  const topicData = [{ name, partitionData: [{ index: 0, records }] }]
  const answer = await wire.ask(produce, 9, { transactionalId: null, acks: -1, timeoutMs: 30_000, topicData })
  const { errorCode, baseOffset } = answer.responses[0].partitionResponses[0]
  if (errorCode !== 0) throw new Error(`produce to ${name}: error ${errorCode}`)
  return Number(baseOffset)
}

async function fetchFrom(wire, topic, fetchOffset, bytes) {
  const partitions = [
    { partition: 0, fetchOffset, partitionMaxBytes: bytes, currentLeaderEpoch: -1, logStartOffset: -1 },
  ]
  const request = { maxWaitMs: 100, minBytes: 1, maxBytes: bytes, topics: [{ topic, partitions }] }
  const answer = await wire.ask(fetchApi, 11, {
    replicaId: -1,
    isolationLevel: 0,
    sessionId: 0,
    sessionEpoch: -1,
    ...request,
  })
  const partition = answer.responses[0].partitions[0]
  if (partition.errorCode !== 0) throw new Error(`fetch of ${topic} at ${fetchOffset}: error ${partition.errorCode}`)
  return partition
}

async function alter(wire, name, configs) {
  const entries = Object.entries(configs).map(([key, value]) => ({
    name: key,
    value: String(value),
    configOperation: 0,
  }))
  const resources = [{ resourceType: 2, resourceName: name, configs: entries }]
  const answer = await wire.ask(incrementalAlterConfigs, 1, { resources, validateOnly: false })
  if (answer.responses[0].errorCode !== 0) throw new Error(answer.responses[0].errorMessage)
}

/** Keys at random, each value with the number of its record; every thirtieth is a tombstone. What the latest are. */
async function fill(bootstrap) {
  const wire = await Wire.open(bootstrap)
  const latest = new Float64Array(keys).fill(-1)
  const isDeleted = new Uint8Array(keys)
  const perBatch = Math.max(1, Math.floor(900_000 / (valueBytes + 30)))
  const total = Math.floor((megabytes * 1_048_576) / (valueBytes + 30))
  const filler = Buffer.alloc(valueBytes, 'compaction keeps what is latest. ')
  let seed = 12345
  let done = 0
  const inFlight = new Set()
  while (done < total) {
    const records = []
    for (let i = 0; i < perBatch && done < total; i++, done++) {
      seed = (Math.imul(seed, 1103515245) + 12345) >>> 0
      const key = seed % keys
      const value = done % 30 === 29 ? null : Buffer.from(filler)
      value?.writeDoubleBE(done, 0)
      latest[key] = done
      isDeleted[key] = value === null ? 1 : 0
      records.push({ key: Buffer.from(`key-${key}`), value, timestampMs: 1_700_000_000_000 + done })
    }
    const sent = produceTo(wire, 'keyed', buildBatch({ records, codecId })).then(() => inFlight.delete(sent))
    inFlight.add(sent)
    if (inFlight.size >= 4) await Promise.race(inFlight)
  }
  await Promise.all(inFlight)
  // What comes last goes to another segment, so that all of this may be compacted.
  await alter(wire, 'keyed', { 'segment.ms': 1 })
  await pause(5)
  await produceTo(
    wire,
    'keyed',
    buildBatch({ records: [{ key: Buffer.from('end'), value: filler, timestampMs: Date.now() }] }),
  )
  wire.close()
  return { latest, isDeleted, total }
}

/** Reads all that is left and compares. */
async function verify(bootstrap, { latest, isDeleted, total }) {
  const wire = await Wire.open(bootstrap)
  const found = new Map()
  let records = 0
  let bytes = 0
  let offset = 0
  for (;;) {
    const { records: chunks, highWatermark } = await fetchFrom(wire, 'keyed', offset, 8 << 20)
    if (offset >= highWatermark || chunks.length === 0) break
    const buffer = Buffer.isBuffer(chunks) ? chunks : Buffer.concat(chunks)
    for (let at = 0; at + 61 <= buffer.length; ) {
      const size = batchBytes(buffer, at)
      if (at + size > buffer.length) break
      bytes += size
      if (!isControl(buffer, at)) {
        for (const { key, value, offset: place } of readRecords(buffer, at)) {
          if (place < offset) continue
          records++
          const name = key.toString()
          if (found.has(name)) throw new Error(`${name} is there twice, at ${found.get(name).offset} and ${place}`)
          found.set(name, { offset: place, value: value === null ? null : value.readDoubleBE(0) })
        }
      }
      offset = Number(buffer.readBigInt64BE(at)) + buffer.readInt32BE(at + 23) + 1
      at += size
    }
  }
  wire.close()
  let compared = 0
  for (let key = 0; key < keys; key++) {
    const have = found.get(`key-${key}`)
    if (latest[key] < 0) {
      if (have) throw new Error(`key-${key} was never written`)
      continue
    }
    const value = isDeleted[key] ? null : latest[key]
    if (!have || have.value !== value || have.offset !== latest[key]) {
      throw new Error(`key-${key}: ${JSON.stringify(have)} instead of ${value} at ${latest[key]}`)
    }
    compared++
  }
  if (found.size !== compared + 1) throw new Error(`${found.size} keys are left, ${compared} were written`)
  return { recordsBefore: total, recordsLeft: records, keys: compared, megabytesLeft: bytes / 1_048_576 }
}

/** Produces and fetches until `until` resolves, at least for `leastMs`. */
async function load(bootstrap, leastMs, until) {
  const [producer, consumer] = [await Wire.open(bootstrap), await Wire.open(bootstrap)]
  const { highWatermark } = await fetchFrom(consumer, 'history', 0, 1)
  const record = { key: null, value: Buffer.alloc(1024, 'x') }
  const began = now()
  let ended = false
  const over = Promise.all([until, pause(leastMs)]).then(() => {
    ended = true
  })
  const paced = async (everyMs, work) => {
    const times = []
    const pending = new Set()
    for (let at = 0; !ended; at++) {
      const due = began + at * everyMs
      const early = due - now()
      if (early > 0.5) await pause(early)
      const one = work().then(() => {
        times.push(now() - due)
        pending.delete(one)
      })
      pending.add(one)
    }
    await Promise.all(pending)
    return quantiles(times)
  }
  const [produced, fetched] = await Promise.all([
    paced(2, () => produceTo(producer, 'latency', buildBatch({ records: [{ ...record, timestampMs: Date.now() }] }))),
    paced(5, () => fetchFrom(consumer, 'history', Math.floor(Math.random() * Number(highWatermark) * 0.9), 65_536)),
    over,
  ])
  producer.close()
  consumer.close()
  return { produce: produced, fetch: fetched, seconds: (now() - began) / 1000 }
}

function quantiles(times) {
  times.sort((a, b) => a - b)
  const at = share => Number((times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? 0).toFixed(2))
  return { count: times.length, p50: at(0.5), p99: at(0.99), p999: at(0.999), max: at(1) }
}

async function compacted(logFile) {
  for (;;) {
    const lines = readFileSync(logFile, 'utf8')
      .split('\n')
      .filter(line => line.includes('a log has been compacted'))
    const rounds = lines.map(line => JSON.parse(line)).filter(({ topic }) => topic === 'keyed')
    if (rounds.length > 0) return rounds[0]
    await pause(50)
  }
}

function memory(broker) {
  const status = readFileSync(`/proc/${broker.pid}/status`, 'utf8')
  const of = name => Math.round(Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)[1]) / 1024)
  return { residentMb: of('VmRSS'), peakMb: of('VmHWM') }
}

await compressionReady
const directory = mkdtempSync(join(process.env.BENCH_DIR ?? tmpdir(), 'ottla-compaction-'))
const logFile = join(directory, 'broker.log')
const broker = await startOttla(logFile, ['log.cleaner.backoff.ms=200'], join(directory, 'data'))
try {
  const { bootstrap } = broker
  const wire = await Wire.open(bootstrap)
  const topic = (name, configs = {}) => ({
    name,
    numPartitions: 1,
    replicationFactor: 1,
    assignments: [],
    configs: Object.entries(configs).map(([key, value]) => ({ name: key, value: String(value) })),
  })
  const held = { 'cleanup.policy': 'compact', 'min.cleanable.dirty.ratio': 1, 'segment.bytes': 128 << 20 }
  const topics = [topic('keyed', held), topic('latency'), topic('history')]
  await wire.ask(createTopics, 5, { topics, timeoutMs: 30_000, validateOnly: false })
  const history = Array.from({ length: 60 }, () => ({
    key: null,
    value: Buffer.alloc(1000, 'h'),
    timestampMs: Date.now(),
  }))
  for (let i = 0; i < 1000; i++) await produceTo(wire, 'history', buildBatch({ records: history }))
  const fillStart = now()
  const model = await fill(bootstrap)
  const fillSeconds = (now() - fillStart) / 1000
  await load(bootstrap, 2000, Promise.resolve())
  const quiet = await load(bootstrap, seconds * 1000, Promise.resolve())
  const before = memory(broker)
  const round = compacted(logFile)
  await alter(wire, 'keyed', { 'min.cleanable.dirty.ratio': 0 })
  const during = await load(bootstrap, 0, round)
  const { longestSliceMs, durationMs, bytesBefore, bytesAfter, bytesRead, keys: mapKeys } = await round
  await alter(wire, 'keyed', { 'min.cleanable.dirty.ratio': 1 })
  const left = await verify(bootstrap, model)
  wire.close()
  const mb = bytes => Math.round(bytes / 1_048_576)
  console.log(
    JSON.stringify(
      {
        filled: { megabytes, records: model.total, seconds: Number(fillSeconds.toFixed(1)) },
        round: {
          seconds: durationMs / 1000,
          longestSliceMs,
          keys: mapKeys,
          megabytesRead: mb(bytesRead),
          megabytesBefore: mb(bytesBefore),
          megabytesAfter: mb(bytesAfter),
        },
        verified: left,
        memory: { before, after: memory(broker) },
        quiet,
        during,
      },
      null,
      2,
    ),
  )
} finally {
  await broker.stop(true)
  rmSync(directory, { recursive: true, force: true })
}
