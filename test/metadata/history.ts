import type { MetadataRecord, RecordKind, ValueOfKind } from '../../src/metadata/records.ts'
import { MetadataState } from '../../src/metadata/state.ts'

export function record<K extends RecordKind>(kind: K, value: ValueOfKind<K>, version = 0): MetadataRecord {
  return { kind, version, value } as MetadataRecord
}

export function partition(
  topicId: string,
  partitionId: number,
  change: Partial<ValueOfKind<'partition'>> = {},
): MetadataRecord {
  return record(
    'partition',
    {
      partitionId,
      topicId,
      replicas: [1],
      isr: [1],
      removingReplicas: [],
      addingReplicas: [],
      leader: 1,
      leaderRecoveryState: 0,
      leaderEpoch: 0,
      partitionEpoch: 0,
      directories: ['BBBBBBBBBBBBBBBBBBBBBA'],
      eligibleLeaderReplicas: null,
      lastKnownElr: null,
      ...change,
    },
    2,
  )
}

export function partitionChange(
  topicId: string,
  partitionId: number,
  change: Partial<ValueOfKind<'partitionChange'>>,
): MetadataRecord {
  return record(
    'partitionChange',
    {
      partitionId,
      topicId,
      isr: null,
      leader: -2,
      replicas: null,
      removingReplicas: null,
      addingReplicas: null,
      leaderRecoveryState: -1,
      directories: null,
      eligibleLeaderReplicas: null,
      lastKnownElr: null,
      ...change,
    },
    2,
  )
}

export function broker(brokerId: number, change: Partial<ValueOfKind<'registerBroker'>> = {}): MetadataRecord {
  return record(
    'registerBroker',
    {
      brokerId,
      isMigratingZkBroker: false,
      incarnationId: 'CCCCCCCCCCCCCCCCCCCCCA',
      brokerEpoch: 7,
      endPoints: [{ name: 'PLAINTEXT', host: 'a', port: 9092, securityProtocol: 0 }],
      features: [],
      rack: null,
      fenced: true,
      inControlledShutdown: false,
      logDirs: ['BBBBBBBBBBBBBBBBBBBBBA'],
      cordonedLogDirs: null,
      ...change,
    },
    4,
  )
}

export function replay(records: Iterable<MetadataRecord>, state = new MetadataState()): MetadataState {
  let offset = state.lastOffset
  for (const each of records) state.apply(each, ++offset, 1, 1000)
  return state
}

/** Everything a state holds, as plain data that can be compared. */
export function contents(state: MetadataState): object {
  const sorted = <V>(map: ReadonlyMap<string | number, V>) =>
    [...map].sort(([a], [b]) => (String(a) < String(b) ? -1 : 1))
  return {
    topics: sorted(state.topics),
    byId: sorted(state.topicsById).map(([id, topic]) => [id, topic.name]),
    brokers: sorted(state.brokers),
    controllers: sorted(state.controllers),
    configs: sorted(state.configs).map(([key, values]) => [key, sorted(values)]),
    features: sorted(state.features),
    quotas: sorted(state.quotas).map(([key, { entity, values }]) => [key, entity, sorted(values)]),
    scram: sorted(state.scramCredentials),
    acls: sorted(state.acls),
    tokens: sorted(state.delegationTokens),
    nextProducerId: state.nextProducerId,
  }
}
