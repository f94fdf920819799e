/** What clients push (KIP-714): the metrics of OpenTelemetry's MetricsData, as plain values. */
import { doubleOf, fieldsOf, ProtobufError, textOf } from './protobuf.ts'

export interface ClientMetric {
  readonly name: string
  /** Of the point: what tells it from others of the same name. */
  readonly attributes: Readonly<Record<string, string>>
  /** Milliseconds since the epoch, 0 when not told. */
  readonly timestampMs: number
  /** `delta`: since the last push; `cumulative`: since the client began. */
  readonly kind: 'gauge' | 'delta' | 'cumulative'
  /** A histogram's sum. */
  readonly value: number
  /** Of a histogram. */
  readonly count?: number
}

export interface ClientMetrics {
  /** What the client says of itself as a whole. */
  readonly resource: Readonly<Record<string, string>>
  readonly metrics: readonly ClientMetric[]
}

/** Throws ProtobufError. */
export function decodeMetrics(bytes: Buffer): ClientMetrics {
  const resource: Record<string, string> = {}
  const metrics: ClientMetric[] = []
  for (const resourceMetrics of nested(bytes, 1)) {
    for (const { number, bytes: part } of fieldsOf(resourceMetrics)) {
      if (number === 1) Object.assign(resource, attributesOf(part, 1))
      if (number !== 2) continue
      for (const metric of nested(part, 2)) readMetric(metric, metrics)
    }
  }
  return { resource, metrics }
}

function* nested(message: Buffer, wanted: number): Generator<Buffer> {
  for (const { number, bytes } of fieldsOf(message)) if (number === wanted) yield bytes
}

/** The numbers of a metric's kinds in OpenTelemetry's description. */
const kinds = { gauge: 5, sum: 7, histogram: 9 } as const

const deltaTemporality = 1n

function readMetric(metric: Buffer, metrics: ClientMetric[]): void {
  let name = ''
  for (const { number, bytes } of fieldsOf(metric)) {
    if (number === 1) name = textOf(bytes)
    else if (number === kinds.gauge) readPoints(name, 'gauge', bytes, metrics, numberPoint)
    else if (number === kinds.sum) readPoints(name, temporalityOf(bytes), bytes, metrics, numberPoint)
    else if (number === kinds.histogram) readPoints(name, temporalityOf(bytes), bytes, metrics, histogramPoint)
  }
}

function temporalityOf(data: Buffer): 'delta' | 'cumulative' {
  for (const { number, bits } of fieldsOf(data)) if (number === 2 && bits === deltaTemporality) return 'delta'
  return 'cumulative'
}

type Point = Omit<ClientMetric, 'name' | 'kind'>

function readPoints(
  name: string,
  kind: ClientMetric['kind'],
  data: Buffer,
  metrics: ClientMetric[],
  read: (point: Buffer) => Point,
): void {
  if (name === '') throw new ProtobufError('a metric without a name')
  for (const point of nested(data, 1)) metrics.push({ name, kind, ...read(point) })
}

function numberPoint(point: Buffer): Point {
  let value = 0
  let timestampMs = 0
  for (const { number, bits } of fieldsOf(point)) {
    if (number === 3) timestampMs = milliseconds(bits)
    else if (number === 4) value = doubleOf(bits)
    else if (number === 6) value = Number(BigInt.asIntN(64, bits))
  }
  return { attributes: attributesOf(point, 7), timestampMs, value }
}

function histogramPoint(point: Buffer): Point {
  let value = 0
  let count = 0
  let timestampMs = 0
  for (const { number, bits } of fieldsOf(point)) {
    if (number === 3) timestampMs = milliseconds(bits)
    else if (number === 4) count = Number(bits)
    else if (number === 5) value = doubleOf(bits)
  }
  return { attributes: attributesOf(point, 9), timestampMs, value, count }
}

function milliseconds(nanoseconds: bigint): number {
  return Number(nanoseconds / 1_000_000n)
}

/** Keys and values in the fields of that number. */
function attributesOf(message: Buffer, wanted: number): Record<string, string> {
  const attributes: Record<string, string> = {}
  for (const pair of nested(message, wanted)) {
    let key = ''
    let value = ''
    for (const { number, bytes } of fieldsOf(pair)) {
      if (number === 1) key = textOf(bytes)
      else if (number === 2) value = plainValue(bytes)
    }
    // Clients name these: nothing of theirs may reach an object's own machinery.
    if (key !== '__proto__') attributes[key] = value
  }
  return attributes
}

function plainValue(any: Buffer): string {
  for (const { number, bytes, bits } of fieldsOf(any)) {
    if (number === 1) return textOf(bytes)
    if (number === 2) return bits === 0n ? 'false' : 'true'
    if (number === 3) return BigInt.asIntN(64, bits).toString()
    if (number === 4) return String(doubleOf(bits))
  }
  return ''
}
