/** Who is at the other end of a connection, as far as requests need to know. */

export type SecurityProtocol = 'PLAINTEXT' | 'SSL' | 'SASL_PLAINTEXT' | 'SASL_SSL'

/** The listener a client came in by: Metadata answers with the addresses that brokers advertise under this name. */
export interface ListenerIdentity {
  readonly name: string
  readonly securityProtocol: SecurityProtocol
  /** What this broker tells clients of this listener to connect to. */
  readonly advertisedHost: string
  readonly advertisedPort: number
  /** Which APIs are served here: those for clients and brokers, or those for controllers. */
  readonly kind: 'broker' | 'controller'
  /** Peers of the cluster come in here: they are let in when connections are short. */
  readonly privileged: boolean
}

export interface Peer {
  /** Unique within this process, for logs. */
  readonly connectionId: number
  readonly listener: ListenerIdentity
  readonly remoteAddress: string
  readonly remotePort: number
  /** The local port the client came in by. */
  readonly localPort: number
  /** `User:ANONYMOUS` until somebody authenticates. */
  principal: string
  /** As the client named itself in ApiVersions; `unknown` before (KIP-511). */
  softwareName: string
  softwareVersion: string
}

/** Ends the connection without an answer. `reason` goes to the log. */
export class CloseConnection extends Error {
  constructor(reason: string) {
    super(reason)
    this.name = 'CloseConnection'
  }
}
