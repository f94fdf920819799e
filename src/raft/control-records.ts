/** Finds in the metadata log what the quorum says of itself: its version and its voters. */
import { decodeMessage } from '../../protocol/compile.ts'
import { isControl, iterateBatches, nextOffset } from '../../protocol/records/batch.ts'
import { ControlType, controlType } from '../../protocol/records/control.ts'
import { readRecords } from '../../protocol/records/record.ts'
import { kRaftVersionRecord, votersRecord } from '../../protocol/stored/control.ts'
import type { Voters } from './snapshot-file.ts'

export interface QuorumFacts {
  kraftVersion: number | null
  voters: Voters | null
}

/** Brings `facts` up to date with the control batches of `chunk`; returns the offset after its last whole batch. */
export function learnFromBatches(chunk: Buffer, from: number, facts: QuorumFacts): number {
  let next = from
  for (const at of iterateBatches(chunk)) {
    next = nextOffset(chunk, at)
    if (!isControl(chunk, at)) continue
    for (const { key, value } of readRecords(chunk, at)) {
      if (!value) continue
      const type = controlType(key)
      if (type === ControlType.KRAFT_VERSION) {
        facts.kraftVersion = decodeMessage(kRaftVersionRecord, 0, value).kRaftVersion
      } else if (type === ControlType.KRAFT_VOTERS) {
        facts.voters = decodeMessage(votersRecord, 0, value).voters
      }
    }
  }
  return next
}
