/**
 * Ottla as a test double: a real broker with a journal, hooks on requests, a clock to move, and a way back.
 *
 *     await using broker = await startTestBroker()
 *     broker.on('Produce').once().afterActing().disconnect()   // written, but nobody is told
 */
import { TestBroker, type TestBrokerOptions } from './test-broker.ts'
import { TestCluster, type TestClusterOptions } from './test-cluster.ts'

export type { ErrorName } from '../../protocol/errors.ts'
export type { ClusterBroker, StopOptions } from '../cluster/cluster.ts'
export { ConfigError } from '../config/broker.ts'
export type { LogLevel } from '../host/node.ts'
export type { ApiName, NewResponse, RequestBody, ResponseBody } from './bodies.ts'
export type { NewRecord, ReadOptions, StoredRecord, TopicOptions } from './contents.ts'
export type { Exchange, Outcome } from './exchange.ts'
export type { GroupMember, GroupOffset, GroupState, NewOffset } from './groups.ts'
export type { FailOptions, Hook, Rule } from './hooks.ts'
export type { Journal, JournalLimits, WaitOptions } from './journal.ts'
export type { NamedPart } from './parts.ts'
export { type Release, releases } from './releases.ts'
export type { TestConnection } from './seat.ts'
export { Snapshot } from './snapshot.ts'
export { TestBroker, type TestBrokerOptions } from './test-broker.ts'
export type { TestClock } from './test-clock.ts'
export { type Coordinated, TestCluster, type TestClusterOptions } from './test-cluster.ts'
export { type DoubleOptions, TestDouble } from './test-double.ts'
export type { ApiRanges, Emulation } from './version-caps.ts'
export type { Apis, Name, Where } from './where.ts'

/** Starts a broker for a test; resolves when it takes clients. Throws ConfigError for settings that are wrong. */
export function startTestBroker(options: TestBrokerOptions = {}): Promise<TestBroker> {
  return TestBroker.start(options)
}

/** Starts a cluster for a test; resolves when every broker takes clients. Throws ConfigError for settings that are wrong. */
export function startTestCluster(options: TestClusterOptions = {}): Promise<TestCluster> {
  return TestCluster.start(options)
}
