/** What one event does to one group of the consumer protocol: its records are applied to a clone as they are decided. */
import type { DecideContext } from '../../../machine/machine.ts'
import type { GroupCluster } from '../cluster.ts'
import { BaseDraft, type Draft, type GroupOutcome, joined } from '../draft.ts'
import type { GroupSettings } from '../settings.ts'
import type { ConsumerGroup } from './group.ts'
import type { ConsumerRecord } from './records.ts'

export class ConsumerDraft extends BaseDraft {
  readonly cluster: GroupCluster
  #group: ConsumerGroup
  #edited = false
  #successor: Draft | null = null

  constructor(group: ConsumerGroup, context: DecideContext, settings: GroupSettings, cluster: GroupCluster) {
    super(group.id, context, settings)
    this.#group = group
    this.cluster = cluster
  }

  /** The group as this event has left it so far; changed through `write` only. */
  get group(): ConsumerGroup {
    return this.#group
  }

  write(record: ConsumerRecord): void {
    if (!this.#edited) this.#group = this.#group.clone()
    this.#edited = true
    this.#group.apply(record)
    this.record(record)
  }

  /** The group has become a classic one, to which the rest happens. */
  become(successor: Draft): void {
    this.#successor = successor
  }

  override outcome(): GroupOutcome {
    const outcome = super.outcome()
    return this.#successor ? joined(outcome, this.#successor.outcome()) : outcome
  }
}
