/** One end of a simulated TCP connection: what its process writes and reads, and what the machines below do with it. */
import { Duplex } from 'node:stream'
import type { Fabric } from './network.ts'

/** What stands between the world and a process: see ProcessClock. */
export interface Gate {
  readonly alive: boolean
  enter(run: () => void): void
}

/** Names of machines. */
export interface Route {
  readonly from: string
  readonly to: string
}

export interface EndOptions {
  readonly giveUpMs: number
  readonly windowBytes: number
  readonly allowHalfOpen: boolean
}

type Segment = Buffer | 'end'

interface Waiting {
  readonly bytes: Buffer
  readonly done: (error?: Error | null) => void
}

const retransmitMaxMs = 400
/** One piece in so many arrives in two. */
const splitOneIn = 8

export class End extends Duplex {
  peer: End | null = null
  readonly route: Route
  readonly #fabric: Fabric
  readonly #gate: Gate
  readonly #options: EndOptions
  /** Sent, and not arrived because the way is cut: in order, since when. */
  readonly #lost: Segment[] = []
  #lostSinceMs = -1
  /** Arrived at this end's machine, not yet read by the process. */
  readonly #inbox: Segment[] = []
  #inboxBytes = 0
  #reading = false
  /** Sent by this end and not yet read at the other. */
  #outBytes = 0
  #waiting: Waiting | null = null
  #lastArrivalMs = 0
  stalledUntilMs = 0
  /** Nobody is at this end any more: what comes is answered with a reset, or by nothing when the machine is dark. */
  #deserted = false

  constructor(fabric: Fabric, route: Route, gate: Gate, options: EndOptions) {
    super({ allowHalfOpen: options.allowHalfOpen })
    this.#fabric = fabric
    this.route = route
    this.#gate = gate
    this.#options = options
  }

  override _read(): void {
    this.#reading = true
    this.#deliver()
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#waiting = { bytes: chunk, done }
    this.#pass()
  }

  override _writev(chunks: { chunk: Buffer }[], done: (error?: Error | null) => void): void {
    this.#waiting = { bytes: Buffer.concat(chunks.map(({ chunk }) => chunk)), done }
    this.#pass()
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#send('end')
    done()
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#waiting = null
    this.abandon()
    done(error)
  }

  /** The process let go of it, or died: the machine ends the connection. */
  abandon(): void {
    if (this.#deserted) return
    this.#deserted = true
    // Unread bytes make it a reset, which may overtake what was sent before; else what was sent still arrives.
    if (this.#inboxBytes > 0) this.#resetPeer()
    else if (!this.writableFinished) this.#send('end')
    this.#inbox.length = 0
    if (this.#lost.length === 0) this.#fabric.forget(this)
  }

  /** The machine died. */
  vanish(): void {
    this.#deserted = true
    this.#lost.length = 0
    this.#fabric.forget(this)
  }

  /** Both ends are told that the connection was reset. */
  reset(): void {
    this.#lost.length = 0
    this.#resetPeer()
    this.#fail('ECONNRESET')
  }

  /** The way is open again, or so it seems: what was lost is sent once more. */
  retransmit(): void {
    if (this.#lost.length === 0) return
    const afterMs = this.#fabric.random.below(retransmitMaxMs)
    this.#fabric.clock.after(afterMs, () => this.#retry())
  }

  #retry(): void {
    while (this.#lost.length > 0 && !this.#blocked) {
      const segment = this.#lost.shift()!
      this.#arrive(segment)
    }
    if (this.#lost.length === 0) {
      this.#lostSinceMs = -1
      if (this.#deserted) this.#fabric.forget(this)
    }
  }

  get #blocked(): boolean {
    const { from, to } = this.route
    return this.#fabric.isCut(from, to) || this.#fabric.isDark(to)
  }

  /** Hands on what the process wrote, as far as the window allows. */
  #pass(): void {
    const waiting = this.#waiting
    if (!waiting || (this.#outBytes > 0 && this.#outBytes + waiting.bytes.length > this.#options.windowBytes)) return
    this.#waiting = null
    const { bytes, done } = waiting
    this.#outBytes += bytes.length
    // The bytes are the sender's again once it is told that they are written.
    const copy = Buffer.from(bytes)
    if (copy.length > 1 && this.#fabric.random.oneIn(splitOneIn)) {
      const at = 1 + this.#fabric.random.below(copy.length - 1)
      this.#send(copy.subarray(0, at))
      this.#send(copy.subarray(at))
    } else this.#send(copy)
    done()
  }

  #send(segment: Segment): void {
    const { clock } = this.#fabric
    const now = clock.monotonic()
    const atMs = Math.max(this.#lastArrivalMs, this.stalledUntilMs, now + this.#fabric.delayMs())
    this.#lastArrivalMs = atMs
    clock.after(atMs - now, () => {
      if (this.#lost.length === 0 && !this.#blocked && clock.monotonic() >= this.stalledUntilMs) this.#arrive(segment)
      else this.#lose(segment)
    })
  }

  #lose(segment: Segment): void {
    const { clock } = this.#fabric
    this.#lost.push(segment)
    if (this.#lostSinceMs >= 0) return
    const sinceMs = clock.monotonic()
    this.#lostSinceMs = sinceMs
    const stallMs = this.stalledUntilMs - sinceMs
    if (stallMs > 0) clock.after(stallMs, () => this.#retry())
    clock.after(this.#options.giveUpMs, () => {
      if (this.#lostSinceMs !== sinceMs) return
      this.#lost.length = 0
      this.#fail('ETIMEDOUT')
    })
    this.#probe()
  }

  /** A machine that sends again and again notices that the other one is back, whoever healed what. */
  #probe(): void {
    this.#fabric.clock.after(1000, () => {
      if (this.#lost.length === 0) return
      this.#retry()
      this.#probe()
    })
  }

  /** `segment` of this end reaches the machine of the other one. */
  #arrive(segment: Segment): void {
    const peer = this.peer!
    this.#fabric.arrived(segment === 'end' ? 0 : segment.length)
    if (peer.#deserted) {
      if (segment !== 'end') this.#refused()
      return
    }
    peer.#inbox.push(segment)
    if (segment !== 'end') peer.#inboxBytes += segment.length
    peer.#gate.enter(() => peer.#deliver())
  }

  /** The other machine knows nothing of this connection any more. */
  #refused(): void {
    const { from, to } = this.route
    const { clock } = this.#fabric
    clock.after(this.#fabric.delayMs(), () => {
      if (!this.#fabric.isCut(to, from)) this.#fail('ECONNRESET')
    })
  }

  #resetPeer(): void {
    const { from, to } = this.route
    const peer = this.peer!
    this.#fabric.clock.after(this.#fabric.delayMs(), () => {
      if (!this.#fabric.isCut(from, to) && !this.#fabric.isDark(to)) peer.#fail('ECONNRESET')
    })
  }

  #fail(code: string): void {
    if (this.#deserted) {
      this.#fabric.forget(this)
      return
    }
    this.#gate.enter(() => {
      if (this.#deserted || this.destroyed) return
      this.#deserted = true
      this.#fabric.forget(this)
      this.destroy(Object.assign(new Error(code), { code }))
    })
  }

  /** To the process, as much as it takes. */
  #deliver(): void {
    while (this.#reading && this.#inbox.length > 0 && !this.destroyed) {
      const segment = this.#inbox.shift()!
      if (segment === 'end') {
        this.push(null)
        return
      }
      this.#inboxBytes -= segment.length
      this.peer!.#acknowledged(segment.length)
      this.#reading = this.push(segment)
    }
  }

  /** The other end has read so much: there is room again. */
  #acknowledged(bytes: number): void {
    this.#outBytes -= bytes
    if (this.#waiting) this.#fabric.clock.after(this.#fabric.delayMs(), () => this.#gate.enter(() => this.#pass()))
  }
}
