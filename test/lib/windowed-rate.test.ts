import t from 'tap'
import { WindowedRate } from '../../src/lib/windowed-rate.ts'

const window = { samples: 11, sampleMs: 1000 }

t.test('the window counts as almost full from the start', async t => {
  const rate = new WindowedRate(window)
  t.equal(rate.windowMs(0), 10_000)
  rate.record(1000, 0)
  t.equal(rate.perSecond(0), 100)
  t.equal(rate.windowMs(500), 10_500)
  t.equal(rate.windowMs(1000), 10_000, 'one sample is full, nine more are taken as full')
  t.equal(rate.windowMs(10_400), 10_400)
})

t.test('samples leave the window', async t => {
  const rate = new WindowedRate(window)
  rate.record(500, 0)
  rate.record(500, 5000)
  t.equal(rate.perSecond(10_000), 100)
  t.equal(rate.perSecond(11_000), 50, 'the second sample over ten seconds')
  t.notOk(rate.isIdle(15_999))
  t.ok(rate.isIdle(16_000))
  t.equal(rate.perSecond(16_000), 0)
})

t.test('what is taken back does not count', async t => {
  const rate = new WindowedRate(window)
  rate.record(500, 0)
  rate.record(-500, 0)
  t.equal(rate.perSecond(0), 0)
})
