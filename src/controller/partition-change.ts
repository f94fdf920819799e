/**
 * How one partition goes on: who leads it, who is in sync, who may lead although it is not (KIP-966), and when the moving
 * of replicas is over. Pure: a partition, what it shall become, and the rules, to the record that says so.
 */
import type { PartitionInfo } from '../metadata/entities.ts'
import type { ValueOfKind } from '../metadata/records.ts'

/** preferred: the first replica if it can lead. online: whoever can, the present leader first. unclean: anybody alive. */
export type Election = 'preferred' | 'online' | 'unclean'

/** What shall become of a partition; what is absent stays. */
export interface PartitionTargets {
  readonly isr?: readonly number[]
  readonly replicas?: readonly number[]
  readonly addingReplicas?: readonly number[]
  readonly removingReplicas?: readonly number[]
  readonly leaderRecoveryState?: number
  /** The log directory of some replicas, by broker. */
  readonly directories?: ReadonlyMap<number, string>
  /** A broker that may have lost the end of its log: it is no eligible leader replica any more. */
  readonly uncleanShutdown?: number
  /** `online` if not given. */
  readonly election?: Election
}

export interface PartitionRules {
  /** Whether a replica can lead: its broker is alive and its directory works. */
  canLead(brokerId: number, directory: string): boolean
  /** Where a replica of this broker will live, as far as the controller knows. */
  directoryOf(brokerId: number): string
  /** The setting; a partition with fewer replicas needs all of them. */
  readonly minInsyncReplicas: number
  /** Eligible leader replicas are tracked. */
  readonly elr: boolean
  /** Partitions name the directories of their replicas. */
  readonly namesDirectories: boolean
  /** A smaller in-sync set opens a new leader epoch (before 3.6). */
  readonly shrinkOpensEpoch: boolean
}

export type PartitionChange = Omit<ValueOfKind<'partitionChange'>, 'topicId' | 'partitionId'>

export const recovered = 0
export const recovering = 1
export const noLeader = -1
const unchangedLeader = -2

export const unchanged: PartitionChange = {
  isr: null,
  leader: unchangedLeader,
  replicas: null,
  removingReplicas: null,
  addingReplicas: null,
  leaderRecoveryState: -1,
  directories: null,
  eligibleLeaderReplicas: null,
  lastKnownElr: null,
}

/** A partition on its way from what it is to what it will be. */
interface Plan {
  isr: readonly number[]
  replicas: readonly number[]
  adding: readonly number[]
  removing: readonly number[]
  elr: readonly number[]
  leader: number
  recovery: number
}

/** The change that leads from `before` to what is wanted, null when there is nothing to change. */
export function changePartition(
  before: PartitionInfo,
  targets: PartitionTargets,
  rules: PartitionRules,
): PartitionChange | null {
  const plan: Plan = {
    isr: targets.isr ?? before.isr,
    replicas: targets.replicas ?? before.replicas,
    adding: targets.addingReplicas ?? before.addingReplicas,
    removing: targets.removingReplicas ?? before.removingReplicas,
    elr: before.eligibleLeaderReplicas,
    leader: before.leader,
    recovery: targets.leaderRecoveryState ?? before.leaderRecoveryState,
  }
  finishReassignment(plan)
  if (rules.elr) plan.elr = eligibleReplicas(before, plan, targets.uncleanShutdown, rules)
  const directories = directoriesOf(before, plan.replicas, targets.directories, rules)
  elect(before, plan, targets.election ?? 'online', rules, id => {
    const at = plan.replicas.indexOf(id)
    return at >= 0 && rules.canLead(id, directories[at])
  })
  // Without eligible replicas the last in-sync replica stays in, so that it is known who has everything.
  if (plan.isr.length === 0 && !rules.elr) plan.isr = before.isr
  const change: PartitionChange = {
    isr: changed(before.isr, plan.isr),
    leader: plan.leader === before.leader && !opensEpoch(before, plan, rules) ? unchangedLeader : plan.leader,
    replicas: changed(before.replicas, plan.replicas),
    removingReplicas: changed(before.removingReplicas, plan.removing),
    addingReplicas: changed(before.addingReplicas, plan.adding),
    leaderRecoveryState: plan.recovery === before.leaderRecoveryState ? -1 : plan.recovery,
    directories: rules.namesDirectories ? changed(before.directories, directories) : null,
    eligibleLeaderReplicas: rules.elr ? changed(before.eligibleLeaderReplicas, plan.elr) : null,
    lastKnownElr: rules.elr ? changed(before.lastKnownElr, lastLeader(before, plan)) : null,
  }
  return isNothing(change) ? null : change
}

function changed<T>(before: readonly T[], after: readonly T[]): T[] | null {
  return before.length === after.length && before.every((entry, i) => entry === after[i]) ? null : [...after]
}

const fields = Object.keys(unchanged) as readonly (keyof PartitionChange)[]

function isNothing(change: PartitionChange): boolean {
  return fields.every(field => change[field] === unchanged[field])
}

/**
 * Moving is over when whoever joins is in sync, somebody stays, and, where more leave than join, all that stay are in
 * sync: then those who leave are out.
 */
function finishReassignment(plan: Plan): void {
  if (plan.adding.length === 0 && plan.removing.length === 0) return
  const replicas = plan.replicas.filter(id => !plan.removing.includes(id))
  const isr = plan.isr.filter(id => !plan.removing.includes(id))
  if (isr.length === 0 || !plan.adding.every(id => isr.includes(id))) return
  if (plan.removing.length > plan.adding.length && !replicas.every(id => isr.includes(id))) return
  plan.replicas = replicas
  plan.isr = isr
  plan.adding = []
  plan.removing = []
}

/**
 * While too few replicas are in sync for the high watermark to move, those who were in sync keep everything that is
 * committed: unless they lost it, they may lead.
 */
function eligibleReplicas(
  before: PartitionInfo,
  plan: Plan,
  uncleanShutdown: number | undefined,
  rules: PartitionRules,
): readonly number[] {
  if (enoughInSync(plan, rules)) return []
  return [...new Set([...before.eligibleLeaderReplicas, ...before.isr])].filter(
    id => !plan.isr.includes(id) && id !== uncleanShutdown && plan.replicas.includes(id),
  )
}

function enoughInSync({ isr, replicas }: Plan, { minInsyncReplicas }: PartitionRules): boolean {
  return isr.length >= Math.min(minInsyncReplicas, replicas.length)
}

function elect(
  before: PartitionInfo,
  plan: Plan,
  election: Election,
  rules: PartitionRules,
  alive: (id: number) => boolean,
): void {
  const valid = (id: number) => {
    const complete = plan.isr.includes(id) || (rules.elr && plan.isr.length === 0 && plan.elr.includes(id))
    return complete && alive(id)
  }
  const [preferred] = plan.replicas
  const keep = election === 'preferred' && valid(preferred) ? preferred : before.leader
  const clean = valid(keep) ? keep : plan.replicas.find(valid)
  if (clean !== undefined) {
    plan.leader = clean
    if (plan.isr.includes(clean)) return
    plan.isr = [clean]
    // With enough in sync the others may fall behind what is committed.
    plan.elr = enoughInSync(plan, rules) ? [] : plan.elr.filter(id => id !== clean)
    return
  }
  const unclean = uncleanLeader(before, plan, election, rules, alive)
  plan.leader = unclean ?? noLeader
  if (unclean === undefined) return
  // What the others hold beyond this leader's log is given up.
  plan.isr = [unclean]
  plan.elr = []
  plan.recovery = recovering
}

function uncleanLeader(
  before: PartitionInfo,
  plan: Plan,
  election: Election,
  rules: PartitionRules,
  alive: (id: number) => boolean,
): number | undefined {
  const nobodyElse = plan.isr.length === 0 && plan.elr.length === 0
  if (rules.elr && nobodyElse && before.lastKnownElr.length === 1 && alive(before.lastKnownElr[0])) {
    return before.lastKnownElr[0]
  }
  return election === 'unclean' ? plan.replicas.find(alive) : undefined
}

/** Who led last is remembered from when nobody is in sync until somebody leads. */
function lastLeader(before: PartitionInfo, plan: Plan): readonly number[] {
  if (plan.leader !== noLeader) return []
  if (plan.isr.length > 0 || before.lastKnownElr.length === 1) return before.lastKnownElr
  const last = before.leader !== noLeader ? before.leader : before.isr.length === 1 ? before.isr[0] : noLeader
  return last === noLeader || !plan.replicas.includes(last) ? before.lastKnownElr : [last]
}

/** A replica that is taken away must not be counted by a leader that does not know it yet. */
function opensEpoch(before: PartitionInfo, plan: Plan, { shrinkOpensEpoch }: PartitionRules): boolean {
  if (!before.replicas.every(id => plan.replicas.includes(id))) return true
  return shrinkOpensEpoch && !before.isr.every(id => plan.isr.includes(id))
}

function directoriesOf(
  before: PartitionInfo,
  replicas: readonly number[],
  targets: ReadonlyMap<number, string> | undefined,
  rules: PartitionRules,
): readonly string[] {
  if (replicas === before.replicas && !targets) return before.directories
  return replicas.map(id => {
    const at = before.replicas.indexOf(id)
    return targets?.get(id) ?? (at < 0 ? rules.directoryOf(id) : before.directories[at])
  })
}
