import t from 'tap'
import { Errors } from '../../protocol/errors.ts'
import { handler } from '../../src/api/60-describe-cluster.ts'
import type { RequestContext } from '../../src/api/request.ts'

const endpoints = (port: number) => [
  { name: 'INSIDE', host: 'inside', port, securityProtocol: 0 },
  { name: 'OUTSIDE', host: 'outside', port: port + 1, securityProtocol: 0 },
]

const brokers = [
  { id: 3, fenced: true, rack: null, endpoints: endpoints(300) },
  { id: 2, fenced: false, rack: 'r2', endpoints: endpoints(200) },
  { id: 1, fenced: false, rack: null, endpoints: endpoints(100) },
  { id: 4, fenced: false, rack: null, endpoints: [] },
]

function contextOn(listener: string, kind: 'broker' | 'controller' = 'broker'): RequestContext {
  const context = {
    version: 2,
    peer: { listener: { name: listener, kind, advertisedHost: `${listener.toLowerCase()}-self`, advertisedPort: 9 } },
    broker: {
      nodeId: 1,
      clusterId: 'c',
      quorum: { leaderId: 2 },
      metadata: {
        brokers: new Map(brokers.map(each => [each.id, each])),
        controllers: new Map(brokers.map(each => [each.id, each])),
      },
    },
  }
  return context as unknown as RequestContext
}

const plain = { includeClusterAuthorizedOperations: false, endpointType: 1, includeFencedBrokers: false }

t.test('brokers by the listener the client came in by', async t => {
  t.same(await handler.handle(plain, contextOn('INSIDE')), {
    errorCode: 0,
    endpointType: 1,
    clusterId: 'c',
    controllerId: 1,
    brokers: [
      { brokerId: 1, host: 'inside-self', port: 9, rack: null, isFenced: false },
      { brokerId: 2, host: 'inside', port: 200, rack: 'r2', isFenced: false },
    ],
    clusterAuthorizedOperations: -(2 ** 31),
  })
  t.match(await handler.handle(plain, contextOn('OUTSIDE')), {
    brokers: [{ host: 'outside-self' }, { host: 'outside', port: 201 }],
  })
})

t.test('fenced brokers and operations when asked for', async t => {
  const request = { ...plain, includeFencedBrokers: true, includeClusterAuthorizedOperations: true }
  t.match(await handler.handle(request, contextOn('INSIDE')), {
    brokers: [{ brokerId: 1 }, { brokerId: 2 }, { brokerId: 3, host: 'inside', isFenced: true }],
    clusterAuthorizedOperations: 8096,
  })
})

t.test('controllers on the listeners of controllers', async t => {
  t.throws(() => handler.handle({ ...plain, endpointType: 2 }, contextOn('INSIDE')), {
    code: Errors.MISMATCHED_ENDPOINT_TYPE,
  })
  t.throws(() => handler.handle({ ...plain, endpointType: 9 }, contextOn('INSIDE')), {
    code: Errors.UNSUPPORTED_ENDPOINT_TYPE,
  })
  t.throws(() => handler.handle(plain, contextOn('OUTSIDE', 'controller')), {
    code: Errors.MISMATCHED_ENDPOINT_TYPE,
  })
  t.match(await handler.handle({ ...plain, endpointType: 2 }, contextOn('OUTSIDE', 'controller')), {
    endpointType: 2,
    controllerId: 2,
    brokers: [
      { brokerId: 1, host: 'outside', port: 101, rack: null },
      { brokerId: 2, port: 201 },
      { brokerId: 3, port: 301 },
    ],
  })
})
