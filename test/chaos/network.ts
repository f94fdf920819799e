/**
 * The network of one run: a bridge, a network namespace for each broker and one for the clients, and what can be done to the
 * packets between them. Needs root on Linux with iptables and iproute2.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { NotPossible } from '../e2e/crash/power.ts'

/** Takes a fault away again. */
export type Undo = () => void

/** Where brokers and clients live. */
export interface Place {
  address(host: number): string
  /** What to put in front of a command, for it to run there with the same process id. */
  within(host: number): string[]
}

/** Without any privileges: every broker has a loopback address of its own, as Linux allows. */
export const loopback: Place = {
  address: host => `127.77.${process.pid % 250}.${host}`,
  within: () => [],
}

/** Host number of the clients' namespace, and of the bridge itself: this program and its proxies. */
const clientsHost = 100
const bridgeHost = 254

export class ChaosNetwork implements Place {
  readonly #name: string
  readonly #subnet: string
  readonly #hosts: readonly number[]

  /** Throws NotPossible. */
  constructor(brokers: readonly number[]) {
    if (process.platform !== 'linux' || process.getuid?.() !== 0) throw new NotPossible('namespaces need root on Linux')
    this.#name = `oc${process.pid}`
    this.#subnet = `10.77.${process.pid % 250}`
    this.#hosts = [...brokers, clientsHost]
    must('ip', 'link', 'add', 'name', this.#name, 'type', 'bridge')
    must('ip', 'addr', 'add', `${this.#subnet}.${bridgeHost}/24`, 'dev', this.#name)
    must('ip', 'link', 'set', this.#name, 'up')
    for (const host of this.#hosts) {
      const space = this.#space(host)
      must('ip', 'netns', 'add', space)
      must('ip', 'link', 'add', this.#link(host), 'type', 'veth', 'peer', 'name', 'eth0', 'netns', space)
      must('ip', 'link', 'set', this.#link(host), 'master', this.#name, 'up')
      must('ip', '-n', space, 'addr', 'add', `${this.address(host)}/24`, 'dev', 'eth0')
      must('ip', '-n', space, 'link', 'set', 'eth0', 'up')
      must('ip', '-n', space, 'link', 'set', 'lo', 'up')
    }
  }

  readonly clients = clientsHost

  address(host: number): string {
    return `${this.#subnet}.${host}`
  }

  get bridgeAddress(): string {
    return this.address(bridgeHost)
  }

  within(host: number): string[] {
    return ['nsenter', `--net=/run/netns/${this.#space(host)}`]
  }

  /** What `from` sends to `to` is lost. */
  cut(from: number, to: number): Undo {
    return this.#rule(to, 'INPUT', '-s', this.address(from), '-j', 'DROP')
  }

  /** Nothing goes in or out. */
  unplug(host: number): Undo {
    must('ip', 'link', 'set', this.#link(host), 'down')
    return () => must('ip', 'link', 'set', this.#link(host), 'up')
  }

  /** A part of what comes in is lost. */
  lose(host: number, probability: number): Undo {
    const statistic = ['-m', 'statistic', '--mode', 'random', '--probability', String(probability)]
    return this.#rule(host, 'INPUT', ...statistic, '-j', 'DROP')
  }

  /** Whoever sends something to this host, or is sent something, has his connection reset. */
  reset(host: number): Undo {
    const rejecting = ['-p', 'tcp', '-j', 'REJECT', '--reject-with', 'tcp-reset']
    const undos = [this.#rule(host, 'INPUT', ...rejecting), this.#rule(host, 'OUTPUT', ...rejecting)]
    return () => {
      for (const undo of undos) undo()
    }
  }

  /** New connections from one host to a port of another one go to a port of this program instead. */
  divert(from: number, to: { host: number; port: number }, proxyPort: number): Undo {
    const matching = ['-p', 'tcp', '-d', this.address(to.host), '--dport', String(to.port)]
    return this.#rule(
      from,
      'OUTPUT',
      '-t',
      'nat',
      ...matching,
      '-j',
      'DNAT',
      '--to-destination',
      `${this.bridgeAddress}:${proxyPort}`,
    )
  }

  close(): void {
    for (const host of this.#hosts) {
      killInside(this.#space(host))
      spawnSync('ip', ['netns', 'del', this.#space(host)])
      spawnSync('ip', ['link', 'del', this.#link(host)])
    }
    spawnSync('ip', ['link', 'del', this.#name])
  }

  /** What runs that were killed have left behind: processes, namespaces, bridges and mounted disks. */
  static sweep(): void {
    const gone = (pid: string) => !existsSync(`/proc/${pid}`)
    for (const [, space, pid] of output('ip', 'netns', 'list').matchAll(/^(oc(\d+)-\d+)/gm)) {
      if (!gone(pid)) continue
      killInside(space)
      spawnSync('ip', ['netns', 'del', space])
    }
    for (const [, bridge, pid] of output('ip', '-o', 'link').matchAll(/ (oc(\d+)):/g)) {
      if (gone(pid)) spawnSync('ip', ['link', 'del', bridge])
    }
    for (const [, path, pid] of readFileSync('/proc/mounts', 'utf8').matchAll(/ (\S+\/ottla-chaos-(\d+)-\S+) /g)) {
      if (gone(pid)) spawnSync('umount', ['-l', path])
    }
  }

  #rule(host: number, chain: string, ...rule: readonly string[]): Undo {
    const change = (action: string) => must(...this.within(host), 'iptables', '-w', action, chain, ...rule)
    change('-A')
    return () => change('-D')
  }

  #space(host: number): string {
    return `${this.#name}-${host}`
  }

  #link(host: number): string {
    return `${this.#name}v${host}`
  }
}

/** Clients may leave processes of their own behind. */
function killInside(space: string): void {
  for (const pid of output('ip', 'netns', 'pids', space).split('\n').filter(Boolean))
    process.kill(Number(pid), 'SIGKILL')
}

function output(...whole: readonly string[]): string {
  const [command, ...args] = whole
  return spawnSync(command, args, { encoding: 'utf8' }).stdout ?? ''
}

function must(...whole: readonly string[]): void {
  const [command, ...args] = whole
  const done = spawnSync(command, args, { encoding: 'utf8' })
  if (done.error) throw new NotPossible(`${command}: ${done.error.message}`)
  if (done.status !== 0) throw new NotPossible(`${command} ${args.join(' ')}: ${done.stderr.trim()}`)
}
