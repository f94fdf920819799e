/** ConsumerGroupDescribe: a group of the consumer protocol as administrators see it. */
import { Errors } from '../../../../protocol/errors.ts'
import type { GroupCluster } from '../cluster.ts'
import type { DescribedConsumerGroup } from '../events.ts'
import type { ConsumerGroup } from './group.ts'
import type { Assignment, ConsumerMember } from './member.ts'
import { assignmentOf } from './reconcile.ts'
import { assignorOf } from './target.ts'

const memberTypes = { classic: 0, consumer: 1 } as const

export function describeConsumerGroup(
  group: ConsumerGroup,
  offeredAssignors: readonly string[],
  cluster: GroupCluster,
): DescribedConsumerGroup {
  const describeMember = (member: ConsumerMember) => ({
    memberId: member.id,
    instanceId: member.instanceId,
    rackId: member.rackId,
    memberEpoch: member.memberEpoch,
    clientId: member.clientId,
    clientHost: member.clientHost,
    subscribedTopicNames: [...member.subscribedTopicNames],
    subscribedTopicRegex: member.subscribedTopicRegex ?? '',
    assignment: { topicPartitions: named(heldBy(member), cluster) },
    targetAssignment: { topicPartitions: named(group.targetOf(member.id), cluster) },
    memberType: member.classic ? memberTypes.classic : memberTypes.consumer,
  })
  return {
    errorCode: Errors.NONE,
    errorMessage: null,
    groupId: group.id,
    groupState: group.state,
    groupEpoch: group.epoch,
    assignmentEpoch: group.assignmentEpoch,
    assignorName: assignorOf(group, offeredAssignors),
    members: [...group.members.values()].map(describeMember),
  }
}

/** What it has not given up yet is still its own. */
function heldBy({ assigned, revoking }: ConsumerMember): Assignment {
  if (revoking.size === 0) return assignmentOf(assigned)
  const held = new Map([...assigned].map(([topicId, partitions]) => [topicId, new Map(partitions)]))
  for (const [topicId, partitions] of revoking) {
    held.set(topicId, new Map([...(held.get(topicId) ?? []), ...partitions]))
  }
  return assignmentOf(held)
}

/** Topics that are gone by now are left out. */
function named(assignment: Assignment, cluster: GroupCluster) {
  return [...assignment].flatMap(([topicId, partitions]) => {
    const topicName = cluster.topicName(topicId)
    return topicName === null ? [] : [{ topicId, topicName, partitions: [...partitions] }]
  })
}
