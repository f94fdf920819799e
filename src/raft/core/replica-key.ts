/** Who takes part in a quorum: a node, and the directory in which it keeps the log. */

/** A directory that has no id, or whose id does not matter. */
export const noDirectory = 'AAAAAAAAAAAAAAAAAAAAAA'

export interface ReplicaKey {
  readonly id: number
  /** `noDirectory` where directories are not told apart (kraft.version 0). */
  readonly directoryId: string
}

export interface NodeAddress {
  readonly host: string
  readonly port: number
}

/** Where a node listens, by the name of the listener. */
export interface NamedAddress extends NodeAddress {
  readonly name: string
}

/** Whether `key` is the replica that `wanted` speaks of: one that names no directory means any. */
export function isSameReplica(wanted: ReplicaKey, key: ReplicaKey): boolean {
  return wanted.id === key.id && (wanted.directoryId === noDirectory || wanted.directoryId === key.directoryId)
}

export function replicaText({ id, directoryId }: ReplicaKey): string {
  return directoryId === noDirectory ? `${id}` : `${id} (directory ${directoryId})`
}
