/** What happens to the log of a member that does not lead: it grows by what was fetched, is cut, or begins anew. */
import { Errors, KafkaError } from '../../protocol/errors.ts'
import { baseOffset } from '../../protocol/records/batch.ts'
import type { Logger } from '../host/host.ts'
import type { Waiter } from '../lib/watermark.ts'
import type { Log } from '../log/log.ts'
import type { MetadataRecord } from '../metadata/records.ts'
import { quorumChangesIn } from './control-records.ts'
import type { RaftCore } from './core/core.ts'
import type { Effect } from './core/effects.ts'
import { changeOf, isExpected } from './quorum-setup.ts'
import type { SnapshotId } from './snapshot-file.ts'
import type { Snapshots } from './snapshots.ts'

export interface FollowerLogOptions {
  readonly log: Log
  readonly snapshots: Snapshots
  readonly logger: Logger
  /** One event for the core; nothing happens when the quorum has stopped. */
  readonly step: (run: (core: RaftCore, nowMs: number) => void) => void
  /** The log can be used no more. */
  readonly failed: (error: Error) => void
  readonly installed: (id: SnapshotId, records: readonly MetadataRecord[]) => void
}

type Piece = Extract<Effect, { kind: 'writePiece' }>

export class FollowerLog {
  readonly #options: FollowerLogOptions
  #waiter: Waiter | null = null
  #closed = false

  constructor(options: FollowerLogOptions) {
    this.#options = options
  }

  /** Tells the core of everything that becomes durable, from now on. */
  watch(): void {
    const { log, step, failed } = this.#options
    this.#waiter?.cancel()
    if (this.#closed) return
    this.#waiter = log.durable.reached(log.durable.value + 1, failure => {
      if (this.#closed) return
      if (failure) return failed(failure)
      this.watch()
      step((core, nowMs) => core.synced(log.durable.value, nowMs))
    })
  }

  close(): void {
    this.#closed = true
    this.#waiter?.cancel()
  }

  append(records: Buffer, epoch: number): void {
    const { log, step, logger } = this.#options
    try {
      const from = log.logEndOffset
      if (baseOffset(records) !== from) {
        throw new KafkaError(Errors.OFFSET_OUT_OF_RANGE, `records from ${baseOffset(records)}, the log ends at ${from}`)
      }
      const end = log.appendAsFollower(records, epoch)
      const changes = quorumChangesIn(records, from).changes.filter(({ offset }) => offset < end)
      step((core, nowMs) => core.appended(changes, nowMs))
    } catch (error) {
      if (!isExpected(error)) throw error
      logger.error({ error: error.message }, 'metadata records of the leader could not be appended')
      step((core, nowMs) => core.appendFailed(nowMs))
    }
  }

  truncate(offset: number): void {
    const { log, logger, step, failed } = this.#options
    logger.info({ offset, logEndOffset: log.logEndOffset }, 'the metadata log is cut to what its leader has')
    this.#waiter?.cancel()
    log.truncateTo(offset).then(() => {
      this.watch()
      step((core, nowMs) => core.truncated(nowMs))
    }, failed)
  }

  writePiece(piece: Piece): void {
    const { logger, step } = this.#options
    this.#receive(piece).catch(error => {
      if (!isExpected(error)) throw error
      logger.error({ error: error.message, ...piece.id }, 'a metadata snapshot could not be taken over')
      step((core, nowMs) => core.snapshotFailed(nowMs))
    })
  }

  async #receive({ id, position, bytes, last }: Piece): Promise<void> {
    const { log, logger, snapshots, step, installed } = this.#options
    await snapshots.receive(id, position, bytes)
    if (!last) return step((core, nowMs) => core.pieceWritten(id, bytes.length, nowMs))
    const snapshot = await snapshots.complete(id)
    if (!snapshot || this.#closed) return
    this.#waiter?.cancel()
    await log.truncateFullyAndStartAt(id.endOffset)
    this.watch()
    if (this.#closed) return
    logger.info({ ...id, records: snapshot.records.length }, 'a metadata snapshot of the leader was taken over')
    installed(id, snapshot.records)
    step((core, nowMs) => core.snapshotInstalled(id, changeOf(snapshot), nowMs))
    await snapshots.removeBefore(id.endOffset)
  }
}
