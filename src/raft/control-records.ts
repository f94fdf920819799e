/** Finds in record batches what the quorum says of itself: its version and its voters. */
import { decodeMessage } from '../../protocol/compile.ts'
import { isControl, iterateBatches, nextOffset } from '../../protocol/records/batch.ts'
import { ControlType, controlType } from '../../protocol/records/control.ts'
import { readRecords } from '../../protocol/records/record.ts'
import { kRaftVersionRecord, votersRecord } from '../../protocol/stored/control.ts'
import type { QuorumChange } from './core/core.ts'
import { voterSetOf } from './core/epoch-records.ts'

export interface FoundChanges {
  readonly changes: readonly QuorumChange[]
  /** The offset after the last whole batch. */
  readonly nextOffset: number
}

/** Looks at the batches of `chunk` that end after `from`. Throws KafkaError and ParseError for bytes that make no sense. */
export function quorumChangesIn(chunk: Buffer, from: number): FoundChanges {
  const changes: QuorumChange[] = []
  let next = from
  for (const at of iterateBatches(chunk)) {
    if (nextOffset(chunk, at) <= from) continue
    next = nextOffset(chunk, at)
    if (!isControl(chunk, at)) continue
    for (const { key, value, offset } of readRecords(chunk, at)) {
      const type = value ? controlType(key) : -1
      if (!value || offset < from) continue
      if (type === ControlType.KRAFT_VERSION) {
        const { kRaftVersion } = decodeMessage(kRaftVersionRecord, 0, value)
        changes.push({ offset, voters: null, kraftVersion: kRaftVersion })
      } else if (type === ControlType.KRAFT_VOTERS) {
        changes.push({ offset, voters: voterSetOf(decodeMessage(votersRecord, 0, value).voters), kraftVersion: null })
      }
    }
  }
  return { changes, nextOffset: next }
}
