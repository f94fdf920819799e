/** The requests of the consumer protocol: whose group they are for, and the answer when they are refused. */
import { Errors, KafkaError } from '../../../../protocol/errors.ts'
import type { DecideContext, Ticket } from '../../../machine/machine.ts'
import type { ClassicGroup } from '../classic-group.ts'
import type { GroupCluster } from '../cluster.ts'
import { type GroupOutcome, joined } from '../draft.ts'
import type { ConsumerHeartbeatEvent } from '../events.ts'
import { consumerHeartbeatError } from '../replies.ts'
import type { GroupSettings } from '../settings.ts'
import { checkHeartbeat, isConsumerProtocolServed } from './checks.ts'
import { ConsumerDraft } from './draft.ts'
import { ConsumerGroup } from './group.ts'
import { heartbeat } from './heartbeat.ts'
import { leave } from './leave.ts'
import { joinEpoch } from './member.ts'
import { checkUpgrade, endClassicGroup, upgrade } from './upgrade.ts'

export interface Deciding {
  readonly context: DecideContext
  readonly settings: GroupSettings
  readonly cluster: GroupCluster
}

export function decideHeartbeat(
  group: ClassicGroup | ConsumerGroup | null,
  event: ConsumerHeartbeatEvent,
  ticket: Ticket,
  deciding: Deciding,
): GroupOutcome {
  try {
    const { context, settings, cluster } = deciding
    if (!isConsumerProtocolServed(settings, cluster)) throw new KafkaError(Errors.UNSUPPORTED_VERSION)
    checkHeartbeat(event, settings)
    const { draft, before } = draftFor(group, event, deciding)
    if (event.memberEpoch < joinEpoch) leave(draft, event, ticket)
    else heartbeat(draft, event, event.memberId || context.random.uuid(), ticket)
    return before ? joined(before, draft.outcome()) : draft.outcome()
  } catch (error) {
    if (!(error instanceof KafkaError)) throw error
    return { records: [], replies: [[ticket, consumerHeartbeatError(error.code, error.detail)]], timers: {} }
  }
}

interface Drafted {
  readonly draft: ConsumerDraft
  /** The end of the classic group that it was. */
  readonly before: GroupOutcome | null
}

/** A group of another kind becomes one of the consumer protocol when somebody joins that way. */
function draftFor(
  group: ClassicGroup | ConsumerGroup | null,
  event: ConsumerHeartbeatEvent,
  deciding: Deciding,
): Drafted {
  const { context, settings, cluster } = deciding
  const { groupId, memberEpoch } = event
  if (group instanceof ConsumerGroup) {
    return { draft: new ConsumerDraft(group, context, settings, cluster), before: null }
  }
  if (memberEpoch !== joinEpoch) {
    const missing = memberEpoch < joinEpoch ? `Group ${groupId} not found.` : `Consumer group ${groupId} not found.`
    throw new KafkaError(Errors.GROUP_ID_NOT_FOUND, group ? `Group ${groupId} is not a consumer group.` : missing)
  }
  const draft = new ConsumerDraft(new ConsumerGroup(groupId), context, settings, cluster)
  if (!group) return { draft, before: null }
  if (group.members.size > 0) {
    checkUpgrade(group, settings)
    upgrade(group, draft)
  }
  return { draft, before: endClassicGroup(group, draft) }
}
