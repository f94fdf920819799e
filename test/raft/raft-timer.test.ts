import t from 'tap'
import type { Cancel, Clock } from '../../src/host/host.ts'
import { RaftTimer } from '../../src/raft/raft-timer.ts'

/** Timers run when the test says so, as late as the test likes. */
class LateClock implements Clock {
  nowMs = 1000
  timers: { atMs: number; run: () => void }[] = []
  #soon: (() => void)[] = []

  now(): number {
    return this.nowMs
  }

  monotonic(): number {
    return this.nowMs
  }

  after(delayMs: number, run: () => void): Cancel {
    const timer = { atMs: this.nowMs + delayMs, run }
    this.timers.push(timer)
    return () => {
      this.timers = this.timers.filter(other => other !== timer)
    }
  }

  soon(run: () => void): void {
    this.#soon.push(run)
  }

  /** The phase of an event loop in which timers run. */
  runTimers(): void {
    const due = this.timers.filter(({ atMs }) => atMs <= this.nowMs)
    this.timers = this.timers.filter(timer => !due.includes(timer))
    for (const { run } of due) run()
  }

  /** The phase after input was read. */
  runSoon(): void {
    for (const run of this.#soon.splice(0)) run()
  }
}

const limits = { pauseMs: 100, graceMs: 500, pausesInRowMax: 3 }

t.test('what has arrived is read before anything is overdue', async t => {
  const clock = new LateClock()
  let ran = 0
  const timer = new RaftTimer(clock, limits, () => ran++)
  timer.set(1200)
  clock.nowMs = 1230
  clock.runTimers()
  t.equal(ran, 0, 'input comes between timers and what they decide')
  timer.set(2000)
  clock.runSoon()
  t.equal(ran, 0, 'news have moved the deadline')
  clock.nowMs = 2001
  clock.runTimers()
  clock.runSoon()
  t.equal(ran, 1)
})

t.test('a pause does not count, whoever notices it first', async t => {
  for (const first of ['a timer', 'input'] as const) {
    const clock = new LateClock()
    let ran = 0
    const timer = new RaftTimer(clock, limits, () => ran++)
    timer.set(1200)
    clock.nowMs = 9000
    if (first === 'a timer') clock.runTimers()
    t.equal(timer.now(), 700, `${first}: half a second is left`)
    clock.runTimers()
    clock.runSoon()
    t.equal(ran, 0)
    clock.nowMs = 9500
    clock.runTimers()
    clock.runSoon()
    t.equal(ran, 1)
    t.equal(timer.now(), 1200)
  }
})

t.test('a process that is always late goes on all the same', async t => {
  const clock = new LateClock()
  let ran = 0
  const timer = new RaftTimer(clock, limits, () => ran++)
  timer.set(1200)
  for (let round = 0; round < 4; round++) {
    clock.nowMs += 5000
    clock.runTimers()
    clock.runSoon()
  }
  t.equal(ran, 1)
})

t.test('nothing runs that was cleared', async t => {
  const clock = new LateClock()
  const timer = new RaftTimer(clock, limits, () => t.fail('it ran'))
  timer.set(1100)
  clock.nowMs = 1101
  clock.runTimers()
  timer.clear()
  clock.runSoon()
  timer.set(Number.POSITIVE_INFINITY)
  t.equal(clock.timers.length, 0)
})
