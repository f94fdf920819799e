/** What brokers tell of their partitions, and what is in their files. */
import type { Report } from './anomaly.ts'
import { type Operation, ofKind } from './history.ts'

export function checkCluster(operations: readonly Operation[], report: Report): void {
  ends(operations, report)
  timestamps(operations, report)
  leaders(operations, report)
  replicas(operations, report)
}

/** For one client neither end of a partition goes back. */
function ends(operations: readonly Operation[], report: Report): void {
  const last = new Map<string, { offset: number; operation: Operation }>()
  const seen = (
    kind: 'high-watermark-back' | 'log-start-back',
    name: readonly unknown[],
    offset: number,
    operation: Operation,
  ) => {
    const key = JSON.stringify(name)
    const before = last.get(key)
    if (before && offset < before.offset) {
      report(kind, `${name.join(', ')}: ${before.offset}, then ${offset}`, before.operation, operation)
    } else last.set(key, { offset, operation })
  }
  for (const operation of operations) {
    if (operation.outcome !== 'ok') continue
    if (operation.kind === 'listOffsets') {
      const { call, result, process } = operation as Operation<'listOffsets'>
      if (typeof call.at === 'number') continue
      for (const [partition, offset] of Object.entries(result!.offsets)) {
        if (call.at === 'earliest') seen('log-start-back', [process, partition, 'earliest'], offset, operation)
        else seen('high-watermark-back', [process, partition, call.isolation ?? 'read_uncommitted'], offset, operation)
      }
    } else if (operation.kind === 'deleteRecords') {
      const { call, result, process } = operation as Operation<'deleteRecords'>
      seen('log-start-back', [process, call.partition, 'earliest'], result!.logStartOffset, operation)
    }
  }
}

function timestamps(operations: readonly Operation[], report: Report): void {
  const asked = new Map<string, { at: number; offset: number; operation: Operation }[]>()
  for (const operation of ofKind(operations, 'listOffsets')) {
    const { at } = operation.call
    if (operation.outcome !== 'ok' || typeof at !== 'number') continue
    for (const [partition, offset] of Object.entries(operation.result!.offsets)) {
      if (offset < 0) continue
      const list = asked.get(partition)
      if (list) list.push({ at, offset, operation })
      else asked.set(partition, [{ at, offset, operation }])
    }
  }
  for (const [partition, list] of asked) {
    list.sort((a, b) => a.at - b.at || a.offset - b.offset)
    for (let i = 1; i < list.length; i++) {
      const [before, here] = [list[i - 1], list[i]]
      if (here.offset >= before.offset || here.at === before.at) continue
      const message = `${partition}: ${before.at} is at ${before.offset}, ${here.at} at ${here.offset}`
      report('timestamp-offsets', message, before.operation, here.operation)
    }
  }
}

function leaders(operations: readonly Operation[], report: Report): void {
  const leaderOf = new Map<string, { leader: number; operation: Operation }>()
  const epochOf = new Map<string, { epoch: number; operation: Operation }>()
  for (const operation of ofKind(operations, 'metadata')) {
    if (operation.outcome !== 'ok') continue
    for (const [partition, { leader, epoch }] of Object.entries(operation.result!.leaders)) {
      const told = JSON.stringify([operation.process, operation.call.broker, partition])
      const before = epochOf.get(told)
      if (before && epoch < before.epoch) {
        const message = `broker ${operation.call.broker} of ${partition}: ${before.epoch}, then ${epoch}`
        report('leader-epoch-back', message, before.operation, operation)
      } else epochOf.set(told, { epoch, operation })
      if (leader < 0) continue
      const key = JSON.stringify([partition, epoch])
      const other = leaderOf.get(key)
      if (other && other.leader !== leader) {
        const message = `${partition} in epoch ${epoch}: ${other.leader} and ${leader}`
        report('two-leaders', message, other.operation, operation)
      } else leaderOf.set(key, { leader, operation })
    }
  }
}

function replicas(operations: readonly Operation[], report: Report): void {
  const first = new Map<string, Operation<'replica'>>()
  for (const operation of ofKind(operations, 'replica')) {
    if (operation.outcome !== 'ok') continue
    const { partition, from, to, broker } = operation.call
    const key = JSON.stringify([partition, from, to])
    const other = first.get(key)
    if (!other) first.set(key, operation)
    else if (other.result!.digest !== operation.result!.digest) {
      const message = `${partition} from ${from} to ${to}: brokers ${other.call.broker} and ${broker}`
      report('replica-divergence', message, other, operation)
    }
  }
}
