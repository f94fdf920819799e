/** The listeners of a broker, as several settings together say. */
import {
  checkListeners,
  type Listener,
  type ListenerAddress,
  parseListenerAddress,
  parseProtocolMap,
  type SecurityProtocol,
} from './listeners.ts'
import { parseList } from './setting.ts'

export interface ListenerConfig {
  /** Where clients and brokers come in. Listeners named in controller.listener.names are not among them. */
  readonly listeners: readonly Listener[]
  /** Where controllers and brokers reach the controller of this node. */
  readonly controllerListeners: readonly Listener[]
  /** `controller.listener.names`: the first is how this node reaches controllers. */
  readonly controllerListenerNames: readonly string[]
  /** One of `listeners`; null in a node that is no broker. */
  readonly interBrokerListener: Listener | null
}

const unroutable = new Set(['0.0.0.0', '::', '0:0:0:0:0:0:0:0'])

type Lookup = (name: string) => string | null

/** Adds to `problems` and returns null when something is wrong. */
export function readListeners(
  value: Lookup,
  isGiven: (name: string) => boolean,
  hostName: string,
  problems: string[],
): ListenerConfig | null {
  const before = problems.length
  const bound = addresses('listeners', value('listeners'), problems)
  const advertised = addresses('advertised.listeners', value('advertised.listeners'), problems)
  const controllerNames = parseList(value('controller.listener.names') ?? '').map(name => name.toUpperCase())
  const protocols = protocolMap(value, isGiven, controllerNames, problems)
  checkAdvertised(bound, advertised, problems)
  const all = bound.map((address): Listener => {
    const protocol = protocols.get(address.name) ?? null
    if (!protocol) {
      problems.push(
        `Invalid value ${address.name}://${address.host}:${address.port} for configuration listeners: ` +
          `listener.security.protocol.map must say which protocol ${address.name} speaks`,
      )
    }
    const told =
      advertised.find(({ name }) => name === address.name) ??
      (controllerNames.includes(address.name) && unroutable.has(address.host)
        ? { ...address, host: hostName }
        : tellBound(address, hostName, problems))
    return { ...address, protocol: protocol ?? 'PLAINTEXT', advertised: told }
  })
  const listeners = all.filter(({ name }) => !controllerNames.includes(name))
  checkProtocols(all, problems)
  const interBrokerListener = findInterBroker(value, listeners, controllerNames, problems)
  if (problems.length > before) return null
  return {
    listeners,
    controllerListeners: all.filter(({ name }) => controllerNames.includes(name)),
    controllerListenerNames: controllerNames,
    interBrokerListener,
  }
}

function addresses(key: string, text: string | null, problems: string[]): ListenerAddress[] {
  const found: ListenerAddress[] = []
  for (const entry of parseList(text ?? '')) {
    try {
      found.push(parseListenerAddress(entry))
    } catch (error) {
      problems.push(`Invalid value ${text} for configuration ${key}: ${(error as Error).message}`)
    }
  }
  try {
    checkListeners(key, found)
  } catch (error) {
    problems.push(`Invalid value ${text} for configuration ${key}: ${(error as Error).message}`)
  }
  return found
}

function protocolMap(
  value: Lookup,
  isGiven: (name: string) => boolean,
  controllerNames: readonly string[],
  problems: string[],
): Map<string, SecurityProtocol> {
  const text = value('listener.security.protocol.map') ?? ''
  try {
    const map = parseProtocolMap(text)
    // As in Kafka: with the default map, controller listeners need no entry of their own.
    if (!isGiven('listener.security.protocol.map')) {
      for (const name of controllerNames) if (!map.has(name)) map.set(name, 'PLAINTEXT')
    }
    return map
  } catch (error) {
    problems.push(`Invalid value ${text} for configuration listener.security.protocol.map: ${(error as Error).message}`)
    return new Map()
  }
}

function checkAdvertised(
  bound: readonly ListenerAddress[],
  advertised: readonly ListenerAddress[],
  problems: string[],
): void {
  for (const { name, host, port } of advertised) {
    const shown = `Invalid value ${name}://${host}:${port} for configuration advertised.listeners`
    if (!bound.some(listener => listener.name === name))
      problems.push(`${shown}: listeners must have a listener ${name}`)
    if (unroutable.has(host)) problems.push(`${shown}: it must be an address that clients can reach, not ${host}`)
    if (host === '') problems.push(`${shown}: it must name a host`)
  }
}

function tellBound(address: ListenerAddress, hostName: string, problems: string[]): ListenerAddress | null {
  if (unroutable.has(address.host)) {
    problems.push(
      `Invalid value ${address.name}://${address.host}:${address.port} for configuration listeners: ` +
        `advertised.listeners must name an address that clients can reach instead of ${address.host}`,
    )
  }
  return address.host === '' ? { ...address, host: hostName } : null
}

/** Fails closed: a listener that asks for more than is served must not be opened with less. */
function checkProtocols(listeners: readonly Listener[], problems: string[]): void {
  for (const { name, protocol } of listeners) {
    if (protocol === 'PLAINTEXT') continue
    problems.push(
      `Invalid value ${protocol} for listener ${name} in configuration listener.security.protocol.map: it must be PLAINTEXT, the only protocol served`,
    )
  }
}

function findInterBroker(
  value: Lookup,
  listeners: readonly Listener[],
  controllerNames: readonly string[],
  problems: string[],
): Listener | null {
  const wanted = value('inter.broker.listener.name')?.toUpperCase() ?? null
  if (wanted === null) {
    const protocol = value('security.inter.broker.protocol')
    return listeners.find(({ name }) => name === protocol) ?? listeners[0] ?? null
  }
  const found = listeners.find(({ name }) => name === wanted)
  // A node that is only a controller may share the settings of the brokers.
  if (!found && (listeners.length > 0 || controllerNames.includes(wanted))) {
    const reason = controllerNames.includes(wanted)
      ? 'it must not be a controller listener'
      : 'it must be one of listeners'
    problems.push(`Invalid value ${wanted} for configuration inter.broker.listener.name: ${reason}`)
  }
  return found ?? null
}
