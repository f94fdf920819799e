/**
 * ElectLeaders, versions 0-2.
 *
 * - Preferred leaders; v1 also unclean elections, for partitions without a leader. Null means every partition that needs it.
 * - By partition: ELECTION_NOT_NEEDED, PREFERRED_LEADER_NOT_AVAILABLE, ELIGIBLE_LEADERS_NOT_AVAILABLE.
 * - Answered when the election is committed; the timeout of the request never runs out before.
 */
import { Errors } from '../../protocol/errors.ts'
import { electLeaders } from '../../protocol/messages/43-elect-leaders.ts'
import { defineHandler } from './define.ts'

const preferred = 0

export const handler = defineHandler(
  electLeaders,
  '0-2',
  async ({ electionType, topicPartitions }, context) => {
    const type = context.version === 0 ? preferred : electionType
    const elected = await context.broker.controller.electLeaders(type, topicPartitions)
    return {
      errorCode: Errors.NONE,
      replicaElectionResults: elected.map(({ topic, partitions }) => ({
        topic,
        partitionResult: partitions.map(({ partitionIndex, errorCode, errorMessage }) => ({
          partitionId: partitionIndex,
          errorCode,
          errorMessage,
        })),
      })),
    }
  },
  {
    forward: {},
    failed: (request, error) => ({
      errorCode: error.code,
      replicaElectionResults: (request.topicPartitions ?? []).map(({ topic, partitions }) => ({
        topic,
        partitionResult: partitions.map(partitionId => ({
          partitionId,
          errorCode: error.code,
          errorMessage: error.detail,
        })),
      })),
    }),
  },
)
