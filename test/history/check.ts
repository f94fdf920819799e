/**
 * Looks for every anomaly of `anomaly.ts` in a history. Time n log n: a hundred thousand operations take about a second.
 * Whether all acknowledged records are there in the end is only asked of partitions that a final poll names.
 */
import type { Anomaly, AnomalyClass } from './anomaly.ts'
import { checkCluster } from './check-cluster.ts'
import { checkGroups } from './check-groups.ts'
import { checkLogs, type LogCounts } from './check-log.ts'
import { checkPolls } from './check-polls.ts'
import { checkTransactions } from './check-transactions.ts'
import type { Operation } from './history.ts'
import { Writes } from './writes.ts'

export type { Anomaly, AnomalyClass } from './anomaly.ts'

export interface CheckOptions {
  /** What a workload may show because of its settings, such as losses with unclean leader election. */
  readonly allowed?: readonly AnomalyClass[]
}

export interface Verdict {
  readonly anomalies: readonly Anomaly[]
  /** What was allowed and happened. */
  readonly allowed: readonly Anomaly[]
  readonly counts: LogCounts
}

export function checkHistory(operations: readonly Operation[], { allowed = [] }: CheckOptions = {}): Verdict {
  const found: Anomaly[] = []
  const report = (kind: AnomalyClass, message: string, ...shown: readonly { readonly id: number }[]) => {
    found.push({ kind, message, operations: shown.map(({ id }) => id) })
  }
  const writes = new Writes(operations)
  const counts = checkLogs(operations, writes, report)
  checkPolls(operations, writes, report)
  checkGroups(operations, writes, report)
  checkCluster(operations, report)
  checkTransactions(operations, writes, report)
  return {
    anomalies: found.filter(({ kind }) => !allowed.includes(kind)),
    allowed: found.filter(({ kind }) => allowed.includes(kind)),
    counts,
  }
}

/** The anomalies as lines: how many of each class, and the first few of it. */
export function describeAnomalies(anomalies: readonly Anomaly[], shownOfEach = 5): string[] {
  const byKind = new Map<AnomalyClass, Anomaly[]>()
  for (const anomaly of anomalies) {
    const same = byKind.get(anomaly.kind)
    if (same) same.push(anomaly)
    else byKind.set(anomaly.kind, [anomaly])
  }
  return [...byKind].flatMap(([kind, list]) => [
    `${kind}: ${list.length}`,
    ...list
      .slice(0, shownOfEach)
      .map(({ message, operations }) => `  ${message} (operations ${operations.join(', ')})`),
  ])
}
