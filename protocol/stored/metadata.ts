/**
 * Records of the metadata log. Stored as the unsigned varints 1 (frame version), record type and version, then
 * the body.
 */
import { array, bool, bytes, float64, int8, int16, int32, int64, message, string, uint16, uuid } from '../schema.ts'

export const registerBrokerRecord = message(
  'RegisterBrokerRecord',
  '0-4',
  { flexible: '0+', type: 0 },
  {
    brokerId: int32('0+'),
    isMigratingZkBroker: bool('2+', { default: false }),
    incarnationId: uuid('0+'),
    brokerEpoch: int64('0+'),
    endPoints: array('0+', {
      name: string('0+'),
      host: string('0+'),
      port: uint16('0+'),
      securityProtocol: int16('0+'),
    }),
    features: array('0+', {
      name: string('0+'),
      minSupportedVersion: int16('0+'),
      maxSupportedVersion: int16('0+'),
    }),
    rack: string('0+', { nullable: '0+' }),
    fenced: bool('0+', { default: true }),
    inControlledShutdown: bool('1+', { default: false }),
    logDirs: array('3+', 'uuid', { tag: 0 }),
    cordonedLogDirs: array('4+', 'uuid', { nullable: '4+', default: null, tag: 1 }),
  },
)

export const unregisterBrokerRecord = message(
  'UnregisterBrokerRecord',
  '0',
  { flexible: '0+', type: 1 },
  {
    brokerId: int32('0+'),
    brokerEpoch: int64('0+'),
  },
)

export const topicRecord = message(
  'TopicRecord',
  '0',
  { flexible: '0+', type: 2 },
  {
    name: string('0+'),
    topicId: uuid('0+'),
  },
)

export const partitionRecord = message(
  'PartitionRecord',
  '0-2',
  { flexible: '0+', type: 3 },
  {
    partitionId: int32('0+', { default: -1 }),
    topicId: uuid('0+'),
    replicas: array('0+', 'int32'),
    isr: array('0+', 'int32'),
    removingReplicas: array('0+', 'int32'),
    addingReplicas: array('0+', 'int32'),
    leader: int32('0+', { default: -1 }),
    leaderRecoveryState: int8('0+', { default: 0, tag: 0 }),
    leaderEpoch: int32('0+', { default: -1 }),
    partitionEpoch: int32('0+', { default: -1 }),
    directories: array('1+', 'uuid'),
    eligibleLeaderReplicas: array('2+', 'int32', { nullable: '2+', default: null, tag: 1 }),
    lastKnownElr: array('2+', 'int32', { nullable: '2+', default: null, tag: 2 }),
  },
)

export const configRecord = message(
  'ConfigRecord',
  '0',
  { flexible: '0+', type: 4 },
  {
    resourceType: int8('0+'),
    resourceName: string('0+'),
    name: string('0+'),
    value: string('0+', { nullable: '0+' }),
  },
)

export const partitionChangeRecord = message(
  'PartitionChangeRecord',
  '0-2',
  { flexible: '0+', type: 5 },
  {
    partitionId: int32('0+', { default: -1 }),
    topicId: uuid('0+'),
    isr: array('0+', 'int32', { nullable: '0+', default: null, tag: 0 }),
    leader: int32('0+', { default: -2, tag: 1 }),
    replicas: array('0+', 'int32', { nullable: '0+', default: null, tag: 2 }),
    removingReplicas: array('0+', 'int32', { nullable: '0+', default: null, tag: 3 }),
    addingReplicas: array('0+', 'int32', { nullable: '0+', default: null, tag: 4 }),
    leaderRecoveryState: int8('0+', { default: -1, tag: 5 }),
    directories: array('1+', 'uuid', { nullable: '1+', default: null, tag: 8 }),
    eligibleLeaderReplicas: array('2+', 'int32', { nullable: '2+', default: null, tag: 6 }),
    lastKnownElr: array('2+', 'int32', { nullable: '2+', default: null, tag: 7 }),
  },
)

export const fenceBrokerRecord = message(
  'FenceBrokerRecord',
  '0',
  { flexible: '0+', type: 7 },
  {
    id: int32('0+'),
    epoch: int64('0+'),
  },
)

export const unfenceBrokerRecord = message(
  'UnfenceBrokerRecord',
  '0',
  { flexible: '0+', type: 8 },
  {
    id: int32('0+'),
    epoch: int64('0+'),
  },
)

export const removeTopicRecord = message(
  'RemoveTopicRecord',
  '0',
  { flexible: '0+', type: 9 },
  {
    topicId: uuid('0+'),
  },
)

export const delegationTokenRecord = message(
  'DelegationTokenRecord',
  '0',
  { flexible: '0+', type: 10 },
  {
    owner: string('0+'),
    requester: string('0+'),
    renewers: array('0+', 'string'),
    issueTimestamp: int64('0+'),
    maxTimestamp: int64('0+'),
    expirationTimestamp: int64('0+'),
    tokenId: string('0+'),
  },
)

export const userScramCredentialRecord = message(
  'UserScramCredentialRecord',
  '0',
  { flexible: '0+', type: 11 },
  {
    name: string('0+'),
    mechanism: int8('0+'),
    salt: bytes('0+'),
    storedKey: bytes('0+'),
    serverKey: bytes('0+'),
    iterations: int32('0+'),
  },
)

export const featureLevelRecord = message(
  'FeatureLevelRecord',
  '0',
  { flexible: '0+', type: 12 },
  {
    name: string('0+'),
    featureLevel: int16('0+'),
  },
)

export const clientQuotaRecord = message(
  'ClientQuotaRecord',
  '0',
  { flexible: '0+', type: 14 },
  {
    entity: array('0+', {
      entityType: string('0+'),
      entityName: string('0+', { nullable: '0+' }),
    }),
    key: string('0+'),
    value: float64('0+'),
    remove: bool('0+'),
  },
)

export const producerIdsRecord = message(
  'ProducerIdsRecord',
  '0',
  { flexible: '0+', type: 15 },
  {
    brokerId: int32('0+'),
    brokerEpoch: int64('0+', { default: -1 }),
    nextProducerId: int64('0+'),
  },
)

export const brokerRegistrationChangeRecord = message(
  'BrokerRegistrationChangeRecord',
  '0-3',
  { flexible: '0+', type: 17 },
  {
    brokerId: int32('0+'),
    brokerEpoch: int64('0+'),
    fenced: int8('0+', { tag: 0 }),
    inControlledShutdown: int8('1+', { tag: 1 }),
    logDirs: array('2+', 'uuid', { tag: 2 }),
    cordonedLogDirs: array('3+', 'uuid', { nullable: '3+', default: null, tag: 3 }),
  },
)

export const accessControlEntryRecord = message(
  'AccessControlEntryRecord',
  '0',
  { flexible: '0+', type: 18 },
  {
    id: uuid('0+'),
    resourceType: int8('0+'),
    resourceName: string('0+'),
    patternType: int8('0+'),
    principal: string('0+'),
    host: string('0+'),
    operation: int8('0+'),
    permissionType: int8('0+'),
  },
)

export const removeAccessControlEntryRecord = message(
  'RemoveAccessControlEntryRecord',
  '0',
  { flexible: '0+', type: 19 },
  {
    id: uuid('0+'),
  },
)

/** Written by an idle controller so that the high watermark moves. */
export const noOpRecord = message('NoOpRecord', '0', { flexible: '0+', type: 20 }, {})

export const zkMigrationStateRecord = message(
  'ZkMigrationStateRecord',
  '0',
  { flexible: '0+', type: 21 },
  {
    zkMigrationState: int8('0+'),
  },
)

export const removeUserScramCredentialRecord = message(
  'RemoveUserScramCredentialRecord',
  '0',
  { flexible: '0+', type: 22 },
  {
    name: string('0+'),
    mechanism: int8('0+'),
  },
)

export const beginTransactionRecord = message(
  'BeginTransactionRecord',
  '0',
  { flexible: '0+', type: 23 },
  {
    name: string('0+', { nullable: '0+', default: null, tag: 0 }),
  },
)

export const endTransactionRecord = message('EndTransactionRecord', '0', { flexible: '0+', type: 24 }, {})

export const abortTransactionRecord = message(
  'AbortTransactionRecord',
  '0',
  { flexible: '0+', type: 25 },
  {
    reason: string('0+', { nullable: '0+', default: null, tag: 0 }),
  },
)

export const removeDelegationTokenRecord = message(
  'RemoveDelegationTokenRecord',
  '0',
  { flexible: '0+', type: 26 },
  {
    tokenId: string('0+'),
  },
)

export const registerControllerRecord = message(
  'RegisterControllerRecord',
  '0',
  { flexible: '0+', type: 27 },
  {
    controllerId: int32('0+'),
    incarnationId: uuid('0+'),
    zkMigrationReady: bool('0+'),
    endPoints: array('0+', {
      name: string('0+'),
      host: string('0+'),
      port: uint16('0+'),
      securityProtocol: int16('0+'),
    }),
    features: array('0+', {
      name: string('0+'),
      minSupportedVersion: int16('0+'),
      maxSupportedVersion: int16('0+'),
    }),
  },
)

export const clearElrRecord = message(
  'ClearElrRecord',
  '0',
  { flexible: '0+', type: 28 },
  {
    topicName: string('0+'),
  },
)
