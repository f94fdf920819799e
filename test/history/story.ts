/** Histories written by hand, for tests: every step takes one millisecond unless something is left open. */
import { checkHistory } from './check.ts'
import { History, type Pending } from './history.ts'
import type { Isolation, Kind, Operations, PartitionOffsets, ProducerIdentity } from './operations.ts'

export const idempotent: ProducerIdentity = { name: 'i', idempotent: true, repeats: false, acks: -1 }
/** Sends once, or not at all. */
export const plain: ProducerIdentity = { name: 'p', idempotent: false, repeats: false, acks: -1 }
export const repeating: ProducerIdentity = { name: 'r', idempotent: false, repeats: true, acks: -1 }
export const leaderOnly: ProducerIdentity = { name: 'l', idempotent: false, repeats: false, acks: 1 }

type PollOptions = Omit<Partial<Operations['poll']['call']>, 'consumer'> & { readonly consumer?: string }

export class Story {
  #now = 0
  readonly history = new History(() => this.#now++)

  /** Everything wrong with it, each class once. */
  get found(): string[] {
    return [...new Set(checkHistory(this.history.operations).anomalies.map(({ kind }) => kind))].sort()
  }

  begin<K extends Kind>(process: string, kind: K, call: Operations[K]['call']): Pending<K> {
    return this.history.invoke(process, kind, call)
  }

  sending(producer: ProducerIdentity, values: string, transaction?: string): Pending<'produce'> {
    const call = { partition: 't-0', values: values.split(' '), producer, ...(transaction && { transaction }) }
    return this.begin(producer.name, 'produce', call)
  }

  /** Acknowledged at this offset. Values are separated by blanks. */
  sent(producer: ProducerIdentity, values: string, offset: number | null, transaction?: string): this {
    this.sending(producer, values, transaction).ok({ offset })
    return this
  }

  refused(producer: ProducerIdentity, values: string): this {
    this.sending(producer, values).fail('refused')
    return this
  }

  /** Nobody knows how it ended. */
  unsure(producer: ProducerIdentity, values: string, transaction?: string): this {
    this.sending(producer, values, transaction).info('timed out')
    return this
  }

  /** One poll of partition t-0: `0:a 1:b`. */
  polled(records: string, { consumer = 'c', ...others }: PollOptions = {}): this {
    this.begin(consumer, 'poll', { consumer, ...others }).ok({ records: { 't-0': parse(records) } })
    return this
  }

  /** The whole partition in the end, in one poll. */
  finally(records: string, isolation?: Isolation): this {
    return this.polled(records, { consumer: 'final', final: ['t-0'], isolation })
  }

  /** What takes no time and cannot fail. */
  note<K extends Kind>(process: string, kind: K, call: Operations[K]['call'], result: Operations[K]['result']): this {
    this.history.note(process, kind, call, result)
    return this
  }

  committed(offset: number, transaction?: string): this {
    const call = { group: 'g', offsets: { 't-0': offset }, ...(transaction && { transaction }) }
    return this.note('m', 'commitOffsets', call, {})
  }

  told(offset: number): this {
    return this.note('m', 'fetchOffsets', { group: 'g', partitions: ['t-0'] }, { offsets: { 't-0': offset } })
  }

  given(consumer: string, generation: number, kept: readonly string[] = []): this {
    const call = { consumer, group: 'g', member: consumer, generation, partitions: ['t-0'], kept }
    return this.note(consumer, 'assignment', call, {})
  }

  ended(transaction: string, commit: boolean): this {
    return this.note('tx', 'end', { transaction, commit }, {})
  }

  listed(at: Operations['listOffsets']['call']['at'], offsets: PartitionOffsets, process = 'l'): this {
    return this.note(process, 'listOffsets', { at, partitions: Object.keys(offsets) }, { offsets })
  }

  metadata(broker: number, leader: number, epoch: number): this {
    return this.note('watch', 'metadata', { broker }, { leaders: { 't-0': { leader, epoch } } })
  }

  replica(broker: number, digest: string, to = 10): this {
    return this.note('files', 'replica', { broker, partition: 't-0', from: 0, to }, { digest })
  }
}

function parse(records: string): [number, string][] {
  if (records === '') return []
  return records.split(' ').map(record => {
    const [offset, value] = record.split(':')
    return [Number(offset), value]
  })
}
