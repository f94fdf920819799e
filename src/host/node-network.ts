/** TCP of the real machine. */
import * as net from 'node:net'
import {
  ConnectError,
  type Endpoint,
  type ListenOptions,
  type Logger,
  type Network,
  type Server,
  type Socket,
} from './host.ts'

/** How long a connection is idle before the system asks whether the other end is still there. */
const keepAliveDelayMs = 60_000

export class NodeNetwork implements Network {
  readonly #log: Logger

  constructor(log: Logger) {
    this.#log = log
  }

  listen(endpoint: Endpoint, options: ListenOptions, accept: (socket: Socket) => void): Promise<Server> {
    return new Promise((resolve, reject) => {
      const server = net.createServer(
        { noDelay: true, keepAlive: true, keepAliveInitialDelay: keepAliveDelayMs, allowHalfOpen: true },
        stream => {
          const socket = socketOf(stream)
          // The client is gone already: there is nobody to tell.
          if (socket) accept(socket)
          else stream.destroy()
        },
      )
      server.once('error', reject)
      server.listen({ host: endpoint.host, port: endpoint.port, backlog: options.backlog }, () => {
        server.off('error', reject)
        // Accepting may fail for a while (no descriptors left); the listener stays.
        server.on('error', error => this.#log.warn({ err: error }, 'could not accept a connection'))
        const address = server.address() as net.AddressInfo
        resolve({ host: address.address, port: address.port, close: () => closeServer(server) })
      })
    })
  }

  connect(endpoint: Endpoint, timeoutMs: number): Promise<Socket> {
    return new Promise((resolve, reject) => {
      const stream = net.connect({
        host: endpoint.host,
        port: endpoint.port,
        noDelay: true,
        keepAlive: true,
        keepAliveInitialDelay: keepAliveDelayMs,
      })
      const fail = (error: NodeJS.ErrnoException) => {
        clearTimeout(timer)
        stream.destroy()
        // Where a name has several addresses, what became of each is inside of an error that says nothing itself.
        reject(new ConnectError(error.message || (error.code ?? 'no connection'), error.code === 'ECONNREFUSED'))
      }
      const timer = setTimeout(() => {
        fail(new Error(`no connection to ${endpoint.host}:${endpoint.port} within ${timeoutMs} ms`))
      }, timeoutMs)
      stream.once('error', fail)
      stream.once('connect', () => {
        clearTimeout(timer)
        stream.off('error', fail)
        const socket = socketOf(stream)
        if (socket) resolve(socket)
        else fail(new Error(`${endpoint.host}:${endpoint.port} closed the connection`))
      })
    })
  }
}

/** Null when the connection has ended in the meantime and has no addresses any more. */
function socketOf(stream: net.Socket): Socket | null {
  const { remoteAddress, remotePort, localPort } = stream
  if (remoteAddress === undefined || remotePort === undefined || localPort === undefined) return null
  return { stream, remoteAddress: plainAddress(remoteAddress), remotePort, localPort }
}

/** An IPv4 client of an IPv6 listener by its IPv4 address: access rules name hosts so. */
function plainAddress(address: string): string {
  return address.startsWith('::ffff:') && address.includes('.') ? address.slice('::ffff:'.length) : address
}

/** Stops listening. The connections live on: they belong to whoever accepted them. */
function closeServer(server: net.Server): Promise<void> {
  return new Promise(resolve => {
    server.close()
    setImmediate(resolve)
  })
}
