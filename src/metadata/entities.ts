/** What the cluster consists of, as the metadata records describe it. */

export interface Topic {
  readonly name: string
  /** 22 characters of base64url. */
  readonly id: string
  /** By partition index. Grows and changes in place while the topic lives. */
  readonly partitions: readonly PartitionInfo[]
}

export interface PartitionInfo {
  readonly index: number
  readonly replicas: readonly number[]
  /** The log directory of each replica. */
  readonly directories: readonly string[]
  readonly isr: readonly number[]
  readonly removingReplicas: readonly number[]
  readonly addingReplicas: readonly number[]
  /** Replicas that may lead although they are not in sync (KIP-966). */
  readonly eligibleLeaderReplicas: readonly number[]
  readonly lastKnownElr: readonly number[]
  /** -1: none. */
  readonly leader: number
  /** Goes up when the leader changes. */
  readonly leaderEpoch: number
  /** Goes up with every change. */
  readonly partitionEpoch: number
  /** 1 while a leader that was elected uncleanly still recovers. */
  readonly leaderRecoveryState: number
}

export interface Endpoint {
  readonly name: string
  readonly host: string
  readonly port: number
  /** 0 PLAINTEXT, 1 SSL, 2 SASL_PLAINTEXT, 3 SASL_SSL. */
  readonly securityProtocol: number
}

export interface FeatureRange {
  readonly name: string
  readonly minSupportedVersion: number
  readonly maxSupportedVersion: number
}

export interface Broker {
  readonly id: number
  /** Offset of the record that registered it. */
  readonly epoch: number
  /** Made anew each time the broker starts. */
  readonly incarnationId: string
  readonly endpoints: readonly Endpoint[]
  readonly features: readonly FeatureRange[]
  readonly rack: string | null
  /** Takes no clients and leads nothing. */
  readonly fenced: boolean
  readonly inControlledShutdown: boolean
  readonly logDirs: readonly string[]
  readonly cordonedLogDirs: readonly string[] | null
}

export interface ClusterController {
  readonly id: number
  readonly incarnationId: string
  readonly endpoints: readonly Endpoint[]
  readonly features: readonly FeatureRange[]
  readonly zkMigrationReady: boolean
}

export interface QuotaEntityPart {
  readonly entityType: string
  /** Null for the default of this type. */
  readonly entityName: string | null
}

export interface Quota {
  readonly entity: readonly QuotaEntityPart[]
  readonly values: ReadonlyMap<string, number>
}

export interface ScramCredential {
  readonly name: string
  /** 1 SCRAM-SHA-256, 2 SCRAM-SHA-512. */
  readonly mechanism: number
  readonly salt: Buffer
  readonly storedKey: Buffer
  readonly serverKey: Buffer
  readonly iterations: number
}

export interface Acl {
  readonly id: string
  readonly resourceType: number
  readonly resourceName: string
  readonly patternType: number
  readonly principal: string
  readonly host: string
  readonly operation: number
  readonly permissionType: number
}

export interface DelegationToken {
  readonly owner: string
  readonly requester: string
  readonly renewers: readonly string[]
  readonly issueTimestamp: number
  readonly maxTimestamp: number
  readonly expirationTimestamp: number
  readonly tokenId: string
}
