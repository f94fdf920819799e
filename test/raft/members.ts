/** Quorums of several nodes on simulated disks, joined by the bytes of real requests and answers. */
import { decodeRequest, decodeResponse, encodeRequest, encodeResponse, inOnePiece } from '../../protocol/compile.ts'
import { Errors, KafkaError } from '../../protocol/errors.ts'
import { fetch } from '../../protocol/messages/01-fetch.ts'
import { apiVersions } from '../../protocol/messages/18-api-versions.ts'
import { vote } from '../../protocol/messages/52-vote.ts'
import { beginQuorumEpoch } from '../../protocol/messages/53-begin-quorum-epoch.ts'
import { endQuorumEpoch } from '../../protocol/messages/54-end-quorum-epoch.ts'
import { fetchSnapshot } from '../../protocol/messages/59-fetch-snapshot.ts'
import { addRaftVoter } from '../../protocol/messages/80-add-raft-voter.ts'
import { removeRaftVoter } from '../../protocol/messages/81-remove-raft-voter.ts'
import { updateRaftVoter } from '../../protocol/messages/82-update-raft-voter.ts'
import type { AnyApi, DecodedResponseOf, RequestInputOf, RequestOf, ResponseOf } from '../../protocol/schema.ts'
import { topLevelFailure } from '../../src/api/define.ts'
import { Logs } from '../../src/log/logs.ts'
import { encodeRecord } from '../../src/metadata/records.ts'
import { openMetadataLog } from '../../src/raft/metadata-log.ts'
import { Quorum, type QuorumOptions } from '../../src/raft/quorum.ts'
import { encodeSnapshot, snapshotFileName, type Voters } from '../../src/raft/snapshot-file.ts'
import { writeFileAtomically } from '../../src/raft/snapshot-writer.ts'
import { record } from '../metadata/history.ts'
import { SimClock } from '../sim/clock.ts'
import { type SimHost, simHost } from '../sim/host.ts'
import { config } from './world.ts'

const portBase = 9000
const clusterId = 'AAAAAAAAAAAAAAAAAAAAAg'
export const directoryOf = (id: number) => `AAAAAAAAAAAAAAAAAAA${id}BA`
export const endpointOf = (id: number) => ({ name: 'CONTROLLER', host: 'node', port: portBase + id })

export class Member {
  quorum: Quorum | null = null
  logs: Logs | null = null
  elected: number[] = []
  /** The process is stopped: nothing that comes is looked at. */
  isCut = false
  readonly id: number
  readonly host: SimHost

  constructor(id: number, host: SimHost) {
    this.id = id
    this.host = host
  }

  get running(): Quorum {
    if (!this.quorum) throw new Error(`node ${this.id} is down`)
    return this.quorum
  }
}

export interface MembersOptions {
  readonly count: number
  /** The first so many vote; all by default. */
  readonly voters?: number
  /** Voters in the log (kraft.version 1) instead of the configuration. */
  readonly dynamic?: boolean
  readonly seed?: number
  readonly quorum?: Partial<QuorumOptions>
}

export class Members {
  readonly clock = new SimClock()
  readonly all: readonly Member[]
  readonly #options: MembersOptions
  /** Versions above these are not known to anybody. */
  readonly versionMax = new Map<number, number>()
  requests = 0

  constructor(options: MembersOptions) {
    this.#options = options
    this.all = Array.from(
      { length: options.count },
      (_, at) => new Member(at + 1, simHost((options.seed ?? 1) * 100 + at, { clock: this.clock })),
    )
  }

  get leader(): Member | null {
    return this.all.find(({ quorum }) => quorum?.isLeader) ?? null
  }

  async start(member: Member, more: Partial<QuorumOptions> = {}): Promise<Quorum> {
    const { voters = this.#options.count, dynamic = false } = this.#options
    const { host, id } = member
    const logs = await Logs.open(host, { directories: ['/data'] })
    member.logs = logs
    const log = await openMetadataLog(logs, config())
    const votes = id <= voters
    if (dynamic && votes && log.logEndOffset === 0) await this.#format(host, log.directory, voters)
    const quorum = await Quorum.open({
      host,
      log,
      nodeId: id,
      directoryId: directoryOf(id),
      clusterId,
      voters: dynamic ? [] : this.all.slice(0, voters).map(other => ({ id: other.id, ...endpointOf(other.id) })),
      bootstrapServers: dynamic ? this.all.map(other => endpointOf(other.id)) : [],
      observer: !dynamic && !votes,
      listenerName: 'CONTROLLER',
      endpoints: [endpointOf(id)],
      peers: { request: (to, api, body, options) => this.#request(member, to, api, body, options) },
      ...this.#options.quorum,
      ...more,
    })
    member.elected = []
    quorum.listen({ elected: epoch => member.elected.push(epoch) })
    member.quorum = quorum
    return quorum
  }

  async startAll(): Promise<void> {
    for (const member of this.all) await this.start(member)
  }

  /** In good order. */
  async stop(member: Member): Promise<void> {
    await member.quorum?.close()
    member.quorum = null
    await member.logs?.close()
    member.logs = null
  }

  async stopAll(): Promise<void> {
    await Promise.all(this.all.map(member => this.stop(member)))
  }

  /** Lets time pass until `done`; throws when that takes too long. */
  async until(what: string, done: () => boolean, limitMs = 20_000): Promise<void> {
    const endMs = this.clock.monotonic() + limitMs
    while (!done()) {
      if (this.clock.monotonic() > endMs) throw new Error(`not ${what} within ${limitMs} ms`)
      await this.clock.advance(5)
    }
  }

  /** A leader whose epoch is committed. */
  async leads(): Promise<Member> {
    await this.until('a leader', () => this.leader !== null && this.leader.elected.length > 0)
    return this.leader as Member
  }

  write(member: Member, featureLevel: number): number {
    const value = encodeRecord(record('featureLevel', { name: 'f', featureLevel }))
    return member.running.append([{ key: null, value }], 5)
  }

  async committedEverywhere(offset: number): Promise<void> {
    const up = this.all.filter(({ quorum }) => quorum !== null)
    await this.until(`offset ${offset} committed`, () => up.every(({ running }) => running.committed.value > offset))
  }

  async #format(host: SimHost, directory: string, voters: number): Promise<void> {
    const stored: Voters = this.all.slice(0, voters).map(({ id }) => ({
      voterId: id,
      voterDirectoryId: directoryOf(id),
      endpoints: [endpointOf(id)],
      kRaftVersionFeature: { minSupportedVersion: 0, maxSupportedVersion: 1 },
    }))
    const bytes = encodeSnapshot({ records: [], kraftVersion: 1, voters: stored, lastTimestampMs: 0 }, 0, 0)
    await writeFileAtomically(host.disk, directory, snapshotFileName({ endOffset: 0, epoch: 0 }), bytes)
  }

  /** There and back again, in bytes of the highest version. */
  async #request<A extends AnyApi>(
    from: Member,
    to: { port: number },
    api: A,
    body: RequestInputOf<A>,
    options: { timeoutMs: number; minVersion?: number },
  ): Promise<DecodedResponseOf<A>> {
    this.requests++
    const version = Math.min(api.versions.high, this.versionMax.get(api.key) ?? 99)
    const member = this.all.find(({ id }) => endpointOf(id).port === to.port)
    const request = decodeRequest(api, version, inOnePiece(encodeRequest(api, version, body)))
    await this.clock.sleep(1)
    let cancel = () => {}
    const late = new Promise<never>((_resolve, reject) => {
      cancel = this.clock.after(options.timeoutMs, () => reject(new Error('no answer in time')))
    })
    if (!member?.quorum || member.isCut || from.isCut) return late
    const answered = answer(member.quorum, api, request, version)
    const response = (await Promise.race([answered, late])) as ResponseOf<A>
    await this.clock.sleep(1)
    if (from.isCut || member.isCut) return late
    cancel()
    return decodeResponse(api, version, inOnePiece(encodeResponse(api, version, response)))
  }
}

async function answer(quorum: Quorum, api: AnyApi, request: unknown, version: number): Promise<unknown> {
  try {
    return await serve(quorum, api, request)
  } catch (error) {
    if (!(error instanceof KafkaError)) throw error
    return topLevelFailure(api, version, error)
  }
}

function serve({ requests }: Quorum, api: AnyApi, request: unknown): Promise<unknown> {
  switch (api.key) {
    case fetch.key:
      return requests.fetch(request as RequestOf<typeof fetch>)
    case vote.key:
      return requests.vote(request as RequestOf<typeof vote>)
    case beginQuorumEpoch.key:
      return requests.beginQuorumEpoch(request as RequestOf<typeof beginQuorumEpoch>)
    case endQuorumEpoch.key:
      return requests.endQuorumEpoch(request as RequestOf<typeof endQuorumEpoch>)
    case fetchSnapshot.key:
      return requests.fetchSnapshot(request as RequestOf<typeof fetchSnapshot>)
    case addRaftVoter.key:
      return requests.addVoter(request as RequestOf<typeof addRaftVoter>)
    case removeRaftVoter.key:
      return requests.removeVoter(request as RequestOf<typeof removeRaftVoter>)
    case updateRaftVoter.key:
      return requests.updateVoter(request as RequestOf<typeof updateRaftVoter>)
    case apiVersions.key:
      return Promise.resolve({
        errorCode: Errors.NONE,
        apiKeys: [],
        supportedFeatures: [{ name: 'kraft.version', minVersion: 0, maxVersion: 1 }],
      })
    default:
      throw new Error(`nobody asks for ${api.name}`)
  }
}
