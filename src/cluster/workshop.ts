/** What the brokers of a cluster are made with. A test double brings its own: its time, and doors at which it stands. */
import type { Broker } from '../broker.ts'
import type { Host } from '../host/host.ts'
import type { Doors } from '../network/doors.ts'

/** Doors that can stay when the broker behind them is replaced. */
export interface LentDoors extends Doors {
  /** A broker stands behind them now. */
  taken(broker: Broker): void
  /** They stay open when the broker behind them closes, this time. */
  stay(): void
}

export interface Workshop {
  /** Everything but the disk. */
  readonly machine: Host
  doors(id: number): LentDoors
  /** Brokers talk to each other over a listener of this name, apart from clients. */
  readonly brokerListener: string
  readonly properties: Readonly<Record<string, string>>
}
