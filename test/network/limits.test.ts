import t from 'tap'
import { networkLimits, networkLimitsOf } from '../../src/network/limits.ts'

const defaults = {
  socketRequestMaxBytes: 104_857_600,
  connectionsMaxIdleMs: 600_000,
  queuedMaxRequestBytes: -1,
  maxConnections: 2 ** 31 - 1,
  maxConnectionsPerIp: 2 ** 31 - 1,
  maxConnectionsPerIpOverrides: '',
  socketListenBacklogSize: 50,
}

t.test('the defaults of Kafka leave every limit finite', async t => {
  const limits = networkLimitsOf(defaults)
  t.same(limits, networkLimits)
  for (const value of Object.values(limits)) if (typeof value === 'number') t.ok(Number.isFinite(value))
})

t.test('settings move the limits', async t => {
  const limits = networkLimitsOf({
    ...defaults,
    socketRequestMaxBytes: 1000,
    connectionsMaxIdleMs: -1,
    queuedMaxRequestBytes: 5000,
    socketListenBacklogSize: 4096,
    maxConnections: 7,
    maxConnectionsPerIp: 3,
    maxConnectionsPerIpOverrides: '10.0.0.1:5, ::1:6,nonsense',
  })
  t.match(limits, {
    frameBytesMax: 1000,
    idleMs: Number.POSITIVE_INFINITY,
    totalBytesMax: 5000,
    listenerBytesMax: 5000,
    backlog: 4096,
    connectionsMax: 7,
    connectionsPerIpMax: 3,
  })
  t.same(
    [...limits.connectionsPerIpOverrides],
    [
      ['10.0.0.1', 5],
      ['::1', 6],
    ],
  )
})
