import type { Test } from 'tap'
import { Errors, KafkaError } from '../../protocol/errors.ts'
import { describeAcls, heartbeat, metadata, produce } from '../../protocol/index.ts'
import { handler as apiVersionsHandler } from '../../src/api/18-api-versions.ts'
import { defineHandler, type Handler } from '../../src/api/define.ts'
import { Dispatcher } from '../../src/api/dispatch.ts'
import type { Rooms } from '../../src/api/request.ts'
import { parseBrokerConfig } from '../../src/config/broker.ts'
import { nodeHost } from '../../src/host/node.ts'
import { MetadataState } from '../../src/metadata/state.ts'
import { type NetworkLimits, networkLimits } from '../../src/network/limits.ts'
import { type ListenerSettings, Listeners } from '../../src/network/listener.ts'
import { CloseConnection } from '../../src/network/peer.ts'
import { ClientQuotas } from '../../src/quota/client-quotas.ts'
import { type LogLine, recordingLogger } from './recording-logger.ts'

/** What requests of the test handlers do, by the id they carry. */
export const behaviours = {
  kafkaError: 'kafka-error',
  bug: 'bug',
  close: 'close',
  slow: 'slow',
} as const

/** Heartbeat answers by the group id it is asked for; Metadata echoes; Produce never answers. */
const testHandlers: readonly Handler[] = [
  apiVersionsHandler,
  defineHandler(heartbeat, '0-4', async ({ groupId }) => {
    if (groupId === behaviours.kafkaError) throw new KafkaError(Errors.REBALANCE_IN_PROGRESS)
    if (groupId === behaviours.bug) throw new TypeError('undefined is not a function')
    if (groupId === behaviours.close) throw new CloseConnection('asked to')
    return { errorCode: Errors.NONE }
  }),
  defineHandler(metadata, '0-13', ({ topics }, context) => ({
    brokers: [{ nodeId: 1, host: context.peer.listener.advertisedHost, port: context.peer.listener.advertisedPort }],
    clusterId: context.clientId,
    controllerId: topics?.length ?? -1,
    topics: [],
    errorCode: Errors.NONE,
  })),
  defineHandler(describeAcls, '1-3', () => {
    throw new TypeError('a bug that is found at once')
  }),
  defineHandler(produce, '0-13', () => null),
]

export interface Harness {
  readonly port: number
  readonly listeners: Listeners
  readonly lines: LogLine[]
}

export const plaintext: ListenerSettings = {
  name: 'PLAINTEXT',
  securityProtocol: 'PLAINTEXT',
  host: '127.0.0.1',
  port: 0,
  advertisedHost: null,
  advertisedPort: null,
  kind: 'broker',
  privileged: false,
}

/** Real sockets, the real dispatcher, and a few handlers that need no broker behind them. */
export async function startHarness(t: Test, limits: Partial<NetworkLimits> = {}): Promise<Harness> {
  const lines: LogLine[] = []
  const host = nodeHost({ logger: recordingLogger(lines) })
  const rooms = {
    host,
    nodeId: 1,
    clusterId: 'test',
    quotas: new ClientQuotas(parseBrokerConfig(new Map()), new MetadataState()),
    features: {
      supported: [
        { name: 'metadata.version', minVersion: 7, maxVersion: 30 },
        { name: 'group.version', minVersion: 0, maxVersion: 1 },
      ],
      finalized: () =>
        new Map([
          ['metadata.version', 30],
          ['group.version', 0],
        ]),
      finalizedEpoch: () => 42,
    },
  }
  const dispatcher = new Dispatcher(testHandlers, rooms as unknown as Rooms)
  const listeners = new Listeners(host, { ...networkLimits, drainMs: 200, ...limits }, (frame, peer, turn) =>
    dispatcher.serve(frame, peer, turn),
  )
  const { port } = await listeners.open(plaintext)
  t.teardown(() => listeners.close())
  return { port, listeners, lines }
}
