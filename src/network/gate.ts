/** Lets requests wait that come before there is somebody to serve them: listeners are bound before all else. */
import type { Answer, Serve } from './connection.ts'

export class Gate {
  #serve: Serve | null = null
  #open: (serve: Serve) => void = () => {}
  readonly #opened: Promise<Serve>

  constructor() {
    this.#opened = new Promise(resolve => {
      this.#open = resolve
    })
  }

  /** Who serves what waits and all that comes. */
  open(serve: Serve): void {
    this.#serve = serve
    this.#open(serve)
  }

  readonly serve: Serve = (frame, peer, turn): Answer | Promise<Answer> =>
    this.#serve ? this.#serve(frame, peer, turn) : this.#opened.then(serve => serve(frame, peer, turn))
}
