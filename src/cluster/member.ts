/** One node of a cluster in one process: its settings, its directory, and the broker while it runs. */
import { Broker, type CloseOptions } from '../broker.ts'
import { type BrokerConfig, parseBrokerConfig } from '../config/broker.ts'
import { defaultBootstrapRecords } from '../controller/bootstrap.ts'
import type { Host } from '../host/host.ts'
import { MemoryDisk } from '../host/memory.ts'
import { type LogLevel, nodeHost } from '../host/node.ts'
import { LogDirectory } from '../log/directory.ts'
import { ensureFormatted, type InitialController } from '../raft/format.ts'
import type { RosterEntry } from './roster.ts'
import type { LentDoors, Workshop } from './workshop.ts'

/** What all members have in common. */
export interface MemberSetting {
  readonly clusterId: string
  readonly host: string
  /** Null: everything is in memory. */
  readonly dataDir: string | null
  readonly voters: readonly InitialController[]
  readonly properties: ReadonlyMap<string, string>
  readonly logLevel: LogLevel
  /** Null: brokers as they come. */
  readonly workshop: Workshop | null
}

export class Member {
  readonly entry: RosterEntry
  readonly #setting: MemberSetting
  readonly #config: BrokerConfig
  #disk: MemoryDisk | undefined
  #doors: LentDoors | null = null
  #broker: Broker | null = null
  /** Starts and stops follow each other. */
  #work: Promise<unknown> = Promise.resolve()

  /** Throws ConfigError. */
  constructor(entry: RosterEntry, setting: MemberSetting, disk?: MemoryDisk) {
    this.entry = entry
    this.#setting = setting
    this.#disk = setting.dataDir === null ? (disk ?? new MemoryDisk()) : undefined
    this.#config = parseBrokerConfig(propertiesOf(entry, setting))
  }

  get id(): number {
    return this.entry.id
  }

  /** Null while it is stopped. */
  get broker(): Broker | null {
    return this.#broker
  }

  /** Null in a directory. */
  get disk(): MemoryDisk | null {
    return this.#disk ?? null
  }

  /** Makes the directory a part of the cluster; one that is leaves it as it is. */
  async enroll(): Promise<void> {
    const { clusterId, voters } = this.#setting
    const directory = await LogDirectory.open(this.#host(), this.#config.metadataLogDir)
    try {
      await ensureFormatted(this.#host(), this.#config, [directory], {
        clusterId,
        bootstrapRecords: defaultBootstrapRecords,
        initialVoters: this.entry.controllerPort === null ? 'elsewhere' : voters,
      })
    } finally {
      await directory.close(directory.wasShutDownCleanly, directory.previousBrokerEpoch)
    }
  }

  /** Resolves when it takes clients. */
  start(): Promise<void> {
    return this.#next(async () => {
      this.#broker ??= await this.#start()
    })
  }

  stop(options: CloseOptions = {}): Promise<void> {
    return this.#next(async () => {
      const broker = this.#broker
      this.#broker = null
      await broker?.close(options)
      this.#doors = null
    })
  }

  /** Ends the broker but not its lent doors: whoever comes waits for what `start` brings, on another disk if one is given. */
  halt(disk?: MemoryDisk): Promise<void> {
    return this.#next(async () => {
      const broker = this.#broker
      this.#broker = null
      this.#doors?.stay()
      await broker?.close({ abrupt: true })
      this.#disk = disk ?? this.#disk
    })
  }

  async #start(): Promise<Broker> {
    this.#doors ??= this.#setting.workshop?.doors(this.id) ?? null
    try {
      const broker = await Broker.start(this.#config, this.#host(), { doors: this.#doors ?? undefined })
      this.#doors?.taken(broker)
      return broker
    } catch (error) {
      this.#doors = null
      throw error
    }
  }

  #next(step: () => Promise<void>): Promise<void> {
    const work = this.#work.then(step, step)
    this.#work = work.catch(() => {})
    return work
  }

  #host(): Host {
    const { workshop } = this.#setting
    if (workshop) return { ...workshop.machine, disk: this.#disk ?? workshop.machine.disk }
    return nodeHost({ disk: this.#disk, logger: { level: this.#setting.logLevel } })
  }
}

function propertiesOf(entry: RosterEntry, setting: MemberSetting): Map<string, string> {
  const { id, port, controllerPort } = entry
  const { host, dataDir, voters, workshop } = setting
  const shown = host.includes(':') ? `[${host}]` : host
  const listeners = [`PLAINTEXT://${shown}:${port}`]
  if (workshop) listeners.push(`${workshop.brokerListener}://${shown}:0`)
  if (controllerPort !== null) listeners.push(`CONTROLLER://${shown}:${controllerPort}`)
  return new Map([
    ...setting.properties,
    ...(workshop ? apart(workshop.brokerListener) : []),
    ['node.id', String(id)],
    ['process.roles', controllerPort === null ? 'broker' : 'broker,controller'],
    ['listeners', listeners.join(',')],
    ['controller.listener.names', 'CONTROLLER'],
    ['controller.quorum.bootstrap.servers', voters.map(voter => `${shown}:${voter.port}`).join(',')],
    ['log.dirs', `${dataDir ?? '/ottla'}/broker-${id}`],
  ])
}

/** Brokers among themselves. */
function apart(listener: string): [string, string][] {
  return [
    ['inter.broker.listener.name', listener],
    ['listener.security.protocol.map', `PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,${listener}:PLAINTEXT`],
  ]
}
