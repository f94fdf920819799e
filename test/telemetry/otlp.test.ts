import fc from 'fast-check'
import t from 'tap'
import { decodeMetrics } from '../../src/telemetry/otlp.ts'
import { ProtobufError } from '../../src/telemetry/protobuf.ts'
import { field, metricsData } from './metrics-data.ts'

t.test('gauges, sums and histograms', async t => {
  t.same(decodeMetrics(metricsData(1.5, -3)), {
    resource: { client_rack: 'r1' },
    metrics: [
      {
        name: 'org.apache.kafka.producer.latency',
        kind: 'gauge',
        attributes: { node: '1' },
        timestampMs: 1_700_000_000_000,
        value: 1.5,
      },
      {
        name: 'org.apache.kafka.producer.records',
        kind: 'delta',
        attributes: {},
        timestampMs: 1_700_000_000_000,
        value: -3,
      },
      { name: 'h', kind: 'cumulative', attributes: {}, timestampMs: 1_700_000_000_000, value: 7.5, count: 3 },
    ],
  })
  t.same(decodeMetrics(Buffer.alloc(0)), { resource: {}, metrics: [] })
})

t.test('a name that means something to JavaScript is left out', async t => {
  const pair = Buffer.concat([field(1, Buffer.from('__proto__')), field(2, field(1, Buffer.from('x')))])
  t.same(decodeMetrics(field(1, field(1, field(1, pair)))), { resource: {}, metrics: [] })
})

t.test('whatever else comes is refused or read, never more', async t => {
  const whole = metricsData(1, 2)
  for (let length = 1; length < whole.length; length++) {
    t.throws(() => decodeMetrics(whole.subarray(0, length)), ProtobufError, `cut at ${length}`)
  }
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), bytes => {
      try {
        decodeMetrics(Buffer.from(bytes))
      } catch (error) {
        if (!(error instanceof ProtobufError)) throw error
      }
    }),
    { numRuns: 2000 },
  )
})
