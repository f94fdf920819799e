import { parseBrokerConfig } from '../../src/config/broker.ts'
import type { ControllerEvent, ControllerReply } from '../../src/controller/events.ts'
import { ControllerMachine } from '../../src/controller/machine.ts'
import type { MetadataRecord } from '../../src/metadata/records.ts'
import { MetadataState } from '../../src/metadata/state.ts'
import { SimRandom } from '../sim/random.ts'

/** A controller without a log: what it decides is applied at once. */
export class Decider {
  readonly state = new MetadataState()
  readonly records: MetadataRecord[] = []
  readonly #machine: ControllerMachine
  readonly #random = new SimRandom(7)

  constructor(settings: Record<string, string> = {}) {
    const config = parseBrokerConfig(new Map(Object.entries(settings)))
    this.#machine = new ControllerMachine(this.state, config, () => this.records.length)
  }

  /** Decides, applies, and gives the records and the answer. */
  ask(event: ControllerEvent): { records: readonly MetadataRecord[]; reply: ControllerReply } {
    const { records, replies } = this.#machine.decide(event, 1, {
      nowMs: 1000,
      monotonicMs: 1000,
      random: this.#random,
    })
    for (const record of records) {
      const at = { offset: this.records.length, timestampMs: 1000, leaderEpoch: 1, producerId: -1, producerEpoch: -1 }
      this.#machine.apply(record, at)
      this.records.push(record)
    }
    return { records, reply: replies[0][1] }
  }

  /** Registers brokers and lets them in; returns their epochs. */
  brokers(...ids: number[]): number[] {
    return ids.map(brokerId => {
      const { reply } = this.ask({
        question: 'registerBroker',
        registration: {
          brokerId,
          incarnationId: 'AAAAAAAAAAAAAAAAAAAAAg',
          endpoints: [{ name: 'PLAINTEXT', host: 'localhost', port: 9092, securityProtocol: 0 }],
          features: [],
          rack: null,
          logDirs: [`AAAAAAAAAAAAAAAAAAAAB${'AQgw'[brokerId % 4]}`],
        },
      })
      const brokerEpoch = (reply as { answer: { brokerEpoch: number } }).answer.brokerEpoch
      this.ask({ question: 'unfenceBroker', brokerId, brokerEpoch })
      return brokerEpoch
    })
  }

  begin(level = 30): this {
    this.ask({
      question: 'bootstrap',
      records: [{ kind: 'featureLevel', version: 0, value: { name: 'metadata.version', featureLevel: level } }],
    })
    return this
  }

  topic(name: string, partitionsCount = 1, replicationFactor = 1): void {
    const topic = { name, partitionsCount, replicationFactor, assignments: [], configs: [] }
    this.ask({ question: 'createTopics', topics: [topic], validateOnly: false })
  }
}
