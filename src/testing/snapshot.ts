/** Everything that brokers hold, as it was at a moment. */
import type { Broker } from '../broker.ts'
import type { KeptMember } from '../cluster/cluster.ts'

export class Snapshot {
  readonly #members: readonly KeptMember[]

  /** Takes copies: they share their bytes with the disks, which never change them. */
  constructor(members: readonly KeptMember[]) {
    this.#members = copies(members)
  }

  /** The brokers and their disks as they were, as often as wanted. */
  members(): KeptMember[] {
    return copies(this.#members)
  }
}

function copies(members: readonly KeptMember[]): KeptMember[] {
  return members.map(member => ({ ...member, disk: member.disk.copy() }))
}

/** Resolves when everything that the broker has taken is on its disk. */
export async function settle(broker: Broker): Promise<void> {
  const { logs } = broker.rooms
  await Promise.all(logs.all().map(log => log.flush()))
  await logs.checkpoint()
}
