/** Gathers the changes of partitions that one decision makes; a later change builds on the earlier ones. */
import { type DynamicConfigs, EffectiveConfigs } from '../config/effective.ts'
import { getOrCreate } from '../lib/get-or-create.ts'
import { partitionAfter } from '../metadata/apply.ts'
import { lostDirectory, unassignedDirectory } from '../metadata/directories.ts'
import type { PartitionInfo, Topic } from '../metadata/entities.ts'
import { bumpsEpochOnShrink, namesDirectories, recordVersion } from '../metadata/features.ts'
import type { MetadataRecord } from '../metadata/records.ts'
import type { MetadataState } from '../metadata/state.ts'
import { type ControllerContext, isActive, metadataVersionOf, tracksElr } from './context.ts'
import { changePartition, type PartitionRules, type PartitionTargets } from './partition-change.ts'
import type { PartitionRef } from './partition-index.ts'

export interface PartitionChangesOptions {
  /** Brokers that will be active, or will not, once this decision is carried out. */
  readonly active?: ReadonlyMap<number, boolean>
  /** Directories that this decision finds to have failed. */
  readonly offlineDirectories?: ReadonlySet<string>
  /** Settings as they will be. */
  readonly configs?: DynamicConfigs
}

const none = (): PartitionInfo[] => []

interface TopicRules {
  readonly rules: PartitionRules
  readonly unclean: boolean
}

export class PartitionChanges {
  readonly records: MetadataRecord[] = []
  readonly #state: MetadataState
  readonly #configs: EffectiveConfigs
  readonly #options: PartitionChangesOptions
  readonly #metadataVersion: number
  readonly #byTopic = new Map<string, TopicRules>()
  /** What this decision changed, by topic id and index. */
  readonly #after = new Map<string, PartitionInfo[]>()

  constructor({ state, config }: ControllerContext, options: PartitionChangesOptions = {}) {
    this.#state = state
    this.#configs = new EffectiveConfigs(config, options.configs ?? state)
    this.#options = options
    this.#metadataVersion = metadataVersionOf(state)
  }

  /** As it is after the changes so far. */
  current(topic: Topic, index: number): PartitionInfo | null {
    return this.#after.get(topic.id)?.[index] ?? topic.partitions[index] ?? null
  }

  /** Changes a partition of the state, and returns what it became, which is the same object if nothing changed. */
  change(topic: Topic, index: number, targets: PartitionTargets): PartitionInfo {
    const changed = getOrCreate(this.#after, topic.id, none)
    const before = changed[index] ?? topic.partitions[index]
    const change = changePartition(before, targets, this.#rulesOf(topic.name).rules)
    if (!change) return before
    const value = { ...change, partitionId: index, topicId: topic.id }
    this.records.push({
      kind: 'partitionChange',
      version: recordVersion('partitionChange', this.#metadataVersion),
      value,
    })
    const after = partitionAfter(before, value)
    changed[index] = after
    return after
  }

  /** A broker leaves the in-sync sets of these partitions; leaderships go to others. */
  withdraw(refs: Iterable<PartitionRef>, brokerId: number, options: { lostData?: boolean } = {}): void {
    for (const { topic, partition } of this.#resolve(refs)) {
      this.change(topic, partition.index, {
        isr: partition.isr.filter(id => id !== brokerId),
        election: this.electionOf(topic.name),
        ...(options.lostData ? { uncleanShutdown: brokerId } : {}),
      })
    }
  }

  /** Looks for leaders again, since something changed that is not in the partitions themselves. */
  reconsider(refs: Iterable<PartitionRef>): void {
    for (const { topic, partition } of this.#resolve(refs)) {
      this.change(topic, partition.index, { election: this.electionOf(topic.name) })
    }
  }

  /** Whether anybody alive may lead when nobody complete is left. */
  electionOf(topic: string): 'online' | 'unclean' {
    return this.#rulesOf(topic).unclean ? 'unclean' : 'online'
  }

  *#resolve(refs: Iterable<PartitionRef>): Generator<{ topic: Topic; partition: PartitionInfo }> {
    for (const { topicId, index } of refs) {
      const topic = this.#state.topicsById.get(topicId)
      const partition = topic && this.current(topic, index)
      if (topic && partition) yield { topic, partition }
    }
  }

  #rulesOf(topic: string): TopicRules {
    return this.#byTopic.get(topic) ?? this.#makeRules(topic)
  }

  #makeRules(topic: string): TopicRules {
    const made: TopicRules = {
      unclean: this.#configs.topicValue(topic, 'unclean.leader.election.enable'),
      rules: {
        canLead: (brokerId, directory) => this.#canLead(brokerId, directory),
        directoryOf: brokerId => directoryOf(this.#state, brokerId),
        minInsyncReplicas: this.#configs.topicValue(topic, 'min.insync.replicas'),
        elr: tracksElr(this.#state),
        namesDirectories: namesDirectories(this.#metadataVersion),
        shrinkOpensEpoch: bumpsEpochOnShrink(this.#metadataVersion),
      },
    }
    this.#byTopic.set(topic, made)
    return made
  }

  #canLead(brokerId: number, directory: string): boolean {
    const broker = this.#state.brokers.get(brokerId)
    if (!broker || !(this.#options.active?.get(brokerId) ?? isActive(broker))) return false
    if (directory === lostDirectory || this.#options.offlineDirectories?.has(directory)) return false
    return directory === unassignedDirectory || broker.logDirs.length === 0 || broker.logDirs.includes(directory)
  }
}

/** Where a new replica of this broker will live: known when it has one directory, otherwise it chooses and tells. */
export function directoryOf(state: MetadataState, brokerId: number): string {
  const directories = state.brokers.get(brokerId)?.logDirs ?? []
  return directories.length === 1 ? directories[0] : unassignedDirectory
}
