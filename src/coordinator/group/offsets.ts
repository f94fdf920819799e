/**
 * The committed offsets of all groups of one coordinator partition, and those that wait for the end of a transaction.
 *
 * A transactional commit becomes visible when its marker says so, unless a commit that came after it has already taken
 * its place in the log.
 */
import { getOrCreate } from '../../lib/get-or-create.ts'

export interface CommittedOffset {
  readonly offset: number
  readonly leaderEpoch: number
  readonly metadata: string
  readonly commitTimestampMs: number
  /** Wall clock; -1 when the broker's retention decides. */
  readonly expireTimestampMs: number
  /** The zero id when unknown. */
  readonly topicId: string
}

interface Stored {
  readonly value: CommittedOffset
  /** Where the commit stands in the log. */
  readonly recordOffset: number
}

type Topics<V> = Map<string, Map<number, V>>

/** One committed offset with its place. */
export interface OffsetEntry {
  readonly topic: string
  readonly partition: number
  readonly value: CommittedOffset
}

export class Offsets {
  readonly #groups = new Map<string, Topics<Stored>>()
  /** By producer, then by group. */
  readonly #pending = new Map<number, Map<string, Topics<Stored>>>()
  /** Producers with an open transaction, by group. */
  readonly #producers = new Map<string, Set<number>>()

  /** Whether a group has offsets, committed or pending. */
  has(groupId: string): boolean {
    return this.#groups.has(groupId) || this.#producers.has(groupId)
  }

  /** Groups that have offsets, committed or pending. */
  groupIds(): Set<string> {
    return new Set([...this.#groups.keys(), ...this.#producers.keys()])
  }

  get(groupId: string, topic: string, partition: number): CommittedOffset | null {
    return this.#groups.get(groupId)?.get(topic)?.get(partition)?.value ?? null
  }

  *entries(groupId: string): Generator<OffsetEntry, void, void> {
    for (const [topic, partitions] of this.#groups.get(groupId) ?? []) {
      for (const [partition, { value }] of partitions) yield { topic, partition, value }
    }
  }

  /** What open transactions would commit: a partition may be there several times. */
  *pendingEntries(groupId: string): Generator<OffsetEntry, void, void> {
    for (const producerId of this.#producers.get(groupId) ?? []) {
      for (const [topic, partitions] of this.#pending.get(producerId)?.get(groupId) ?? []) {
        for (const [partition, { value }] of partitions) yield { topic, partition, value }
      }
    }
  }

  /** Whether a transaction that is still open commits this partition's offset. */
  isPending(groupId: string, topic: string, partition: number): boolean {
    for (const producerId of this.#producers.get(groupId) ?? []) {
      if (this.#pending.get(producerId)?.get(groupId)?.get(topic)?.has(partition)) return true
    }
    return false
  }

  hasPending(groupId: string): boolean {
    return this.#producers.has(groupId)
  }

  /** `producerId` -1 for a commit outside of a transaction. */
  put(
    groupId: string,
    topic: string,
    partition: number,
    value: CommittedOffset,
    recordOffset: number,
    producerId: number,
  ): void {
    const stored = { value, recordOffset }
    if (producerId === -1) return putIn(this.#groups, groupId, topic, partition, stored)
    const pending = getOrCreate(this.#pending, producerId, newMap<string, Topics<Stored>>)
    putIn(pending, groupId, topic, partition, stored)
    getOrCreate(this.#producers, groupId, () => new Set<number>()).add(producerId)
  }

  /** Also forgets what open transactions would commit for the partition. */
  delete(groupId: string, topic: string, partition: number): void {
    deleteIn(this.#groups, groupId, topic, partition)
    for (const producerId of [...(this.#producers.get(groupId) ?? [])]) {
      const groups = this.#pending.get(producerId)!
      deleteIn(groups, groupId, topic, partition)
      if (!groups.has(groupId)) this.#forgetProducer(groupId, producerId)
      if (groups.size === 0) this.#pending.delete(producerId)
    }
  }

  endTransaction(producerId: number, commit: boolean): void {
    for (const [groupId, topics] of this.#pending.get(producerId) ?? []) {
      this.#forgetProducer(groupId, producerId)
      if (!commit) continue
      for (const [topic, partitions] of topics) {
        for (const [partition, stored] of partitions) {
          const present = this.#groups.get(groupId)?.get(topic)?.get(partition)
          if (present && present.recordOffset > stored.recordOffset) continue
          putIn(this.#groups, groupId, topic, partition, stored)
        }
      }
    }
    this.#pending.delete(producerId)
  }

  #forgetProducer(groupId: string, producerId: number): void {
    const producers = this.#producers.get(groupId)
    producers?.delete(producerId)
    if (producers?.size === 0) this.#producers.delete(groupId)
  }
}

const newMap = <K, V>() => new Map<K, V>()

function putIn(
  groups: Map<string, Topics<Stored>>,
  groupId: string,
  topic: string,
  partition: number,
  stored: Stored,
): void {
  const topics = getOrCreate(groups, groupId, newMap<string, Map<number, Stored>>)
  getOrCreate(topics, topic, newMap<number, Stored>).set(partition, stored)
}

/** Leaves no empty map behind: a group without offsets is not in `groups`. */
function deleteIn(groups: Map<string, Topics<Stored>>, groupId: string, topic: string, partition: number): void {
  const topics = groups.get(groupId)
  const partitions = topics?.get(topic)
  if (!topics || !partitions) return
  partitions.delete(partition)
  if (partitions.size === 0) topics.delete(topic)
  if (topics.size === 0) groups.delete(groupId)
}
