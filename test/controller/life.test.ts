import t from 'tap'
import { Errors } from '../../protocol/errors.ts'
import { Life, type LifeEvent, lifeTimes } from '../../src/controller/life.ts'

const times = { ...lifeTimes, intervalMs: 2000, progressMs: 10, retryMs: 100 }
const fenced = { isCaughtUp: true, isFenced: true, shouldShutDown: false }
const unfenced = { ...fenced, isFenced: false }

class Told {
  readonly life = new Life(times)
  nowMs = 0

  /** The event as 'what it sends @ when it wants to look again -> its stage'. */
  tell(event: LifeEvent, afterMs = 0): string {
    this.nowMs += afterMs
    const { send, dueMs } = this.life.step(event, this.nowMs)
    return `${send ?? '-'} @${dueMs ?? '-'} -> ${this.life.stage}`
  }
}

function running(): Told {
  const told = new Told()
  told.tell({ event: 'due' })
  told.tell({ event: 'registered', brokerEpoch: 5 })
  told.tell({ event: 'applied', endOffset: 6 })
  told.tell({ event: 'due' })
  told.tell({ event: 'beaten', ...fenced })
  told.tell({ event: 'ready' })
  told.tell({ event: 'due' })
  told.tell({ event: 'beaten', ...unfenced })
  return told
}

t.test('from registration to the first client', async t => {
  const told = new Told()
  t.equal(told.tell({ event: 'due' }), 'registration @- -> starting')
  t.equal(told.tell({ event: 'due' }), '- @- -> starting', 'one request at a time')
  t.equal(told.tell({ event: 'registered', brokerEpoch: 5 }), '- @10 -> starting')
  t.equal(told.life.brokerEpoch, 5)
  t.equal(told.tell({ event: 'due' }), 'heartbeat @- -> starting')
  t.equal(told.life.wantsFence, true)
  t.equal(told.tell({ event: 'beaten', ...fenced, isCaughtUp: false }), '- @2000 -> starting')
  t.equal(told.tell({ event: 'applied', endOffset: 5 }), '- @- -> starting', 'not its own registration yet')
  t.equal(told.tell({ event: 'applied', endOffset: 6 }), '- @10 -> starting')
  t.equal(told.tell({ event: 'due' }), 'heartbeat @- -> starting')
  t.equal(told.tell({ event: 'beaten', ...fenced }), '- @2000 -> recovering')
  t.equal(told.tell({ event: 'ready' }), '- @10 -> recovering')
  t.equal(told.life.wantsFence, false)
  t.equal(told.tell({ event: 'due' }), 'heartbeat @- -> recovering')
  t.equal(told.tell({ event: 'beaten', ...fenced }), '- @100 -> recovering', 'asks again soon')
  t.equal(told.tell({ event: 'due' }), 'heartbeat @- -> recovering')
  t.equal(told.tell({ event: 'beaten', ...unfenced }), '- @2000 -> running')
})

t.test('ready while a heartbeat is under way: the next follows at once', async t => {
  const told = new Told()
  told.tell({ event: 'due' })
  told.tell({ event: 'registered', brokerEpoch: 0 })
  told.tell({ event: 'due' })
  t.equal(told.tell({ event: 'ready' }), '- @- -> starting')
  t.equal(told.tell({ event: 'beaten', ...fenced }), '- @10 -> recovering')
})

t.test('failures are tried again after a growing pause', async t => {
  const told = new Told()
  told.tell({ event: 'due' })
  t.equal(told.tell({ event: 'unanswered' }), '- @100 -> starting')
  t.equal(told.tell({ event: 'due' }), 'registration @- -> starting')
  t.equal(told.tell({ event: 'refused', errorCode: Errors.DUPLICATE_BROKER_REGISTRATION }), '- @200 -> starting')
  for (let i = 0; i < 6; i++) {
    told.tell({ event: 'due' })
    told.tell({ event: 'unanswered' })
  }
  told.tell({ event: 'due' })
  t.equal(told.tell({ event: 'unanswered' }), '- @2000 -> starting')
})

t.test('a registration that nobody knows any more is made anew, and the broker goes on', async t => {
  for (const errorCode of [Errors.BROKER_ID_NOT_REGISTERED, Errors.STALE_BROKER_EPOCH]) {
    const told = running()
    told.tell({ event: 'due' })
    t.equal(told.tell({ event: 'refused', errorCode }), '- @100 -> starting')
    t.equal(told.tell({ event: 'due' }), 'registration @- -> starting')
    told.tell({ event: 'registered', brokerEpoch: 77 })
    t.equal(told.tell({ event: 'applied', endOffset: 78 }), '- @10 -> starting')
    told.tell({ event: 'due' })
    t.equal(told.life.wantsFence, false)
    t.equal(told.tell({ event: 'beaten', ...unfenced }), '- @10 -> recovering')
    told.tell({ event: 'due' })
    t.equal(told.tell({ event: 'beaten', ...unfenced }), '- @2000 -> running')
    t.equal(told.life.brokerEpoch, 77)
  }
})

t.test('a broker that was fenced behind its back stays, and is unfenced by its next heartbeats', async t => {
  const told = running()
  told.tell({ event: 'due' })
  t.equal(told.tell({ event: 'beaten', ...fenced }), '- @2000 -> running')
  t.equal(told.life.isFenced, true)
  told.tell({ event: 'due' })
  told.tell({ event: 'beaten', ...unfenced })
  t.equal(told.life.isFenced, false)
})

t.test('leaving: until it may go', async t => {
  const told = running()
  t.equal(told.tell({ event: 'leave' }), '- @10 -> leaving')
  t.equal(told.tell({ event: 'due' }), 'heartbeat @- -> leaving')
  t.equal(told.life.wantsShutDown, true)
  t.equal(told.tell({ event: 'beaten', ...unfenced }), '- @100 -> leaving')
  told.tell({ event: 'due' })
  t.equal(told.tell({ event: 'beaten', ...unfenced, shouldShutDown: true }), '- @- -> gone')
  t.equal(told.tell({ event: 'due' }), '- @- -> gone')
})

t.test('leaving ends when nobody answers, when the controller does not know the broker, or after its time', async t => {
  const alone = running()
  alone.tell({ event: 'leave' })
  alone.tell({ event: 'due' })
  t.equal(alone.tell({ event: 'unanswered' }, 2000), '- @100 -> leaving')
  t.equal(alone.tell({ event: 'due' }, 1000), '- @- -> gone')

  const waiting = running()
  waiting.tell({ event: 'due' })
  t.equal(waiting.tell({ event: 'leave' }), '- @3000 -> leaving', 'a heartbeat is under way')
  t.equal(waiting.tell({ event: 'due' }, 3000), '- @- -> gone')

  const unknown = running()
  unknown.tell({ event: 'leave' })
  unknown.tell({ event: 'due' })
  t.equal(unknown.tell({ event: 'refused', errorCode: Errors.STALE_BROKER_EPOCH }), '- @- -> gone')

  const long = running()
  long.tell({ event: 'leave' })
  for (let passedMs = 0; passedMs < times.leaveMs; passedMs += 2000) {
    t.equal(long.life.stage, 'leaving')
    long.tell({ event: 'due' }, 1000)
    long.tell({ event: 'beaten', ...unfenced }, 1000)
  }
  t.equal(long.tell({ event: 'due' }), '- @- -> gone')
})

t.test('who leads nothing leaves at once', async t => {
  const told = new Told()
  told.tell({ event: 'due' })
  t.equal(told.tell({ event: 'leave' }), '- @- -> gone')
})
