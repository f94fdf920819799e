/**
 * ConsumerGroupDescribe, versions 0-1 (KIP-848).
 *
 * - Groups of the consumer protocol with their epochs, members, current and target assignments. Any other group is
 *   GROUP_ID_NOT_FOUND: administrators then ask DescribeGroups.
 * - Authorized operations: without an authorizer everything is allowed. v1 tells which protocol each member speaks.
 */
import { Errors } from '../../protocol/errors.ts'
import { consumerGroupDescribe } from '../../protocol/messages/69-consumer-group-describe.ts'
import { allOperations, operationsNotAsked } from './authorized-operations.ts'
import { defineHandler } from './define.ts'

export const handler = defineHandler(
  consumerGroupDescribe,
  '0-1',
  async (request, { broker }) => {
    const groups = await broker.coordinators.describeConsumers(request.groupIds)
    return {
      groups: groups.map(group => {
        const told = request.includeAuthorizedOperations && group.errorCode === Errors.NONE
        return { ...group, authorizedOperations: told ? allOperations.group : operationsNotAsked }
      }),
    }
  },
  {
    failed: (request, { code: errorCode, detail: errorMessage }) => ({
      groups: request.groupIds.map(groupId => ({
        errorCode,
        errorMessage,
        groupId,
        groupState: '',
        groupEpoch: 0,
        assignmentEpoch: 0,
        assignorName: '',
        members: [],
      })),
    }),
  },
)
