/** Roles of a node and where the voters of its metadata quorum are, as several settings together say. */

import type { Listener } from './listeners.ts'

export type Role = 'broker' | 'controller'

export interface VoterAddress {
  readonly id: number
  readonly host: string
  readonly port: number
}

export interface QuorumConfig {
  readonly roles: ReadonlySet<Role>
  /** `controller.quorum.voters`: the fixed set (kraft.version 0). Empty when the voters are in the metadata log itself. */
  readonly quorumVoters: readonly VoterAddress[]
  /** `controller.quorum.bootstrap.servers`: whom to ask who leads. */
  readonly quorumBootstrapServers: readonly { readonly host: string; readonly port: number }[]
  /** They name nobody but this node itself: it can begin as a whole cluster, and needs no listener for controllers. */
  readonly isAlone: boolean
}

interface Given {
  readonly nodeId: number
  readonly roles: readonly string[]
  readonly voters: readonly string[]
  readonly bootstrapServers: readonly string[]
  readonly controllerListeners: readonly Listener[]
}

/** Adds to `problems` where settings contradict each other. */
export function readQuorum(given: Given, problems: string[]): QuorumConfig {
  const { nodeId, voters, bootstrapServers } = given
  const roles = new Set(given.roles.filter((role): role is Role => role === 'broker' || role === 'controller'))
  const quorumVoters = readVoters(voters, problems)
  const quorumBootstrapServers = bootstrapServers.flatMap(text => {
    const address = hostAndPort(text)
    if (!address) problems.push(invalidAddress('controller.quorum.bootstrap.servers', text))
    return address ? [address] : []
  })
  const isCombined = roles.has('broker') && roles.has('controller')
  const isAlone =
    isCombined &&
    quorumVoters.every(({ id }) => id === nodeId) &&
    voters.length < 2 &&
    quorumBootstrapServers.every(address => given.controllerListeners.some(own => isAt(own, address)))
  const listed = `controller.quorum.voters=Set(${quorumVoters.map(({ id }) => id).join(', ')})`
  const isVoter = quorumVoters.some(({ id }) => id === nodeId)
  if (!isCombined && voters.length === 0 && bootstrapServers.length === 0) {
    problems.push(
      'If using process.roles, either controller.quorum.bootstrap.servers must contain the set of bootstrap controllers or ' +
        'controller.quorum.voters must contain a parseable set of controllers.',
    )
  }
  if (!roles.has('controller') && isVoter) {
    problems.push(
      `If process.roles contains just the 'broker' role, the node id ${nodeId} must not be included in the set of voters ${listed}`,
    )
  }
  if (roles.has('controller') && voters.length > 0 && !isVoter) {
    problems.push(
      `If process.roles contains the 'controller' role, the node id ${nodeId} must be included in the set of voters ${listed}`,
    )
  }
  return { roles, quorumVoters, quorumBootstrapServers, isAlone }
}

function readVoters(voters: readonly string[], problems: string[]): VoterAddress[] {
  const found: VoterAddress[] = []
  for (const text of voters) {
    const at = text.indexOf('@')
    const address = hostAndPort(text.slice(at + 1))
    const id = Number(text.slice(0, at))
    if (!address) problems.push(invalidAddress('controller.quorum.voters', text))
    else if (found.some(voter => voter.id === id)) {
      problems.push(
        `Invalid value ${voters.join(',')} for configuration controller.quorum.voters: voter ${id} is there twice`,
      )
    } else found.push({ id, ...address })
  }
  return found
}

function hostAndPort(text: string): { host: string; port: number } | null {
  const match = /^(\[[0-9a-zA-Z:.%]+\]|[^:]+):(\d+)$/.exec(text)
  const port = Number(match?.[2])
  if (!match || port < 1 || port > 65535) return null
  return { host: match[1].replace(/^\[(.*)\]$/, '$1'), port }
}

/** As Apache Kafka's own server.properties has it: a listener on every interface, reached as localhost. */
function isAt(
  { host, port, advertised }: Listener,
  address: { readonly host: string; readonly port: number },
): boolean {
  if (port !== address.port && port !== 0) return false
  return [host, advertised?.host, 'localhost', '127.0.0.1', '::1'].includes(address.host)
}

function invalidAddress(key: string, text: string): string {
  return `Invalid value ${text} for configuration ${key}: the port must be between 1 and 65535`
}

/** What the listeners must be for these roles. Adds to `problems`. */
export function checkListenersOfRoles(
  quorum: QuorumConfig,
  counts: { readonly broker: number; readonly controller: number },
  problems: string[],
): void {
  const { roles, isAlone } = quorum
  if (!roles.has('controller') && counts.controller > 0) {
    problems.push(
      "controller.listener.names must not contain a value appearing in the 'listeners' configuration when running KRaft with just the broker role",
    )
  }
  if (!roles.has('broker') && counts.broker > 0) {
    problems.push(
      'The listeners config must only contain KRaft controller listeners from controller.listener.names when process.roles=controller',
    )
  }
  if (roles.has('controller') && counts.controller === 0 && !isAlone) {
    problems.push(
      "controller.listener.names must contain at least one value appearing in the 'listeners' configuration when running the KRaft controller role",
    )
  }
  if (roles.has('broker') && counts.broker === 0) {
    problems.push(
      'There must be at least one broker advertised listener. Perhaps all listeners appear in controller.listener.names?',
    )
  }
}
