/** A log as a list, with an end that is durable and an end that is not. */
import { decodeMessage } from '../../../protocol/compile.ts'
import { type ControlRecord, ControlType } from '../../../protocol/records/control.ts'
import { kRaftVersionRecord, votersRecord } from '../../../protocol/stored/control.ts'
import type { QuorumChange } from '../../../src/raft/core/core.ts'
import { voterSetOf } from '../../../src/raft/core/epoch-records.ts'
import type { LogView, OffsetAndEpoch } from '../../../src/raft/core/log-view.ts'

export interface Entry {
  readonly epoch: number
  readonly value: string
}

export class MemoryLog implements LogView {
  /** From `logStartOffset` on. */
  entries: Entry[] = []
  logStartOffset = 0
  durableEnd = 0
  snapshot: OffsetAndEpoch | null = null
  /** What the snapshot says of the quorum. */
  snapshotChange: QuorumChange | null = null

  get logEndOffset(): number {
    return this.logStartOffset + this.entries.length
  }

  get lastEpoch(): number {
    return this.entries.at(-1)?.epoch ?? this.snapshot?.epoch ?? 0
  }

  get earliestSnapshot(): OffsetAndEpoch | null {
    return this.snapshot
  }

  get latestSnapshot(): OffsetAndEpoch | null {
    return this.snapshot
  }

  endOffsetForEpoch(epoch: number): OffsetAndEpoch | null {
    if (this.entries.length === 0 || epoch > this.entries[this.entries.length - 1].epoch) return null
    const next = this.entries.findIndex(entry => entry.epoch > epoch)
    if (next < 0) return { epoch, endOffset: this.logEndOffset }
    return { epoch: next === 0 ? epoch : this.entries[next - 1].epoch, endOffset: this.logStartOffset + next }
  }

  entryAt(offset: number): Entry | null {
    return this.entries[offset - this.logStartOffset] ?? null
  }

  append(entries: readonly Entry[]): QuorumChange[] {
    const from = this.logEndOffset
    this.entries.push(...entries)
    return changesIn(entries, from)
  }

  truncateTo(offset: number): void {
    this.entries.length = Math.max(0, offset - this.logStartOffset)
    this.durableEnd = Math.min(this.durableEnd, offset)
  }

  restartAt(id: OffsetAndEpoch, change: QuorumChange | null): void {
    this.entries = []
    this.logStartOffset = id.endOffset
    this.durableEnd = id.endOffset
    this.snapshot = id
    this.snapshotChange = change
  }

  /** Lets go of what a snapshot holds. */
  snapshotUpTo(offset: number): void {
    const epoch = this.entryAt(offset - 1)?.epoch
    if (epoch === undefined) return
    const changes = changesIn(this.entries.slice(0, offset - this.logStartOffset), this.logStartOffset)
    const earlier = this.snapshotChange ? [this.snapshotChange, ...changes] : changes
    const voters = earlier.findLast(change => change.voters)?.voters ?? null
    const kraftVersion = earlier.findLast(change => change.kraftVersion !== null)?.kraftVersion ?? null
    this.snapshotChange = { offset: offset - 1, voters, kraftVersion }
    this.entries.splice(0, offset - this.logStartOffset)
    this.logStartOffset = offset
    this.snapshot = { endOffset: offset, epoch }
  }

  /** What the whole log says of the quorum. */
  allChanges(): QuorumChange[] {
    const changes = changesIn(this.entries, this.logStartOffset)
    return this.snapshotChange ? [this.snapshotChange, ...changes] : changes
  }
}

export function controlEntry(epoch: number, { type, value }: ControlRecord): Entry {
  return { epoch, value: `control ${type} ${value?.toString('base64')}` }
}

function changesIn(entries: readonly Entry[], from: number): QuorumChange[] {
  return entries.flatMap(({ value: text }, at): QuorumChange[] => {
    const [kind, type, bytes] = text.split(' ')
    if (kind !== 'control') return []
    const value = Buffer.from(bytes, 'base64')
    if (Number(type) === ControlType.KRAFT_VOTERS) {
      const voters = voterSetOf(decodeMessage(votersRecord, 0, value).voters)
      return [{ offset: from + at, voters, kraftVersion: null }]
    }
    if (Number(type) !== ControlType.KRAFT_VERSION) return []
    const { kRaftVersion } = decodeMessage(kRaftVersionRecord, 0, value)
    return [{ offset: from + at, voters: null, kraftVersion: kRaftVersion }]
  })
}
