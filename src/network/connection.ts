/**
 * One client's connection: frames in, answers out, in the order of the requests.
 *
 * A request keeps the next one waiting until it is answered or says that its order is settled (`Turn.release`), which
 * lets a pipelining producer have several appends in one sync. Answers wait for those before them. Pressure goes both
 * ways: the socket is not read while a request is in work and enough has arrived ahead of it, while unsent answers pile
 * up, or while the byte budget is spent.
 */
import type { Duplex } from 'node:stream'
import { FrameAssembler, FrameError } from '../../protocol/frame.ts'
import type { Cancel, Clock, Logger } from '../host/host.ts'
import { AssertionError } from '../lib/assert.ts'
import type { ByteBudget, Spender } from './byte-budget.ts'
import type { NetworkLimits } from './limits.ts'
import { CloseConnection, type Peer } from './peer.ts'

/** The bytes of one answer, size prefix included; null when the request gets none. */
export type Answer = readonly Uint8Array[] | null

/** A request's place in the order of answers. */
export interface Turn {
  /** The next request of the connection may start although this one is not answered yet. */
  release(): void
  /** Runs when the bytes of the answer have left this process, and may change again; never when they don't. */
  whenSent(run: () => void): void
  /** No further request of the connection starts for so long; answers leave all the same (KIP-219). */
  throttle(throttleMs: number): void
}

/**
 * Serves one frame. `frame` (without its size prefix) may be kept until the answer is there. Throwing closes the
 * connection once the answers before it are sent.
 */
export type Serve = (frame: Buffer, peer: Peer, turn: Turn) => Answer | Promise<Answer>

/** What connections share. */
export interface ConnectionSetting {
  readonly limits: NetworkLimits
  readonly clock: Clock
  readonly log: Logger
  readonly budget: ByteBudget
  readonly serve: Serve
  /** The stream is gone; called once. */
  readonly closed: (connection: Connection) => void
  /** The client broke the protocol; `firstBytes` opened the connection. */
  readonly violated: (connection: Connection, reason: string, firstBytes: number) => void
}

class Place implements Turn {
  readonly frameBytes: number
  readonly #connection: Connection
  released = false
  answered = false
  answer: Answer = null
  closeReason: string | null = null
  sent: (() => void) | null = null

  constructor(connection: Connection, frameBytes: number) {
    this.#connection = connection
    this.frameBytes = frameBytes
  }

  release(): void {
    if (this.released) return
    this.released = true
    this.#connection.released()
  }

  whenSent(run: () => void): void {
    const before = this.sent
    this.sent = before
      ? () => {
          before()
          run()
        }
      : run
  }

  throttle(throttleMs: number): void {
    this.#connection.throttle(throttleMs)
  }
}

const frameSizeBytes = 4
const noFrame = Buffer.alloc(0)
/** After this many the queue of frames is cut at its front. */
const framesTakenMax = 1024

export class Connection implements Spender {
  readonly peer: Peer
  readonly #stream: Duplex
  readonly #setting: ConnectionSetting
  readonly #assembler: FrameAssembler
  /** Whole frames that have not started yet, from `#nextFrame` on, and their bytes. */
  #frames: Buffer[] = []
  #nextFrame = 0
  #framesBytes = 0
  /** What arrived after the frames was no frame. */
  #broken: Error | null = null
  /** Requests without a sent answer, in order. */
  readonly #places: Place[] = []
  #placesBytes = 0
  /** Bytes counted in the budget: received, and not yet answered. */
  #held = 0
  /** A request is in work that the next has to wait for. */
  #muted = false
  /** Until when a quota lets no further request start, -1 without one. */
  #throttledUntilMs = -1
  #cancelThrottle: Cancel = () => {}
  #pumping = false
  #paused = false
  /** No further request starts; the connection ends when the answers are out. */
  #lastRequestSeen = false
  #peerEnded = false
  #draining = false
  #closing = false
  #gone = false
  readonly #outbox: Uint8Array[] = []
  /** Chunks given to the stream so far. */
  #chunksWritten = 0
  /** What runs when the chunk of that number (from 1) has left; in order. */
  readonly #whenSent: { readonly chunk: number; readonly run: () => void }[] = []
  #outboxBytes = 0
  #outputBlocked = false
  #flushPlanned = false
  #firstBytes = 0
  #activeMs: number
  /** When the frame that is arriving began, -1 without one. */
  #frameStartedMs = -1
  #outputProgressMs: number

  constructor(stream: Duplex, peer: Peer, setting: ConnectionSetting) {
    this.peer = peer
    this.#stream = stream
    this.#setting = setting
    this.#assembler = new FrameAssembler(setting.limits.frameBytesMax)
    this.#activeMs = setting.clock.monotonic()
    this.#outputProgressMs = this.#activeMs
    stream.on('data', (chunk: Buffer) => this.#received(chunk))
    stream.on('end', () => this.#ended())
    stream.on('drain', () => this.#drained())
    stream.on('error', (error: Error) =>
      this.#setting.log.debug({ ...this.#names, error: error.message }, 'socket failed'),
    )
    stream.on('close', () => this.#disappeared())
  }

  /** Requests that wait for their answer. */
  get inFlight(): number {
    return this.#places.length
  }

  /** When it last received or sent something, monotonic milliseconds. */
  get activeMs(): number {
    return this.#activeMs
  }

  /** Looks at the deadlines. */
  sweep(nowMs: number): void {
    const { frameDeadlineMs, frameBytesPerSecondMin, writeTimeoutMs, idleMs } = this.#setting.limits
    if (this.#frameStartedMs >= 0) {
      const allowedMs = frameDeadlineMs + (this.#assembler.pendingBytes / frameBytesPerSecondMin) * 1000
      if (nowMs - this.#frameStartedMs > allowedMs) {
        this.#violate('frame too slow')
        return
      }
    }
    if (this.#unsentBytes > 0) {
      if (nowMs - this.#outputProgressMs > writeTimeoutMs) this.destroy('client does not read')
    } else if (this.#places.length === 0 && !this.#paused && !this.#throttled && nowMs - this.#activeMs > idleMs) {
      this.destroy('idle')
    }
  }

  /** Starts no further request and closes once those in work are answered. */
  drain(): void {
    this.#draining = true
    this.#regulate()
  }

  /** Called by a place. */
  throttle(throttleMs: number): void {
    const { clock } = this.#setting
    const untilMs = clock.monotonic() + throttleMs
    if (this.#gone || throttleMs <= 0 || untilMs <= this.#throttledUntilMs) return
    this.#cancelThrottle()
    this.#throttledUntilMs = untilMs
    this.#cancelThrottle = clock.after(throttleMs, () => {
      this.#throttledUntilMs = -1
      this.#pump()
    })
  }

  /** Closes now, whatever is in work. */
  destroy(reason: string): void {
    if (this.#gone) return
    this.#closing = true
    this.#setting.log.debug({ ...this.#names, reason }, 'connection closed')
    this.#stream.destroy()
  }

  budgetFreed(): void {
    this.#regulate()
  }

  /** Called by a place. */
  released(): void {
    this.#muted = false
    this.#pump()
  }

  get #names(): { connection: number; listener: string; client: string } {
    const { connectionId, listener, remoteAddress, remotePort } = this.peer
    return { connection: connectionId, listener: listener.name, client: `${remoteAddress}:${remotePort}` }
  }

  get #unsentBytes(): number {
    return this.#outboxBytes + this.#stream.writableLength
  }

  get #throttled(): boolean {
    return this.#throttledUntilMs >= 0
  }

  get #mayStart(): boolean {
    if (this.#muted || this.#throttled || this.#lastRequestSeen || this.#draining || this.#closing) return false
    const { requestsInFlightMax, requestBytesInFlightMax, outputBytesMax } = this.#setting.limits
    return (
      this.#places.length < requestsInFlightMax &&
      this.#placesBytes < requestBytesInFlightMax &&
      this.#unsentBytes < outputBytesMax
    )
  }

  #received(chunk: Buffer): void {
    if (this.#closing) return
    const { budget, clock } = this.#setting
    this.#activeMs = clock.monotonic()
    if (this.#firstBytes === 0 && chunk.length >= 4) this.#firstBytes = chunk.readUInt32BE(0)
    this.#held += chunk.length
    budget.take(chunk.length)
    this.#assemble(chunk)
    this.#pump()
  }

  #assemble(chunk: Buffer): void {
    if (this.#broken) return
    let frames: Buffer[] = []
    try {
      frames = this.#assembler.push(chunk)
    } catch (error) {
      if (!(error instanceof FrameError)) throw error
    }
    this.#broken = this.#assembler.failure
    if (frames.length === 0) return
    this.#frameStartedMs = -1
    for (const frame of frames) this.#framesBytes += frame.length
    if (this.#nextFrame === this.#frames.length) {
      this.#frames = frames
      this.#nextFrame = 0
    } else for (const frame of frames) this.#frames.push(frame)
  }

  /** Starts what may start. Not re-entrant: a release inside just lets the loop go on. */
  #pump(): void {
    if (this.#pumping) return
    this.#pumping = true
    while (this.#mayStart) {
      const frame = this.#takeFrame()
      if (frame !== null) this.#start(frame)
      else if (this.#broken) this.#failed(this.#newPlace(0), this.#broken)
      else break
    }
    this.#pumping = false
    if (this.#outbox.length > 0) this.#flush()
    this.#regulate()
  }

  #takeFrame(): Buffer | null {
    if (this.#nextFrame === this.#frames.length) return null
    const frame = this.#frames[this.#nextFrame]
    // The queue may never be empty under load: it must not keep what it has given away.
    this.#frames[this.#nextFrame] = noFrame
    this.#nextFrame += 1
    this.#framesBytes -= frame.length
    if (this.#nextFrame === this.#frames.length || this.#nextFrame === framesTakenMax) {
      this.#frames = this.#frames.slice(this.#nextFrame)
      this.#nextFrame = 0
    }
    return frame
  }

  #newPlace(frameBytes: number): Place {
    const place = new Place(this, frameBytes)
    this.#places.push(place)
    this.#placesBytes += frameBytes
    return place
  }

  #start(frame: Buffer): void {
    const place = this.#newPlace(frame.length + frameSizeBytes)
    this.#muted = true
    let answer: Answer | Promise<Answer>
    try {
      answer = this.#setting.serve(frame, this.peer, place)
    } catch (error) {
      this.#failed(place, error)
      return
    }
    if (answer instanceof Promise) {
      answer.then(
        chunks => this.#answered(place, chunks),
        error => this.#failed(place, error),
      )
    } else this.#answered(place, answer)
  }

  #answered(place: Place, answer: Answer): void {
    place.answered = true
    place.answer = answer
    if (!place.released) {
      place.released = true
      this.#muted = false
    }
    if (this.#gone) return
    this.#settle()
    this.#pump()
  }

  /** No answer: the connection ends where this one would have been. */
  #failed(place: Place, error: unknown): void {
    if (error instanceof AssertionError) throw error
    const reason = error instanceof Error ? error.message : String(error)
    if (!(error instanceof CloseConnection)) this.#setting.log.debug({ ...this.#names, reason }, 'request refused')
    place.closeReason = reason
    this.#lastRequestSeen = true
    this.#answered(place, null)
  }

  /** Moves the answers whose turn has come to the outbox. */
  #settle(): void {
    let bytes = 0
    while (this.#places.length > 0 && this.#places[0].answered && !this.#closing) {
      const place = this.#places[0]
      this.#places.shift()
      bytes += place.frameBytes
      if (place.closeReason !== null) this.#violate(place.closeReason)
      else if (place.answer !== null) this.#post(place.answer, place.sent)
    }
    this.#placesBytes -= bytes
    this.#release(bytes)
    // Others of this connection are about to be answered, often in this very turn of the event loop: write them together.
    if (this.#outbox.length > 0 && this.#places.length > 0 && !this.#pumping && !this.#flushPlanned) {
      this.#flushPlanned = true
      this.#setting.clock.soon(() => {
        this.#flushPlanned = false
        this.#flush()
        this.#pump()
      })
    }
  }

  #post(answer: readonly Uint8Array[], sent: (() => void) | null): void {
    const { writeWindowBytes } = this.#setting.limits
    for (const chunk of answer) {
      this.#outboxBytes += chunk.length
      if (chunk.length <= writeWindowBytes) this.#outbox.push(chunk)
      else {
        for (let at = 0; at < chunk.length; at += writeWindowBytes)
          this.#outbox.push(chunk.subarray(at, at + writeWindowBytes))
      }
    }
    if (sent !== null) this.#whenSent.push({ chunk: this.#chunksWritten + this.#outbox.length, run: sent })
  }

  #flush(): void {
    if (this.#gone || this.#outputBlocked || (this.#flushPlanned && this.#places.length > 0)) return
    const { limits, clock } = this.#setting
    const stream = this.#stream
    // A stream that never was above its own mark would not tell when it has drained.
    const window = Math.max(limits.writeWindowBytes, stream.writableHighWaterMark)
    if (this.#outbox.length > 0) {
      if (stream.writableLength === 0) this.#outputProgressMs = this.#activeMs = clock.monotonic()
      stream.cork()
      let count = 0
      while (count < this.#outbox.length && stream.writableLength < window) {
        const chunk = this.#outbox[count]
        this.#outboxBytes -= chunk.length
        count += 1
        this.#write(chunk, this.#chunksWritten + count)
      }
      this.#outbox.splice(0, count)
      this.#chunksWritten += count
      stream.uncork()
      this.#outputBlocked = this.#outbox.length > 0 && stream.writableNeedDrain
    }
    if (this.#closing && this.#outbox.length === 0) stream.end(() => stream.destroy())
  }

  #write(chunk: Uint8Array, number: number): void {
    if (this.#whenSent[0]?.chunk !== number) {
      this.#stream.write(chunk)
      return
    }
    const sent = this.#whenSent.shift()
    this.#stream.write(chunk, error => {
      if (!error && !this.#stream.destroyed) sent?.run()
    })
  }

  #drained(): void {
    this.#outputBlocked = false
    this.#outputProgressMs = this.#activeMs = this.#setting.clock.monotonic()
    this.#flush()
    this.#pump()
  }

  #ended(): void {
    this.#peerEnded = true
    this.#pump()
  }

  #disappeared(): void {
    if (this.#gone) return
    this.#gone = true
    this.#closing = true
    this.#cancelThrottle()
    this.#outbox.length = 0
    this.#whenSent.length = 0
    this.#outboxBytes = 0
    this.#release(this.#held)
    this.#setting.budget.passOn(this)
    this.#setting.closed(this)
  }

  #release(bytes: number): void {
    const given = Math.min(bytes, this.#held)
    if (given === 0) return
    this.#held -= given
    this.#setting.budget.give(given)
  }

  #violate(reason: string): void {
    if (this.#closing) return
    this.#setting.violated(this, reason, this.#firstBytes)
    this.#close()
  }

  /** Sends what is posted, then ends. */
  #close(): void {
    if (this.#closing) return
    this.#closing = true
    this.#frameStartedMs = -1
    this.#flushPlanned = false
    this.#pause()
    this.#flush()
  }

  /** Reads or does not read, as things now stand; ends the connection when nothing is left to do. */
  #regulate(): void {
    if (this.#closing) return
    // A client that has gone after its last request is served all the same, when its time comes.
    const waits = this.#throttled && !this.#draining && (this.#framesBytes > 0 || this.#broken !== null)
    const finished = this.#places.length === 0 && this.#outbox.length === 0 && !waits
    if (finished && (this.#draining || this.#lastRequestSeen || this.#peerEnded)) {
      this.#close()
      return
    }
    const { budget, limits, clock } = this.#setting
    const { pendingBytes } = this.#assembler
    const waitsForBytes = this.#mayStart
    const amidFrame = waitsForBytes && pendingBytes > 0
    if (!amidFrame) budget.passOn(this)
    const isAhead = this.#framesBytes + pendingBytes >= limits.readAheadBytesMax
    const wanted = waitsForBytes || !(isAhead || this.#draining || this.#lastRequestSeen || this.#broken)
    if (wanted && budget.mayRead(this, amidFrame)) {
      this.#resume()
      if (!amidFrame) this.#frameStartedMs = -1
      else if (this.#frameStartedMs < 0) this.#frameStartedMs = clock.monotonic()
    } else {
      this.#pause()
      this.#frameStartedMs = -1
    }
  }

  #pause(): void {
    if (this.#paused) return
    this.#paused = true
    this.#stream.pause()
  }

  #resume(): void {
    if (!this.#paused) return
    this.#paused = false
    this.#stream.resume()
  }
}
