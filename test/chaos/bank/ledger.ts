/** Reading the ledger by the test client, as a reader of committed records has to: what was aborted is left out. */
import { Errors, fetch, listOffsets, zeroUuid } from '../../../protocol/index.ts'
import {
  ControlType,
  controlType,
  isControl,
  isTransactional,
  iterateBatches,
  nextOffset,
  producerId,
  readRecords,
} from '../../../protocol/records/index.ts'
import { sleep } from '../workload/clock.ts'
import { type ClusterClient, Refused } from '../workload/cluster-client.ts'
import { Outage } from '../workload/connection.ts'
import type { LedgerEntry } from './audit.ts'
import type { Leg } from './lines.ts'

const timeoutMs = 3000
const fetchVersion = 12
const listOffsetsVersion = 6
const readCommitted = 1

/** Until nothing in the ledger is undecided. Throws when that takes too long. */
export async function decided(
  client: ClusterClient,
  topic: string,
  partitions: number,
  limitMs: number,
): Promise<void> {
  const deadline = performance.now() + limitMs
  for (let index = 0; index < partitions; ) {
    try {
      const [stable, end] = await Promise.all([readCommitted, 0].map(level => latest(client, topic, index, level)))
      if (stable === end) index++
      else if (performance.now() > deadline) throw new Error(`${topic}-${index} is undecided from ${stable} to ${end}`)
      else await sleep(200)
    } catch (error) {
      if (!(error instanceof Outage || error instanceof Refused) || performance.now() > deadline) throw error
      await sleep(200)
      await client.refresh().catch(() => {})
    }
  }
}

export async function readLedger(client: ClusterClient, topic: string, partitions: number): Promise<LedgerEntry[]> {
  const entries: LedgerEntry[] = []
  for (let index = 0; index < partitions; index++) {
    const end = await latest(client, topic, index, readCommitted)
    for (let offset = 0; offset < end; ) {
      const { records, aborted } = await fetchFrom(client, topic, index, offset)
      const left = [...aborted].sort((a, b) => a.firstOffset - b.firstOffset)
      const hidden = new Set<number>()
      let next = offset
      for (const at of iterateBatches(records)) {
        next = nextOffset(records, at)
        while (left.length > 0 && left[0].firstOffset < next) hidden.add(left.shift()!.producerId)
        const producer = producerId(records, at)
        if (isControl(records, at)) {
          for (const { key } of readRecords(records, at)) {
            if (controlType(key) === ControlType.ABORT) hidden.delete(producer)
          }
          continue
        }
        if (isTransactional(records, at) && hidden.has(producer)) continue
        for (const record of readRecords(records, at)) {
          if (record.offset < offset) continue
          const leg = JSON.parse(String(record.value)) as Leg
          entries.push({ partition: index, offset: record.offset, leg })
        }
      }
      if (next === offset) throw new Error(`nothing at ${topic}-${index}@${offset}, which ends at ${end}`)
      offset = next
    }
  }
  return entries
}

async function latest(client: ClusterClient, topic: string, index: number, isolationLevel: number): Promise<number> {
  const answer = await client.toLeader(
    `${topic}-${index}`,
    listOffsets,
    listOffsetsVersion,
    currentLeaderEpoch => {
      const partitions = [{ partitionIndex: index, currentLeaderEpoch, timestamp: -1 }]
      return { replicaId: -1, isolationLevel, topics: [{ name: topic, partitions }], timeoutMs: 0 }
    },
    timeoutMs,
  )
  const { errorCode, offset } = answer.topics[0].partitions[0]
  if (errorCode !== Errors.NONE) throw new Refused(errorCode)
  return offset
}

async function fetchFrom(client: ClusterClient, topic: string, index: number, fetchOffset: number) {
  const answer = await client.toLeader(
    `${topic}-${index}`,
    fetch,
    fetchVersion,
    currentLeaderEpoch => {
      const partitions = [{ partition: index, currentLeaderEpoch, fetchOffset, partitionMaxBytes: 1 << 20 }]
      return {
        replicaId: -1,
        maxWaitMs: 500,
        minBytes: 1,
        maxBytes: 1 << 20,
        isolationLevel: readCommitted,
        topics: [{ topic, topicId: zeroUuid, partitions }],
        forgottenTopicsData: [],
      }
    },
    timeoutMs,
  )
  if (answer.errorCode !== Errors.NONE) throw new Refused(answer.errorCode)
  const told = answer.responses[0].partitions[0]
  if (told.errorCode !== Errors.NONE) throw new Refused(told.errorCode)
  return { records: told.records ?? Buffer.alloc(0), aborted: told.abortedTransactions ?? [] }
}
