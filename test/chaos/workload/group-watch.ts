/** Reads what groups have committed, over and over. */
import { Errors, findCoordinator, offsetFetch } from '../../../protocol/index.ts'
import { sleep } from './clock.ts'
import { type Endpoint, Outage } from './connection.ts'
import type { ReaderWorld } from './readers.ts'

const findVersion = 2
const fetchVersion = 5
const timeoutMs = 1500
const pauseMs = 300

export interface GroupWatch {
  readonly brokers: readonly (Endpoint & { readonly id: number })[]
  readonly topic: string
  readonly partitions: number
  readonly group: string
}

/**
 * A coordinator that is cut off from the other brokers, but not from clients, may tell old offsets: Kafka does not promise
 * otherwise. So only what all other brokers vouch for afterwards counts.
 */
export async function watchGroup({ client, history, stopping }: ReaderWorld, watch: GroupWatch): Promise<void> {
  const { group, topic, brokers } = watch
  const indexes = Array.from({ length: watch.partitions }, (_, index) => index)
  const named = (index: number) => `${topic}-${index}`
  const coordinatorSeenBy = async (endpoint: Endpoint): Promise<number | null> => {
    const found = await client.to(
      endpoint,
      findCoordinator,
      findVersion,
      { key: group, keyType: 0, coordinatorKeys: [] },
      timeoutMs,
    )
    return found.errorCode === Errors.NONE ? found.nodeId : null
  }
  for (let at = 0; !stopping(); at++) {
    await sleep(pauseMs)
    try {
      const id = await coordinatorSeenBy(brokers[at % brokers.length])
      const coordinator = brokers.find(broker => broker.id === id)
      if (!coordinator) continue
      const operation = history.invoke(`group-${group}`, 'fetchOffsets', { group, partitions: indexes.map(named) })
      try {
        const topics = [{ name: topic, partitionIndexes: indexes }]
        const answer = await client.to(
          coordinator,
          offsetFetch,
          fetchVersion,
          { groupId: group, topics, groups: [] },
          timeoutMs,
        )
        const told = answer.topics[0]?.partitions ?? []
        const others = brokers.filter(broker => broker.id !== id)
        const vouched = await Promise.all(others.map(other => coordinatorSeenBy(other).catch(() => null)))
        const fine = answer.errorCode === Errors.NONE && told.every(({ errorCode }) => errorCode === Errors.NONE)
        const agreed = vouched.every(seen => seen === coordinator.id)
        const offsets = told.map(
          ({ partitionIndex, committedOffset }) => [named(partitionIndex), committedOffset] as const,
        )
        if (fine && agreed) operation.ok({ offsets: Object.fromEntries(offsets) })
        else operation.fail(fine ? 'the brokers do not agree on the coordinator' : 'refused')
      } catch (error) {
        operation.fail((error as Error).message)
        throw error
      }
    } catch (error) {
      if (!(error instanceof Outage)) throw error
    }
  }
}
