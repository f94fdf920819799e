/**
 * DescribeAcls, versions 0-3.
 *
 * - SECURITY_DISABLED: this broker has no authorizer, as Kafka answers without one.
 */
import { Errors } from '../../protocol/errors.ts'
import { describeAcls } from '../../protocol/messages/29-describe-acls.ts'
import { defineHandler } from './define.ts'

export const handler = defineHandler(describeAcls, '0-3', () => ({
  errorCode: Errors.SECURITY_DISABLED,
  errorMessage: 'No Authorizer is configured on the broker',
  resources: [],
}))
