/**
 * Changes to the set of voters (KIP-853): one at a time, only by a leader that has committed something in its epoch, so
 * that the majorities before and after have a voter in common. The new set counts from when it is written.
 */
import { type ErrorCode, Errors } from '../../../protocol/errors.ts'
import type { ControlRecord } from '../../../protocol/records/control.ts'
import type { Following, Role } from './election.ts'
import { kraftVersionOf, votersOf } from './epoch-records.ts'
import type { AddVoterRequest, Asked, ChangeOutcome, UpdateVoterRequest } from './messages.ts'
import { noDirectory, type ReplicaKey, replicaText } from './replica-key.ts'
import type { Seat } from './seat.ts'
import { type VersionRange, type Voter, VoterSet } from './voter-set.ts'

/** Either what came of it at once, or the ticket under which the outcome is told later. */
export type Change = { readonly outcome: ChangeOutcome } | { readonly ticket: number }

interface Asking {
  readonly stage: 'asking'
  readonly ticket: number
  readonly request: AddVoterRequest
  readonly deadlineMs: number
}

interface Committing {
  readonly stage: 'committing'
  readonly ticket: number
  readonly offset: number
  readonly deadlineMs: number
}

export class VoterChanges {
  readonly #seat: Seat
  #pending: Asking | Committing | null = null
  #lastTicket = 0
  /** What voters of a quorum whose set is fixed have told of themselves. */
  readonly #told = new Map<number, Voter>()

  constructor(seat: Seat) {
    this.#seat = seat
  }

  add(request: AddVoterRequest, nowMs: number): Change {
    const {
      history,
      options: { listenerName },
    } = this.#seat
    const to = request.endpoints.find(({ name }) => name === listenerName)
    if (!to) {
      const problem = `Add voter request didn't include the endpoint for the default listener ${listenerName}`
      return settled(Errors.INVALID_REQUEST, problem)
    }
    const refused = this.#check('adding')
    if (refused) return refused
    const { voters } = history
    if (voters.byId(request.voter.id)) {
      const problem = `The voter id for ${replicaText(request.voter)} is already part of the set of voters ${idsOf(voters)}.`
      return settled(Errors.DUPLICATE_VOTER, problem)
    }
    const twin = voters.all.find(({ endpoints }) =>
      endpoints.some(({ host, port }) => host === to.host && port === to.port),
    )
    if (twin) {
      const problem = `The endpoint ${to.host}:${to.port} already belongs to voter ${replicaText(twin.key)}.`
      return settled(Errors.DUPLICATE_VOTER, problem)
    }
    const ticket = ++this.#lastTicket
    this.#pending = { stage: 'asking', ticket, request, deadlineMs: nowMs + request.timeoutMs }
    return { ticket }
  }

  remove(key: ReplicaKey, nowMs: number): Change {
    const refused = this.#check('removing')
    if (refused) return refused
    const { voters } = this.#seat
    const rest = voters.without(key)
    if (!rest) {
      const problem = `Cannot remove voter ${replicaText(key)} from the set of voters ${idsOf(voters)}`
      return settled(Errors.VOTER_NOT_FOUND, problem)
    }
    if (rest.size === 0) return settled(Errors.INVALID_REQUEST, `Cannot remove the last voter ${replicaText(key)}`)
    return { ticket: this.#write(rest, nowMs + this.#seat.options.timeouts.requestTimeoutMs) }
  }

  update(request: UpdateVoterRequest, nowMs: number): Change {
    const {
      history,
      options: { listenerName },
    } = this.#seat
    const { voter: key, endpoints, kraftVersions } = request
    if (!endpoints.some(({ name }) => name === listenerName)) {
      const problem = `Update voter request didn't include the endpoint for the default listener ${listenerName}`
      return settled(Errors.INVALID_REQUEST, problem)
    }
    const refused = this.#check('updating', 0)
    if (refused) return refused
    const { voters, kraftVersion } = history
    if (kraftVersions.min > kraftVersion || kraftVersions.max < kraftVersion) {
      return settled(Errors.INVALID_REQUEST, `Voter ${replicaText(key)} does not support kraft.version ${kraftVersion}`)
    }
    const voter: Voter = { key, endpoints, kraftVersions }
    if (kraftVersion === 0) {
      if (!voters.byId(key.id)) return settled(Errors.VOTER_NOT_FOUND, `No voter has id ${key.id}`)
      this.#told.set(key.id, voter)
      return settled(Errors.NONE, null)
    }
    const known = voters.byId(key.id)
    if (!known || known.key.directoryId !== key.directoryId) {
      return settled(Errors.VOTER_NOT_FOUND, `${replicaText(key)} is not among the voters ${idsOf(voters)}`)
    }
    if (isSameVoter(known, voter)) return settled(Errors.NONE, null)
    return { ticket: this.#write(voters.with(voter), nowMs + this.#seat.options.timeouts.requestTimeoutMs) }
  }

  /** Moves the voters from the configuration into the log. */
  upgrade(level: number, nowMs: number): Change {
    const refused = this.#check('upgrading', 0)
    if (refused) return refused
    const {
      history,
      self,
      options: { endpoints, kraftVersions },
    } = this.#seat
    if (level === history.kraftVersion) return settled(Errors.NONE, null)
    if (level < history.kraftVersion || level > kraftVersions.max) {
      return settled(Errors.INVALID_UPDATE_VERSION, `kraft.version cannot go from ${history.kraftVersion} to ${level}`)
    }
    const own: Voter = { key: self, endpoints, kraftVersions }
    const voters = new VoterSet(
      history.voters.all.map(voter => (voter.key.id === self.id ? own : (this.#told.get(voter.key.id) ?? voter))),
    )
    if (!voters.supports(level)) {
      return settled(Errors.INVALID_UPDATE_VERSION, `Not every voter is known to support kraft.version ${level}`)
    }
    return { ticket: this.#write(voters, nowMs + this.#seat.options.timeouts.requestTimeoutMs, level) }
  }

  /** Asks a new voter what it can do, and gives up on what takes too long. When to come back. */
  poll(nowMs: number): number | null {
    const pending = this.#pending
    if (!pending) return null
    if (nowMs >= pending.deadlineMs) {
      this.#settle(Errors.REQUEST_TIMED_OUT, 'The change was not completed in time')
      return null
    }
    if (pending.stage === 'asking') {
      const { request } = pending
      const to = request.endpoints.find(({ name }) => name === this.#seat.options.listenerName)
      if (to) this.#seat.ask('apiVersions', request.voter.id, to, { kind: 'apiVersions' }, nowMs)
    }
    return pending.deadlineMs
  }

  onApiVersions(error: number, range: VersionRange | null, nowMs: number): void {
    const pending = this.#pending
    const { history, role } = this.#seat
    if (pending?.stage !== 'asking' || role.kind !== 'leader') return
    const { voter: key, endpoints, ackWhenCommitted } = pending.request
    if (error !== Errors.NONE) return this.unreachable()
    if (!range || range.min > history.kraftVersion || range.max < history.kraftVersion) {
      const problem = `${replicaText(key)} doesn't support the finalized kraft.version ${history.kraftVersion}`
      return this.#settle(Errors.INVALID_REQUEST, `Aborted add voter operation: ${problem}`)
    }
    if (!role.progress.isCaughtUp(key, nowMs)) {
      const problem = `Aborted add voter operation for ${replicaText(key)} since it is lagging behind`
      return this.#settle(Errors.REQUEST_TIMED_OUT, problem)
    }
    this.#pending = null
    const ticket = this.#write(
      history.voters.with({ key, endpoints, kraftVersions: range }),
      pending.deadlineMs,
      null,
      pending.ticket,
    )
    if (!ackWhenCommitted && ticket === pending.ticket) this.#settle(Errors.NONE, null)
  }

  unreachable(): void {
    if (this.#pending?.stage !== 'asking') return
    const problem = `Aborted add voter operation since ${replicaText(this.#pending.request.voter)} could not be asked for its versions`
    this.#settle(Errors.REQUEST_TIMED_OUT, problem)
  }

  committed(highWatermark: number): void {
    if (this.#pending?.stage === 'committing' && this.#pending.offset < highWatermark) this.#settle(Errors.NONE, null)
  }

  /** This node does not lead any more: others decide. */
  abandon(): void {
    this.#told.clear()
    if (this.#pending) this.#settle(Errors.NOT_LEADER_OR_FOLLOWER, 'The leader changed')
  }

  /** What a follower has to tell its leader of itself: its endpoints and versions, or that it wants to vote. */
  tellLeader(role: Following, epoch: number, nowMs: number): number | null {
    if (role.tellVoterAtMs === null || nowMs < role.tellVoterAtMs) return role.tellVoterAtMs
    const {
      self,
      history,
      options: { endpoints, kraftVersions, timeouts },
    } = this.#seat
    if (endpoints.length === 0) return null
    const { voters, kraftVersion } = history
    const own: Voter = { key: self, endpoints, kraftVersions }
    const known = voters.byId(self.id)
    let body: Asked | null = null
    if (voters.has(self)) {
      if (kraftVersion === 0 || (known && !isSameVoter(known, own))) {
        body = { kind: 'updateVoter', epoch, voter: self, endpoints, kraftVersions }
      }
    } else if (kraftVersion > 0) {
      body = known
        ? { kind: 'removeVoter', voter: known.key }
        : { kind: 'addVoter', voter: self, endpoints, ackWhenCommitted: false, timeoutMs: timeouts.requestTimeoutMs }
    }
    if (body) this.#seat.ask('change', role.leaderId, role.leaderAddress, body, nowMs)
    role.tellVoterAtMs = nowMs + timeouts.fetchTimeoutMs
    return role.tellVoterAtMs
  }

  /** The leader answered what it was told. */
  told(role: Role, error: number): void {
    if (role.kind !== 'follower') return
    // A leader that is busy, or new, is told again; one that has no use for it is not.
    const isFinal = this.#seat.history.kraftVersion === 0 && error !== Errors.REQUEST_TIMED_OUT
    if (error === Errors.NONE || isFinal) role.tellVoterAtMs = null
  }

  #check(doing: string, versionMin = 1): Change | null {
    const { history, role, highWatermark } = this.#seat
    if (role.kind !== 'leader') return settled(Errors.NOT_LEADER_OR_FOLLOWER, null)
    const late = (problem: string) => settled(Errors.REQUEST_TIMED_OUT, `Request timed out waiting for ${problem}`)
    if (this.#pending) return late('leader to handle previous voter change request')
    if (!role.isElected) return late('leader to establish HWM and fence previous voter changes')
    if (history.kraftVersion < versionMin) {
      const problem = `Cluster doesn't support ${doing} voter because the kraft.version feature is ${history.kraftVersion}`
      return settled(Errors.UNSUPPORTED_VERSION, problem)
    }
    if (history.votersOffset >= highWatermark) {
      return late(`voters to commit the latest voter change at ${history.votersOffset} with HWM ${highWatermark}`)
    }
    return null
  }

  #write(voters: VoterSet, deadlineMs: number, level: number | null = null, ticket = ++this.#lastTicket): number {
    const { history, log, epoch } = this.#seat
    const records: ControlRecord[] = level === null ? [votersOf(voters)] : [kraftVersionOf(level), votersOf(voters)]
    const offset = log.logEndOffset + records.length - 1
    this.#seat.emit({ kind: 'append', epoch, records })
    history.add(offset, { voters, kraftVersion: level })
    this.#pending = { stage: 'committing', ticket, offset, deadlineMs }
    return ticket
  }

  #settle(error: ErrorCode, message: string | null): void {
    const pending = this.#pending
    this.#pending = null
    if (pending) this.#seat.emit({ kind: 'changed', ticket: pending.ticket, outcome: { error, message } })
  }
}

function settled(error: ErrorCode, message: string | null): { readonly outcome: ChangeOutcome } {
  return { outcome: { error, message } }
}

function idsOf(voters: VoterSet): string {
  return `[${voters.ids.join(', ')}]`
}

function isSameVoter(a: Voter, b: Voter): boolean {
  return (
    (a.key.directoryId === b.key.directoryId || a.key.directoryId === noDirectory) &&
    a.kraftVersions.min === b.kraftVersions.min &&
    a.kraftVersions.max === b.kraftVersions.max &&
    a.endpoints.length === b.endpoints.length &&
    a.endpoints.every(({ name, host, port }) =>
      b.endpoints.some(other => other.name === name && other.host === host && other.port === port),
    )
  )
}
