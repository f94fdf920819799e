import t from 'tap'
import { type ConnectionRateLimits, ConnectionRates } from '../../src/network/connection-rates.ts'
import { ManualClock } from './manual-clock.ts'

const window = { samples: 11, sampleMs: 1000 }
const limits = (more: Partial<ConnectionRateLimits>): ConnectionRateLimits => ({
  window,
  perSecond: Number.POSITIVE_INFINITY,
  ofAddress: () => null,
  ...more,
})

t.test('an address that comes too often is turned away, after a while', async t => {
  const clock = new ManualClock()
  const rates = new ConnectionRates(clock)
  const ten = limits({ ofAddress: address => (address === '10.0.0.1' ? 10 : null) })
  for (let i = 0; i < 100; i++) t.same(rates.admit('10.0.0.1', false, ten), { admitted: true, afterMs: 0 })
  t.same(rates.admit('10.0.0.1', false, ten), { admitted: false, afterMs: 100 })
  t.same(rates.admit('10.0.0.1', false, ten), { admitted: false, afterMs: 100 }, 'who was turned away does not count')
  t.same(rates.admit('10.0.0.2', false, ten), { admitted: true, afterMs: 0 })
  clock.advance(11_000)
  t.same(rates.admit('10.0.0.1', false, ten), { admitted: true, afterMs: 0 })
})

t.test('what exceeds the rate of the broker waits for its turn', async t => {
  const clock = new ManualClock()
  const rates = new ConnectionRates(clock)
  const two = limits({ perSecond: 2 })
  for (let i = 0; i < 20; i++) t.same(rates.admit('10.0.0.1', false, two), { admitted: true, afterMs: 0 })
  t.same(rates.admit('10.0.0.1', false, two), { admitted: true, afterMs: 500 })
  t.same(rates.admit('10.0.0.2', false, two), { admitted: true, afterMs: 1000 })
  t.same(rates.admit('10.0.0.3', true, two), { admitted: true, afterMs: 0 }, 'peers of the cluster do not wait')
})
