/**
 * Every API that is served, in every version, with requests that Apache Kafka's own classes wrote: default ones, with
 * everything filled in, with nulls and with empty arrays wherever they may be, and with the largest and smallest values.
 * The broker answers each in a form that decodes, or closes for one of the reasons below, and fails at none.
 */
import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import t from 'tap'
import {
  type AnyApi,
  apiByKey,
  apiVersions,
  decodeRequest,
  decodeResponse,
  decodeResponseHeader,
} from '../../protocol/index.ts'
import { RawClient } from '../network/raw-client.ts'
import { startWhole } from './whole-broker.ts'

interface Vector {
  readonly api: number
  readonly name: string
  readonly version: number
  readonly headerVersion: number
  readonly variant: string
  readonly hex: string
}

const vectors = gunzipSync(readFileSync(new URL('../../../test/data/vectors/requests.jsonl.gz', import.meta.url)))
  .toString()
  .trim()
  .split('\n')
  .map(line => JSON.parse(line) as Vector)

/** A request with its header, and right behind it one of ApiVersions. */
function withProbe({ api, version, headerVersion, hex }: Vector): Buffer[] {
  const header = Buffer.alloc(headerVersion === 0 ? 8 : headerVersion === 1 ? 10 : 11)
  header.writeInt16BE(api, 0)
  header.writeInt16BE(version, 2)
  header.writeInt32BE(1, 4)
  if (headerVersion > 0) header.writeInt16BE(-1, 8)
  const probe = Buffer.from('0012000000000002ffff', 'hex')
  return [Buffer.concat([header, Buffer.from(hex, 'hex')]), probe]
}

type Outcome = 'answered' | 'no answer' | 'closed' | 'waiting'

async function outcomeOf(port: number, vector: Vector, api: AnyApi): Promise<Outcome> {
  const client = await RawClient.connect(port)
  for (const frame of withProbe(vector)) client.sendFrame(frame)
  let timer: NodeJS.Timeout | undefined
  const waiting = new Promise<'waiting'>(resolve => {
    timer = setTimeout(() => resolve('waiting'), 1000)
  })
  try {
    const frame = await Promise.race([client.next(), waiting])
    if (frame === 'waiting') return 'waiting'
    if (frame === null) return 'closed'
    if (frame.readInt32BE(0) === 2) return 'no answer'
    const { bodyOffset } = decodeResponseHeader(api, vector.version, frame)
    decodeResponse(api, vector.version, frame, bodyOffset)
    const probe = await client.next()
    return probe?.readInt32BE(0) === 2 ? 'answered' : 'closed'
  } finally {
    clearTimeout(timer)
    client.destroy()
  }
}

/** What may happen beside an answer. */
function allowed({ name, version, hex }: Vector, api: AnyApi): Outcome[] {
  try {
    decodeRequest(api, version, Buffer.from(hex, 'hex'))
  } catch {
    // Integers beyond 2^53 are refused, not rounded.
    return ['closed']
  }
  // acks=0: nothing is answered, and an error closes the connection.
  if (name === 'ProduceRequest') return ['no answer', 'closed']
  // These wait for records or for other members, as long as the request says.
  if (['FetchRequest', 'JoinGroupRequest', 'SyncGroupRequest'].includes(name)) return ['waiting']
  return []
}

t.test('every served request is answered', async t => {
  const broker = await startWhole(t)
  const probe = await broker.connect()
  const served = await probe.call(apiVersions, 0, { clientSoftwareName: '', clientSoftwareVersion: '' })
  probe.destroy()
  const ranges = new Map(
    served?.apiKeys.map(({ apiKey, minVersion, maxVersion }) => [apiKey, { minVersion, maxVersion }]),
  )
  const counts = new Map<string, number>()
  for (const vector of vectors) {
    const range = ranges.get(vector.api)
    const api = apiByKey(vector.api)
    if (!api || !range) continue
    if (vector.version < range.minVersion || vector.version > range.maxVersion) continue
    const outcome = await outcomeOf(broker.port, vector, api)
    const key = `${vector.name} ${outcome}`
    counts.set(key, (counts.get(key) ?? 0) + 1)
    if (outcome !== 'answered' && !allowed(vector, api).includes(outcome)) {
      t.fail(`${vector.name} ${vector.version} ${vector.variant}: ${outcome}`)
    }
    for (const { message, fields } of broker.lines.splice(0).filter(({ level }) => level === 'error')) {
      t.fail(`${vector.name} ${vector.version} ${vector.variant}: ${message}`, { fields })
    }
  }
  t.comment(JSON.stringify(Object.fromEntries(counts)))
  t.ok(counts.size > 20)
})

t.test('a request that is not served closes the connection', async t => {
  const broker = await startWhole(t)
  const probe = await broker.connect()
  const served = await probe.call(apiVersions, 0, { clientSoftwareName: '', clientSoftwareVersion: '' })
  probe.destroy()
  const ranges = new Map(
    served?.apiKeys.map(({ apiKey, minVersion, maxVersion }) => [apiKey, { minVersion, maxVersion }]),
  )
  for (const vector of vectors.filter(({ variant }) => variant === 'default')) {
    const range = ranges.get(vector.api)
    const api = apiByKey(vector.api)
    if (!api || vector.api === apiVersions.key) continue
    const isServed = range && vector.version >= range.minVersion && vector.version <= range.maxVersion
    if (isServed) continue
    t.equal(await outcomeOf(broker.port, vector, api), 'closed', `${vector.name} ${vector.version}`)
  }
})
