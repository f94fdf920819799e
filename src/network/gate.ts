/** Lets requests wait that come before there is somebody to serve them: listeners are bound before all else. */
import type { Answer, Serve } from './connection.ts'

export class Gate {
  #serve: Serve | null = null
  #open: (serve: Serve) => void = () => {}
  #opened: Promise<Serve> = this.#nextOpening()

  /** Who serves what waits and all that comes. */
  open(serve: Serve): void {
    this.#serve = serve
    this.#open(serve)
  }

  /** Whoever comes from now on waits until it is opened again. */
  shut(): void {
    if (this.#serve === null) return
    this.#serve = null
    this.#opened = this.#nextOpening()
  }

  readonly serve: Serve = (frame, peer, turn): Answer | Promise<Answer> =>
    this.#serve ? this.#serve(frame, peer, turn) : this.#opened.then(serve => serve(frame, peer, turn))

  #nextOpening(): Promise<Serve> {
    return new Promise(resolve => {
      this.#open = resolve
    })
  }
}
