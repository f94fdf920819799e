/**
 * Watches the free space of one log directory, so that appends of clients are refused while there is still room for
 * checkpoints, metadata and deletes, and accepted again, without a restart, when retention or a person made room.
 */
import type { Cancel, Host } from '../host/host.ts'
import type { LogLimits } from './limits.ts'

export class SpaceGuard {
  readonly #host: Host
  readonly #limits: LogLimits
  readonly #path: string
  #freeBytes = Number.POSITIVE_INFINITY
  /** Appended since the last measurement. */
  #sinceBytes = 0
  /** Logs whose last write found the disk full. */
  #stalled = 0
  #measuring = false
  #timer: Cancel | null = null
  #closed = false
  #refused = false

  constructor(host: Host, limits: LogLimits, path: string) {
    this.#host = host
    this.#limits = limits
    this.#path = path
  }

  /** False while an append of a client must be refused. `bytes` count against what was measured last. */
  admits(bytes: number): boolean {
    if (this.#timer === null && !this.#measuring) this.#schedule()
    const admitted = this.#stalled === 0 && this.#freeBytes - this.#sinceBytes - bytes >= this.#limits.reservedFreeBytes
    if (admitted) this.#sinceBytes += bytes
    if (admitted === this.#refused) this.#report(!admitted)
    return admitted
  }

  /** A write found the disk full, or its retry begins. */
  stalled(full: boolean): void {
    this.#stalled += full ? 1 : -1
  }

  /** Measures now. Never fails: without a measurement the last one stands. */
  async measure(): Promise<void> {
    if (this.#measuring) return
    this.#measuring = true
    try {
      const { freeBytes } = await this.#host.disk.space(this.#path)
      this.#freeBytes = freeBytes
      this.#sinceBytes = 0
    } catch (error) {
      this.#host.log.debug({ err: error, path: this.#path }, 'free space is unknown')
    } finally {
      this.#measuring = false
    }
  }

  close(): void {
    this.#closed = true
    this.#timer?.()
    this.#timer = null
  }

  /** One measurement after activity; an idle directory is not measured. */
  #schedule(): void {
    if (this.#closed) return
    this.#timer = this.#host.clock.after(this.#limits.spaceCheckMs, () => {
      this.#timer = null
      void this.measure()
    })
  }

  #report(refused: boolean): void {
    this.#refused = refused
    const fields = { path: this.#path, freeBytes: this.#freeBytes, reservedBytes: this.#limits.reservedFreeBytes }
    if (refused) this.#host.log.error(fields, 'disk is nearly full: appends are refused')
    else this.#host.log.info(fields, 'disk has room again: appends are accepted')
  }
}
