/** What can be told about a heartbeat without looking at its group. Throws KafkaError. */
import { Errors, KafkaError } from '../../../../protocol/errors.ts'
import type { GroupCluster } from '../cluster.ts'
import type { ConsumerHeartbeatEvent } from '../events.ts'
import type { GroupSettings } from '../settings.ts'
import { joinEpoch, leaveStaticEpoch } from './member.ts'
import { compileRegex } from './regex.ts'

export function isConsumerProtocolServed(settings: GroupSettings, cluster: GroupCluster): boolean {
  return settings.consumer.enabled && cluster.groupVersion() >= 1
}

function demand(condition: boolean, message: string): void {
  if (!condition) throw new KafkaError(Errors.INVALID_REQUEST, message)
}

const isGiven = (text: string) => text.trim() !== ''

export function checkHeartbeat(event: ConsumerHeartbeatEvent, settings: GroupSettings): void {
  const { memberEpoch, instanceId, rackId, subscribedTopicRegex } = event
  demand(isGiven(event.groupId), "GroupId can't be empty.")
  const needsId = event.memberIdRequired || memberEpoch !== joinEpoch
  demand(!needsId || isGiven(event.memberId), "MemberId can't be empty.")
  demand(instanceId === null || isGiven(instanceId), "InstanceId can't be empty.")
  demand(rackId === null || isGiven(rackId), "RackId can't be empty.")
  demand(memberEpoch >= leaveStaticEpoch, 'MemberEpoch is invalid.')
  if (memberEpoch === leaveStaticEpoch) {
    demand(instanceId !== null, "InstanceId can't be null.")
  }
  if (memberEpoch === joinEpoch) {
    demand(event.rebalanceTimeoutMs !== -1, 'RebalanceTimeoutMs must be provided in first request.')
    demand(event.topicPartitions?.length === 0, 'TopicPartitions must be empty when (re-)joining.')
    demand(
      event.subscribedTopicNames !== null || subscribedTopicRegex !== null,
      'Either SubscribedTopicNames or SubscribedTopicRegex must be non-null when (re-)joining.',
    )
  }
  const { assignors } = settings.consumer
  if (event.serverAssignor !== null && !assignors.includes(event.serverAssignor)) {
    throw new KafkaError(
      Errors.UNSUPPORTED_ASSIGNOR,
      `ServerAssignor ${event.serverAssignor} is not supported. Supported assignors: ${assignors.join(', ')}.`,
    )
  }
  if (subscribedTopicRegex) compileRegex(subscribedTopicRegex)
}
