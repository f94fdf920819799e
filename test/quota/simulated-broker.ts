import type { Test } from 'tap'
import {
  type AnyApi,
  type DecodedResponseOf,
  decodeResponse,
  decodeResponseHeader,
  encodeRequestFrame,
  type RequestInputOf,
} from '../../protocol/index.ts'
import { compressionReady } from '../../protocol/records/compression.ts'
import { Broker } from '../../src/broker.ts'
import { parseBrokerConfig } from '../../src/config/broker.ts'
import { RawClient } from '../network/raw-client.ts'
import { type SimHost, simHost } from '../sim/host.ts'

const endpoint = { host: 'broker', port: 9092 }
const settings = {
  listeners: 'PLAINTEXT://broker:9092',
  'advertised.listeners': 'PLAINTEXT://broker:9092',
  'log.dirs': '/data',
  'offsets.topic.num.partitions': '1',
}

/** A client that names itself, on the clock of the simulation. */
export class SimulatedClient {
  readonly #raw: RawClient
  readonly #clientId: string

  constructor(raw: RawClient, clientId: string) {
    this.#raw = raw
    this.#clientId = clientId
  }

  async ask<A extends AnyApi>(api: A, version: number, request: RequestInputOf<A>): Promise<DecodedResponseOf<A>> {
    this.#raw.send(...encodeRequestFrame(api, version, 7, this.#clientId, request))
    const frame = await this.#raw.next()
    if (frame === null) throw new Error(`the connection was closed after ${api.name}`)
    const { bodyOffset } = decodeResponseHeader(api, version, frame)
    return decodeResponse(api, version, frame, bodyOffset)
  }

  get closed(): Promise<void> {
    return this.#raw.closed
  }
}

export interface SimulatedBroker {
  readonly host: SimHost
  readonly broker: Broker
  connect(clientId: string): Promise<SimulatedClient>
}

/** A whole broker where seconds cost nothing. What `test` awaits must be of the simulation. */
export async function withSimulatedBroker(
  t: Test,
  more: Record<string, string>,
  test: (simulated: SimulatedBroker) => Promise<void>,
): Promise<void> {
  await compressionReady
  const host = simHost(1, { slowDisk: false })
  const config = parseBrokerConfig(new Map(Object.entries({ ...settings, ...more })))
  const life = async () => {
    const broker = await Broker.start(config, host)
    const connect = async (clientId: string) =>
      new SimulatedClient(RawClient.over((await host.network.connect(endpoint, 1000)).stream), clientId)
    await test({ host, broker, connect })
    await broker.close()
  }
  await host.clock.run(life())
  t.same(host.log.at('error'), [])
}
