/** Every limit of the network room, in one table. All are finite; a setting of Kafka's may move them. */

import type { ConnectionRateLimits } from './connection-rates.ts'

export interface NetworkLimits {
  /** Largest request, without its size prefix (`socket.request.max.bytes`). */
  readonly frameBytesMax: number
  /** A frame must be whole within this time of its first byte ... */
  readonly frameDeadlineMs: number
  /** ... plus the time that its bytes take at this rate. Stops who sends a byte a minute. */
  readonly frameBytesPerSecondMin: number
  /** Requests of one connection whose order is settled but whose answer is not there yet. */
  readonly requestsInFlightMax: number
  /** Bytes of those requests. One request may always be in work, however large. */
  readonly requestBytesInFlightMax: number
  /** What may arrive from a connection ahead of the request in work before its socket is paused. */
  readonly readAheadBytesMax: number
  /** Unsent answers of one connection above which its next request does not start. */
  readonly outputBytesMax: number
  /** How much is handed to the socket at once, so that a slow reader still shows progress. */
  readonly writeWindowBytes: number
  /** A connection with unsent answers that takes nothing for this long is closed. */
  readonly writeTimeoutMs: number
  /** Without a request for this long, a connection is closed (`connections.max.idle.ms`). */
  readonly idleMs: number
  /** Request bytes held in memory by one listener; what comes beyond waits in the sockets. */
  readonly listenerBytesMax: number
  /** The same over all listeners (`queued.max.request.bytes`). */
  readonly totalBytesMax: number
  /** Connections over all listeners (`max.connections`). */
  readonly connectionsMax: number
  /** Connections of one address (`max.connections.per.ip`). */
  readonly connectionsPerIpMax: number
  /** Exceptions to that by address (`max.connections.per.ip.overrides`). */
  readonly connectionsPerIpOverrides: ReadonlyMap<string, number>
  /** Connections a second; null for no limits. */
  readonly connectionRates: ConnectionRateLimits | null
  /** Connections that wait because of such a limit; more are closed at once. */
  readonly connectionsHeldMax: number
  /** Connections waiting to be accepted (`socket.listen.backlog.size`). */
  readonly backlog: number
  /** How often idle time and deadlines are looked at. */
  readonly sweepMs: number
  /** How long closing waits for requests in work and answers unsent. */
  readonly drainMs: number
  /** Addresses remembered for telling each kind of odd client only once. */
  readonly oddClientsMax: number
}

const MiB = 1024 * 1024

export const networkLimits: NetworkLimits = {
  frameBytesMax: 100 * MiB,
  frameDeadlineMs: 30_000,
  frameBytesPerSecondMin: 16 * 1024,
  requestsInFlightMax: 64,
  requestBytesInFlightMax: 32 * MiB,
  readAheadBytesMax: 256 * 1024,
  outputBytesMax: 4 * MiB,
  writeWindowBytes: MiB,
  writeTimeoutMs: 60_000,
  idleMs: 600_000,
  listenerBytesMax: 192 * MiB,
  totalBytesMax: 256 * MiB,
  connectionsMax: 10_000,
  connectionsPerIpMax: 2 ** 31 - 1,
  connectionsPerIpOverrides: new Map(),
  connectionRates: null,
  connectionsHeldMax: 1000,
  backlog: 511,
  sweepMs: 1000,
  drainMs: 5000,
  oddClientsMax: 1000,
}

/** The settings of Kafka's that move these limits; a `BrokerConfig` has them all. */
export interface NetworkSettings {
  readonly socketRequestMaxBytes: number
  readonly connectionsMaxIdleMs: number
  readonly queuedMaxRequestBytes: number
  readonly maxConnections: number
  readonly maxConnectionsPerIp: number
  /** `host:count`, separated by commas. */
  readonly maxConnectionsPerIpOverrides: string
  readonly socketListenBacklogSize: number
}

const unlimited = 2 ** 31 - 1

/** The table as a configuration moves it. What Kafka leaves unlimited stays limited here. */
export function networkLimitsOf(settings: NetworkSettings): NetworkLimits {
  const { maxConnections, queuedMaxRequestBytes, connectionsMaxIdleMs } = settings
  const totalBytesMax = queuedMaxRequestBytes > 0 ? queuedMaxRequestBytes : networkLimits.totalBytesMax
  return {
    ...networkLimits,
    frameBytesMax: settings.socketRequestMaxBytes,
    idleMs: connectionsMaxIdleMs < 0 ? Number.POSITIVE_INFINITY : connectionsMaxIdleMs,
    totalBytesMax,
    listenerBytesMax: Math.min(totalBytesMax, networkLimits.listenerBytesMax),
    connectionsMax: maxConnections === unlimited ? networkLimits.connectionsMax : maxConnections,
    connectionsPerIpMax: settings.maxConnectionsPerIp,
    connectionsPerIpOverrides: parseOverrides(settings.maxConnectionsPerIpOverrides),
    // Kafka's default of 50 makes the clients of a busy start wait a second each for their next attempt.
    backlog: Math.max(settings.socketListenBacklogSize, networkLimits.backlog),
  }
}

function parseOverrides(text: string): Map<string, number> {
  const overrides = new Map<string, number>()
  for (const entry of text.split(',')) {
    const at = entry.lastIndexOf(':')
    const count = Number(entry.slice(at + 1))
    if (at > 0 && Number.isInteger(count)) overrides.set(entry.slice(0, at).trim(), count)
  }
  return overrides
}
