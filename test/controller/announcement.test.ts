import t from 'tap'
import { Errors, KafkaError } from '../../protocol/errors.ts'
import type { AnyApi, controllerRegistration, DecodedResponseOf, RequestInputOf } from '../../protocol/index.ts'
import { Announcement } from '../../src/controller/announcement.ts'
import { MetadataState } from '../../src/metadata/state.ts'
import { simHost } from '../sim/host.ts'

/** A controller whose announcements are answered one after the other; null is no answer. */
function world(answers: (number | null)[]) {
  const host = simHost(1)
  const metadata = new MetadataState()
  const asked: RequestInputOf<typeof controllerRegistration>[] = []
  const channel = {
    request: async <A extends AnyApi>(_api: A, body: RequestInputOf<A>) => {
      asked.push(body as unknown as RequestInputOf<typeof controllerRegistration>)
      const errorCode = answers.shift() ?? null
      if (errorCode === null) throw new KafkaError(Errors.REQUEST_TIMED_OUT)
      return { throttleTimeMs: 0, errorCode, errorMessage: null } as unknown as DecodedResponseOf<A>
    },
  }
  const endpoints = [{ name: 'CONTROLLER', host: 'h', port: 9093, securityProtocol: 0 }]
  const announcement = new Announcement({ host, channel, nodeId: 3, endpoints, features: [], metadata })
  return { host, metadata, asked, announcement }
}

t.test('tried until somebody takes it, under the same incarnation', async t => {
  const { host, asked } = world([null, Errors.NOT_CONTROLLER, Errors.NONE])
  await host.clock.advance(10_000)
  t.equal(asked.length, 3)
  t.match(asked[0], { controllerId: 3, listeners: [{ name: 'CONTROLLER', host: 'h', port: 9093 }] })
  t.equal(asked[2].incarnationId, asked[0].incarnationId)
})

t.test('a metadata.version that is too old: again when it is raised', async t => {
  const { host, metadata, asked } = world([Errors.UNSUPPORTED_VERSION, Errors.NONE])
  await host.clock.advance(10_000)
  t.equal(asked.length, 1)
  metadata.apply({ kind: 'featureLevel', version: 0, value: { name: 'metadata.version', featureLevel: 30 } }, 1)
  await host.clock.advance(10_000)
  t.equal(asked.length, 2)
})

t.test('a closed one says nothing more', async t => {
  const { host, asked, announcement } = world([null])
  announcement.close()
  await host.clock.advance(10_000)
  t.equal(asked.length, 1)
})
