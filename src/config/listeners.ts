/** Listeners: names, addresses and security protocols out of `listeners`, `advertised.listeners` and their maps. */

export type SecurityProtocol = 'PLAINTEXT' | 'SSL' | 'SASL_PLAINTEXT' | 'SASL_SSL'

export const securityProtocols: readonly SecurityProtocol[] = ['PLAINTEXT', 'SSL', 'SASL_PLAINTEXT', 'SASL_SSL']

export interface ListenerAddress {
  readonly name: string
  /** Empty for every interface. */
  readonly host: string
  /** 0 for a free port. */
  readonly port: number
}

export interface Listener extends ListenerAddress {
  readonly protocol: SecurityProtocol
  /** What clients are told; null when the bound address is told, with the port really taken. */
  readonly advertised: ListenerAddress | null
}

/** `NAME://host:port`, with brackets around IPv6 addresses. Throws Error that says what is wrong with which entry. */
export function parseListenerAddress(text: string): ListenerAddress {
  const match = /^(.*):\/\/(\[[0-9a-zA-Z:.%]*\]|[^:]*):(-?\d+)$/.exec(text.trim())
  if (!match) throw new Error(`'${text}' must have the form NAME://host:port`)
  const port = Number(match[3])
  if (match[1] === '') throw new Error(`'${text}' lacks the listener name before ://`)
  if (port < 0 || port > 65535) throw new Error(`port of '${text}' must be between 0 and 65535`)
  return { name: match[1].toUpperCase(), host: match[2].replace(/^\[(.*)\]$/, '$1'), port }
}

/** `NAME:PROTOCOL,NAME:PROTOCOL`. Throws Error that says what is wrong. */
export function parseProtocolMap(text: string): Map<string, SecurityProtocol> {
  const map = new Map<string, SecurityProtocol>()
  for (const part of text.split(',').map(entry => entry.trim())) {
    if (part === '') continue
    const at = part.lastIndexOf(':')
    if (at <= 0) throw new Error(`'${part}' must have the form NAME:PROTOCOL`)
    const protocol = securityProtocols.find(
      known =>
        known ===
        part
          .slice(at + 1)
          .trim()
          .toUpperCase(),
    )
    if (!protocol) throw new Error(`protocol of '${part}' must be one of ${securityProtocols.join(', ')}`)
    map.set(part.slice(0, at).trim().toUpperCase(), protocol)
  }
  return map
}

/** No two listeners may share a name, and no two a port of the same host; port 0 is always free. */
export function checkListeners(key: string, addresses: readonly ListenerAddress[]): void {
  const names = new Set<string>()
  const places = new Set<string>()
  for (const { name, host, port } of addresses) {
    if (names.has(name))
      throw new Error(`${key} has two listeners named ${name}; every listener must have its own name`)
    names.add(name)
    const place = `${host}:${port}`
    if (port !== 0 && key === 'listeners' && places.has(place)) {
      throw new Error(`${key} has two listeners on ${place}; every listener must have its own port`)
    }
    places.add(place)
  }
}
