/** Writes OpenTelemetry's MetricsData, as much of it as clients use. */
function varint(value: number): Buffer {
  const bytes: number[] = []
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) {
      bytes.push(rest)
      return Buffer.from(bytes)
    }
    bytes.push((rest % 128) + 128)
  }
}

export function field(number: number, bytes: Buffer): Buffer {
  return Buffer.concat([varint(number * 8 + 2), varint(bytes.length), bytes])
}

function fixed64(number: number, bits: bigint): Buffer {
  const value = Buffer.alloc(8)
  value.writeBigUInt64LE(BigInt.asUintN(64, bits))
  return Buffer.concat([varint(number * 8 + 1), value])
}

function double(number: number, value: number): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeDoubleLE(value)
  return Buffer.concat([varint(number * 8 + 1), bytes])
}

const text = (number: number, value: string) => field(number, Buffer.from(value))
const attribute = (number: number, key: string, value: string) =>
  field(number, Buffer.concat([text(1, key), field(2, text(1, value))]))

/** One gauge with an attribute, one delta sum of whole numbers, one histogram. */
export function metricsData(gaugeValue: number, sumValue: number): Buffer {
  const time = fixed64(3, 1_700_000_000_000_000_000n)
  const gaugePoint = Buffer.concat([time, double(4, gaugeValue), attribute(7, 'node', '1')])
  const gauge = Buffer.concat([text(1, 'org.apache.kafka.producer.latency'), field(5, field(1, gaugePoint))])
  const sumPoint = Buffer.concat([time, fixed64(6, BigInt(sumValue))])
  const sum = Buffer.concat([
    text(1, 'org.apache.kafka.producer.records'),
    field(7, Buffer.concat([field(1, sumPoint), varint(2 * 8), varint(1)])),
  ])
  const histogramPoint = Buffer.concat([time, fixed64(4, 3n), double(5, 7.5)])
  const histogram = Buffer.concat([text(1, 'h'), field(9, Buffer.concat([field(1, histogramPoint)]))])
  const scope = Buffer.concat([field(2, gauge), field(2, sum), field(2, histogram)])
  const resource = attribute(1, 'client_rack', 'r1')
  return field(1, Buffer.concat([field(1, resource), field(2, scope)]))
}
