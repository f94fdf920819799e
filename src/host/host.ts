/**
 * The only door to the outside world. Everything above this room reaches time, randomness, disk, network and log
 * output through these interfaces, so the same code runs on a real machine (`node.ts`), in memory (`memory.ts`) and
 * under simulation (`test/sim/`).
 */
import type { Duplex } from 'node:stream'

export interface Host {
  readonly clock: Clock
  readonly random: Random
  readonly disk: Disk
  readonly network: Network
  readonly log: Logger
}

/** Cancels a timer; calling it twice, or after the timer ran, does nothing. */
export type Cancel = () => void

export interface Clock {
  /** Wall clock, milliseconds since the epoch. Only for record timestamps and retention, never for correctness. */
  now(): number
  /** Milliseconds since some fixed point; never goes back. For timeouts, sessions and leases. */
  monotonic(): number
  /** Runs once after `delayMs`. Timers never keep the process alive by themselves. */
  after(delayMs: number, run: () => void): Cancel
  /** Runs once, after the I/O of the current turn of the event loop: what gathers the writes of one turn. */
  soon(run: () => void): void
}

export interface Random {
  /** A uniform integer in [0, n). */
  below(n: number): number
  bytes(n: number): Buffer
  /** A random version 4 UUID as 22 characters of URL-safe base64 without padding, Kafka's spelling; never starts with '-'. */
  uuid(): string
}

export interface DirectoryEntry {
  readonly name: string
  readonly directory: boolean
}

/**
 * `read`: must exist. `update`: must exist, writes go to the end. `append`: the same, created when absent. `create`: must
 * not exist.
 */
export type OpenMode = 'read' | 'update' | 'append' | 'create'

export interface Disk {
  open(path: string, mode: OpenMode): Promise<File>
  /** Entries in no particular order; throws DiskError ENOENT when the directory is absent. */
  list(directory: string): Promise<DirectoryEntry[]>
  exists(path: string): Promise<boolean>
  /** Creates the directory and its parents, all durably; no error when it exists. */
  makeDirectory(directory: string): Promise<void>
  /** Atomic within a file system; replaces a file at `to`. Works on directories too. Durable after syncDirectory. */
  rename(from: string, to: string): Promise<void>
  /** Removes a file, or a directory with all it holds. No error when absent. */
  remove(path: string): Promise<void>
  /** Makes creations, renames and removals of names in `directory` durable. */
  syncDirectory(directory: string): Promise<void>
  /** Holds `path` exclusively for this process and this Disk until released; throws DiskError ELOCKED when held. */
  lock(path: string): Promise<Lock>
  /** Free and total bytes of the file system that holds `path`. */
  space(path: string): Promise<{ freeBytes: number; totalBytes: number }>
}

export interface Lock {
  release(): Promise<void>
}

export interface File {
  /** Length in bytes, as of the last completed call. */
  readonly size: number
  /**
   * Writes all chunks at the end, in one `writev` where possible, looping over short writes. When it fails, an unknown
   * part may have been written: the caller truncates back to the last good size or takes the directory offline.
   */
  append(chunks: readonly Uint8Array[]): Promise<void>
  /**
   * Up to `length` bytes from `position`; shorter only at the end of the file. They are read into `into` where the disk can
   * do that, and the result is then a view of it; it is at least `length` long.
   */
  read(position: number, length: number, into?: Buffer): Promise<Buffer>
  /**
   * Replaces bytes that are there already: for those that the disk has damaged. When it fails, an unknown part has been
   * written.
   */
  overwrite(position: number, bytes: Uint8Array): Promise<void>
  /** Data and length durable (fdatasync). After a failure it is never retried: see docs/architecture.md. */
  sync(): Promise<void>
  truncate(size: number): Promise<void>
  close(): Promise<void>
}

export type DiskErrorCode = 'ENOENT' | 'EEXIST' | 'ENOSPC' | 'EIO' | 'ELOCKED' | 'EMFILE' | 'EOTHER'

/** The only error a Disk, File or Lock throws. */
export class DiskError extends Error {
  readonly code: DiskErrorCode
  constructor(code: DiskErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'DiskError'
    this.code = code
  }
}

export interface Endpoint {
  readonly host: string
  readonly port: number
}

export interface Network {
  /** Resolves once bound; `server.port` tells the port taken when 0 was asked. */
  listen(endpoint: Endpoint, options: ListenOptions, accept: (socket: Socket) => void): Promise<Server>
  /** Rejects with ConnectError. */
  connect(endpoint: Endpoint, timeoutMs: number): Promise<Socket>
}

export class ConnectError extends Error {
  /** The other machine says that nobody listens there; otherwise it may be alive and only out of reach. */
  readonly refused: boolean
  constructor(message: string, refused: boolean) {
    super(message)
    this.name = 'ConnectError'
    this.refused = refused
  }
}

export interface ListenOptions {
  readonly backlog: number
}

export interface Server {
  readonly host: string
  readonly port: number
  close(): Promise<void>
}

/** A TCP connection, no-delay and keep-alive on. */
export interface Socket {
  /** What was written may be changed once the write's callback ran. */
  readonly stream: Duplex
  readonly remoteAddress: string
  readonly remotePort: number
  /** The local port the peer came in by. */
  readonly localPort: number
}

export interface Logger {
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
  child(fields: object): Logger
}
