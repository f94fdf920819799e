/**
 * Metadata of one broker that is its own controller, put together: the metadata log, the quorum of one over it, the
 * broker's view of it, and the controller.
 */
import type { BrokerConfig } from '../config/broker.ts'
import type { Cancel, Host } from '../host/host.ts'
import { Watermark } from '../lib/watermark.ts'
import type { LogDirectory } from '../log/directory.ts'
import type { Logs } from '../log/logs.ts'
import { MetadataFollower } from '../metadata/follower.ts'
import type { MetadataRecord } from '../metadata/records.ts'
import { recordsOf } from '../metadata/snapshot.ts'
import { MetadataState } from '../metadata/state.ts'
import type { Peers } from '../network/peers.ts'
import { ensureFormatted, FormatError, type Identity, readBootstrap } from '../raft/format.ts'
import { openMetadataLog } from '../raft/metadata-log.ts'
import { Quorum } from '../raft/quorum.ts'
import { defaultBootstrapRecords } from './bootstrap.ts'
import { BrokerLinks } from './broker-links.ts'
import { Controller } from './controller.ts'

export interface PlaneOptions {
  /** How this node asks others; without it, this node is the whole quorum. */
  readonly peers?: Peers
  /** Where this node's controller listens. */
  readonly endpoints?: readonly { readonly name: string; readonly host: string; readonly port: number }[]
  /** Resolves when what the metadata told last is in place: the controller's answers wait for it. */
  readonly settled?: () => Promise<void>
}

export class MetadataPlane {
  readonly identity: Identity
  readonly quorum: Quorum
  /** What is committed, as this broker knows it. */
  readonly state: MetadataState
  readonly controller: Controller
  readonly #host: Host
  readonly #config: BrokerConfig
  readonly #follower: MetadataFollower
  readonly #served: Watermark
  readonly #previousBrokerEpoch: number
  #bytesAtSnapshot = 0
  #savedEnd: number
  #saving: Promise<void> | null = null
  #cancelTimer: Cancel = () => {}
  #stopListening: () => void = () => {}
  #links: BrokerLinks | null = null
  #closed = false

  private constructor(
    host: Host,
    config: BrokerConfig,
    identity: Identity,
    quorum: Quorum,
    state: MetadataState,
    follower: MetadataFollower,
    served: Watermark,
    bootstrapRecords: readonly MetadataRecord[],
    previousBrokerEpoch: number,
  ) {
    this.#previousBrokerEpoch = previousBrokerEpoch
    this.#host = host
    this.#config = config
    this.identity = identity
    this.quorum = quorum
    this.state = state
    this.#follower = follower
    this.#savedEnd = quorum.logStartOffset
    this.#served = served
    this.controller = new Controller({
      host,
      config,
      clusterId: identity.clusterId,
      log: quorum,
      metadata: state,
      applied: follower.applied,
      served,
      bootstrapRecords,
    })
  }

  /**
   * Opens the metadata log and takes part in its quorum. A node that begins alone formats directories that are new; when
   * this resolves, it leads, `state` is up to date and the controller answers. Any other node has still to find out who
   * leads. Throws FormatError, QuorumError, QuorumStateError, SnapshotError, KafkaError and DiskError.
   */
  static async open(host: Host, config: BrokerConfig, logs: Logs, options: PlaneOptions = {}): Promise<MetadataPlane> {
    const directories = logs.directories
    if (!config.isAlone && directories.some(({ meta }) => meta === null))
      throw new FormatError(unformatted(directories))
    const identity = await ensureFormatted(host, config, directories, {
      bootstrapRecords: defaultBootstrapRecords,
      initialVoters: config.quorumVoters.length > 0 ? 'elsewhere' : 'standalone',
    })
    const log = await openMetadataLog(logs, config)
    const { path }: LogDirectory = logs.directoryOf(log)
    const directoryId = identity.directoryIds.get(path) ?? null
    const quorum = await Quorum.open({ host, log, directoryId, ...quorumOptions(config, identity, options) })
    const state = new MetadataState()
    for (const record of quorum.snapshotRecords) {
      state.apply(record, quorum.logStartOffset - 1, quorum.snapshotId?.epoch ?? 0)
    }
    const follower = new MetadataFollower(quorum, state, host.log)
    const served = new Watermark(quorum.logStartOffset)
    passOn(follower.applied, served, options.settled ?? (() => Promise.resolve()))
    const bootstrapRecords = (await readBootstrap(host.disk, path)) ?? defaultBootstrapRecords
    const plane = new MetadataPlane(
      host,
      config,
      identity,
      quorum,
      state,
      follower,
      served,
      bootstrapRecords,
      previousEpoch(directories),
    )
    await follower.start()
    if (options.peers && config.roles.has('controller')) plane.#watchBrokers()
    await plane.#followQuorum()
    plane.#keepSnapshots()
    return plane
  }

  /** Whoever may lead knows at once whose process is gone. */
  #watchBrokers(): void {
    this.#links = new BrokerLinks({
      host: this.#host,
      metadata: this.state,
      ownId: this.#config.nodeId,
      listenerName: this.#config.interBrokerListener?.name ?? '',
      gone: gone => this.controller.loseBroker(gone),
    })
  }

  /** The controller is active while this node leads. Resolves when it is, if it leads already. */
  async #followQuorum(): Promise<void> {
    let loading: Promise<void> | null = null
    this.#stopListening = this.quorum.listen({
      elected: () => {
        loading = this.#decide()
      },
      resigned: () => this.controller.resigned(),
      snapshotInstalled: ({ endOffset, epoch }, records) => this.#follower.jumpTo(endOffset, epoch, records),
    })
    await loading
  }

  /** Judges first whoever went down with the controller before. */
  async #decide(): Promise<void> {
    await this.controller.elected()
    for (const gone of this.#links?.gone ?? []) this.controller.loseBroker(gone)
  }

  /** The epoch in which this broker last shut down in good order; -1 when it did not. */
  get previousBrokerEpoch(): number {
    return this.#previousBrokerEpoch
  }

  /** Everything below is in this node's metadata. */
  get applied(): Watermark {
    return this.#follower.applied
  }

  /** Everything below is in this node's metadata, and its files are in place. */
  get served(): Watermark {
    return this.#served
  }

  /** Stops deciding and following; once. The log itself is closed with the others. */
  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    this.#cancelTimer()
    await this.quorum.close()
    this.#stopListening()
    this.#links?.close()
    this.controller.close()
    this.#follower.close()
    await this.#saving
  }

  /** A snapshot after so many bytes of records, or after so long with anything new. */
  #keepSnapshots(): void {
    const { metadataLogMaxRecordBytesBetweenSnapshots: bytesMax, metadataLogMaxSnapshotIntervalMs: intervalMs } =
      this.#config
    this.#follower.onApplied = () => {
      if (this.#follower.bytesApplied - this.#bytesAtSnapshot >= bytesMax) this.#save()
    }
    if (intervalMs > 0) this.#schedule(intervalMs)
  }

  #schedule(intervalMs: number): void {
    this.#cancelTimer = this.#host.clock.after(intervalMs, () => {
      if (this.#follower.bytesApplied > this.#bytesAtSnapshot) this.#save()
      this.#schedule(intervalMs)
    })
  }

  #save(): void {
    const { state, quorum } = this
    const endOffset = this.#follower.applied.value
    if (this.#saving || this.#closed || state.inTransaction || endOffset <= this.#savedEnd) return
    this.#bytesAtSnapshot = this.#follower.bytesApplied
    const saving = quorum.saveSnapshot(
      { endOffset, epoch: quorum.leaderEpoch },
      recordsOf(state),
      state.lastTimestampMs,
    )
    this.#saving = saving
      .then(
        () => {
          this.#savedEnd = endOffset
          this.#host.log.info({ endOffset }, 'metadata snapshot saved')
        },
        // The log still holds everything; the next one may succeed.
        error => this.#host.log.error({ err: error }, 'the metadata snapshot could not be saved'),
      )
      .finally(() => {
        this.#saving = null
      })
  }
}

/** Moves `served` after `applied`, each time when everything has settled. */
function passOn(applied: Watermark, served: Watermark, settled: () => Promise<void>): void {
  applied.reached(served.value + 1, failure => {
    if (failure) return served.fail(failure)
    const offset = applied.value
    settled().then(() => {
      served.advance(offset)
      passOn(applied, served, settled)
    })
  })
}

/** The epoch in which every directory was closed in good order; -1 when one was not. */
function previousEpoch(directories: readonly LogDirectory[]): number {
  const [first, ...others] = directories.map(directory => directory.previousBrokerEpoch)
  return others.every(epoch => epoch === first) ? first : -1
}

function quorumOptions(config: BrokerConfig, identity: Identity, { peers, endpoints }: PlaneOptions) {
  return {
    nodeId: config.nodeId,
    clusterId: identity.clusterId,
    voters: config.quorumVoters,
    bootstrapServers: config.quorumBootstrapServers,
    observer: !config.roles.has('controller'),
    listenerName: config.controllerListenerNames[0],
    endpoints,
    timeouts: {
      electionTimeoutMs: config.controllerQuorumElectionTimeoutMs,
      fetchTimeoutMs: config.controllerQuorumFetchTimeoutMs,
      electionBackoffMaxMs: config.controllerQuorumElectionBackoffMaxMs,
      requestTimeoutMs: config.controllerQuorumRequestTimeoutMs,
      retryBackoffMs: config.controllerQuorumRetryBackoffMs,
    },
    autoJoin: config.controllerQuorumAutoJoinEnable,
    fetchBytesMax: config.controllerQuorumFetchMaxBytes,
    snapshotBytesMax: config.controllerQuorumFetchSnapshotMaxBytes,
    // Whoever is alone keeps nothing for others.
    retention: config.isAlone ? undefined : { bytes: config.metadataMaxRetentionBytes },
    peers,
  }
}

function unformatted(directories: readonly LogDirectory[]): string {
  const paths = directories.filter(({ meta }) => meta === null).map(({ path }) => path)
  return (
    `No meta.properties found in ${paths.join(', ')}: a node of a quorum is told by \`ottla storage format\` which cluster it ` +
    'belongs to'
  )
}
