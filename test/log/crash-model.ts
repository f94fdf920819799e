/**
 * A random life of one log on a disk that loses power, and what must be true when it is opened again. The model keeps
 * every batch that was ever given an offset and not cut off since.
 */
import { batchBytes, lastOffset, nextOffset } from '../../protocol/records/batch.ts'
import { buildBatch } from '../../protocol/records/builder.ts'
import { buildTransactionMarker } from '../../protocol/records/control.ts'
import { producerBatchOf } from '../../src/log/append-checks.ts'
import type { Log } from '../../src/log/log.ts'
import { defaultLogConfig, type LogConfig, syncsEveryWrite } from '../../src/log/log-config.ts'
import { Logs } from '../../src/log/logs.ts'
import { type CompletedTransaction, ProducerState } from '../../src/log/producer-state.ts'
import type { SimDisk } from '../sim/disk.ts'
import { type SimHost, simHost } from '../sim/host.ts'
import type { SimRandom } from '../sim/random.ts'

const topicId = 'abcdefghijklmnopqrstug'
const root = '/data'
const retentionBytes = 6000

export const crashConfig: LogConfig = {
  ...defaultLogConfig,
  segmentBytes: 1500,
  indexIntervalBytes: 200,
  retentionBytes,
  fileDeleteDelayMs: 20,
}

/** Kafka's own way: what is in the page cache counts as written. */
export const pageCacheConfig: LogConfig = { ...crashConfig, flushMessages: 2 ** 40 }

interface Batch {
  readonly baseOffset: number
  readonly nextOffset: number
  readonly epoch: number
  readonly bytes: Buffer
}

export type Outage = 'power failure' | 'kill'

interface Producer {
  epoch: number
  sequence: number
  inTransaction: boolean
}

export class CrashModel {
  readonly config: LogConfig
  readonly outage: Outage
  readonly #random: SimRandom
  #batches: Batch[] = []
  /** Below: acknowledged, must survive. */
  #acknowledged = 0
  /** The log start that was promised, and the furthest that anybody asked for. */
  #startPromised = 0
  #startAsked = 0
  #epoch = 0
  #producers = new Map<number, Producer>()
  /** What happened, for whoever has to find out why. */
  readonly trace: string[] = []
  host: SimHost
  logs: Logs | null = null
  log: Log | null = null

  constructor(seed: number, outage: Outage, config: LogConfig) {
    this.host = simHost(seed)
    this.outage = outage
    this.#random = this.host.random.fork()
    this.config = config
  }

  get disk(): SimDisk {
    return this.host.disk
  }

  get acknowledged(): number {
    return this.#acknowledged
  }

  /** Opens the log, makes it when there is none yet, and checks what it holds. */
  async open(): Promise<void> {
    this.#say('open')
    this.logs = await Logs.open(this.host, { directories: [root], retentionCheckMs: 1000 })
    await this.logs.loadAll(() => this.config)
    this.log = this.logs.get('t', 0) ?? (await this.logs.create('t', topicId, 0, this.config))
    this.logs.start()
    this.#say(`opened, ${this.log.logStartOffset} to ${this.log.logEndOffset}`)
    await this.#verify(this.log)
    this.#settle(this.log)
    this.log.startEpoch(++this.#epoch)
  }

  /** Closes in good order; everything is acknowledged then. */
  async close(): Promise<void> {
    this.#say('close')
    await this.logs!.close()
    this.#acknowledged = this.#end
  }

  /** What is there after the power failed, or after the process died, to be opened next. */
  crash(seed: number): void {
    const log = this.log
    if (log) this.#startAsked = Math.max(this.#startAsked, log.logStartOffset)
    this.#say(`${this.outage} at operation ${this.disk.operations}`)
    const disk = this.outage === 'power failure' ? this.disk.afterPowerLoss(seed) : this.disk.afterKill()
    this.host = simHost(seed, { clock: this.host.clock, disk })
    this.logs = null
    this.log = null
  }

  /** Random steps. Ends when they are done; never, when the disk goes down. */
  async live(steps: number): Promise<void> {
    const { disk } = this
    for (let step = 0; step < steps; step++) {
      // The process is gone; what it waited for may have come all the same.
      if (disk.isDown) await new Promise(() => {})
      await this.#step()
    }
  }

  async #step(): Promise<void> {
    const log = this.log!
    const random = this.#random
    const choice = random.below(100)
    if (choice < 62) {
      for (let count = 1 + random.below(3); count > 0; count--) this.#append(log)
      if (random.oneIn(2)) await this.#durable(log)
    } else if (choice < 68) {
      await this.#durable(log)
      // Where the page cache counts, a power failure may leave less than the log start: nothing is left to compare then.
      if (!syncsEveryWrite(this.config)) await log.flush()
      const offset = random.below(log.durable.value + 1)
      this.#startAsked = Math.max(this.#startAsked, offset)
      this.#say(`delete before ${offset}`)
      await log.deleteRecordsBefore(offset)
      this.#say('deleted')
      this.#startPromised = Math.max(this.#startPromised, offset)
    } else if (choice < 73) await this.#truncate(log)
    else if (choice < 79) await this.logs!.checkpoint()
    else if (choice < 84) {
      this.#startAsked = Math.max(this.#startAsked, log.durable.value)
      this.#say('retention')
      await log.enforceRetention()
      this.#say(`starts at ${log.logStartOffset}`)
    } else if (choice < 89) log.startEpoch(++this.#epoch)
    else if (choice < 94) await this.host.clock.sleep(random.below(100))
    else if (choice < 96) {
      await this.close()
      await this.open()
    } else {
      const end = log.logEndOffset
      await log.flush()
      this.#acknowledged = Math.max(this.#acknowledged, end)
    }
  }

  #say(what: string): void {
    this.trace.push(`${this.host.clock.monotonic().toFixed(1)} #${this.disk.operations} ${what}`)
  }

  #append(log: Log): void {
    const producerId = 1 + this.#random.below(3)
    const producer = this.#producers.get(producerId) ?? { epoch: 0, sequence: 0, inTransaction: false }
    this.#producers.set(producerId, producer)
    const nowMs = this.host.clock.now()
    const kind = this.#random.below(6)
    const { random, leaderEpoch } = { random: this.#random, leaderEpoch: this.#epoch }
    if (kind === 0 && producer.inTransaction) {
      const commit = random.oneIn(2)
      const marker = buildTransactionMarker({
        commit,
        producerId,
        producerEpoch: producer.epoch,
        coordinatorEpoch: 0,
        timestampMs: nowMs,
      })
      log.append(marker, { leaderEpoch, origin: 'coordinator', requestVersion: 9 })
      producer.inTransaction = false
      this.#note(marker)
      return
    }
    const count = 1 + random.below(4)
    const plain = kind === 1
    const batch = buildBatch({
      records: Array.from({ length: count }, () => ({ key: null, value: random.bytes(random.below(300)) })),
      baseTimestamp: nowMs,
      ...(plain
        ? {}
        : { producerId, producerEpoch: producer.epoch, baseSequence: producer.sequence, transactional: true }),
    })
    log.append(batch, { leaderEpoch, origin: 'client', requestVersion: 9 })
    if (!plain) {
      producer.sequence += count
      producer.inTransaction = true
    }
    this.#note(batch)
  }

  #note(batch: Buffer): void {
    const first = this.#end
    const bytes = Buffer.from(batch)
    this.#say(`append ${first} to ${nextOffset(bytes)}`)
    this.#batches.push({ baseOffset: first, nextOffset: nextOffset(bytes), epoch: this.#epoch, bytes })
  }

  async #durable(log: Log): Promise<void> {
    const end = log.logEndOffset
    await new Promise<void>((resolve, reject) => {
      log.durable.reached(end, failure => (failure ? reject(failure) : resolve()))
    })
    // Under explicit flush settings the page cache counts, and with it a power failure takes what was acknowledged.
    if (this.outage === 'kill' || syncsEveryWrite(this.config)) this.#acknowledged = Math.max(this.#acknowledged, end)
    this.#say(`durable ${end}`)
  }

  async #truncate(log: Log): Promise<void> {
    const at = log.logStartOffset + this.#random.below(log.logEndOffset - log.logStartOffset + 1)
    const kept = this.#batches.findLast(batch => batch.nextOffset <= at)?.nextOffset ?? 0
    this.#acknowledged = Math.min(this.#acknowledged, kept)
    // A log that is cut below its start begins where it ends.
    this.#startPromised = Math.min(this.#startPromised, kept)
    this.#say(`truncate to ${at}`)
    await log.truncateTo(at)
    this.#say(`truncated, ends at ${log.logEndOffset}`)
    this.#settle(log)
  }

  get #end(): number {
    return this.#batches.at(-1)?.nextOffset ?? 0
  }

  /** Takes over where the log ends now: what the model has beyond that is gone for good. */
  #settle(log: Log): void {
    this.#batches = this.#batches.filter(batch => batch.nextOffset <= log.logEndOffset)
    this.#acknowledged = Math.min(this.#acknowledged, this.#end)
    this.#startPromised = log.logStartOffset
    this.#startAsked = log.logStartOffset
    const { state } = this.#expectedProducers()
    this.#producers = new Map(
      state
        .snapshot()
        .map(entry => [
          entry.producerId,
          { epoch: entry.epoch, sequence: entry.lastSequence + 1, inTransaction: entry.currentTxnFirstOffset >= 0 },
        ]),
    )
  }

  #expectedProducers(end = Number.POSITIVE_INFINITY): { state: ProducerState; aborted: CompletedTransaction[] } {
    const state = new ProducerState()
    const aborted: CompletedTransaction[] = []
    for (const { bytes, baseOffset, nextOffset: next } of this.#batches) {
      if (next > end) break
      const batch = producerBatchOf(bytes)
      const completed = batch && state.apply(batch, baseOffset, next - 1, 0)
      if (completed?.aborted) aborted.push(completed)
    }
    return { state, aborted }
  }

  /** Throws an Error that says what is wrong with what the log holds. */
  async #verify(log: Log): Promise<void> {
    const must = (holds: boolean, what: string) => {
      if (!holds) throw new Error(what)
    }
    const { logStartOffset: start, logEndOffset: end } = log
    must(log.failure === null, `the log failed: ${log.failure?.message}`)
    must(end >= this.#acknowledged, `ends at ${end}, ${this.#acknowledged} was acknowledged`)
    must(end <= this.#end, `ends at ${end}, but only ${this.#end} was ever written`)
    must(start >= this.#startPromised, `starts at ${start}, records before ${this.#startPromised} were deleted`)
    must(start <= Math.max(this.#startAsked, this.#startPromised), `starts at ${start}, asked was ${this.#startAsked}`)
    must(log.corruptRanges.length === 0, `claims damage: ${JSON.stringify(log.corruptRanges)}`)
    must(
      end === 0 || this.#batches.some(batch => batch.nextOffset === end) || start === end,
      `ends inside a batch, at ${end}`,
    )
    const expected = this.#batches.filter(batch => batch.nextOffset > start && batch.nextOffset <= end)
    const { bytes, aborted } = await readAll(log)
    const wanted = Buffer.concat(expected.map(batch => batch.bytes))
    must(bytes.equals(wanted), difference(bytes, wanted))
    for (const batch of expected) {
      const offset = Math.max(start, batch.baseOffset)
      const epoch = log.epochs.epochForOffset(offset)
      must(epoch === batch.epoch, `offset ${offset} is of epoch ${batch.epoch}, not ${epoch}`)
    }
    const model = this.#expectedProducers(end)
    const [has, should] = [describe(log.producers), describe(model.state)]
    must(has === should, `producers are ${has}, should be ${should}`)
    const shouldAbort = model.aborted
      .filter(({ lastOffset: last }) => last >= start)
      .map(({ lastOffset: last }) => last)
    must(String(aborted) === String(shouldAbort), `aborted at ${aborted}, should be ${shouldAbort}`)
  }
}

async function readAll(log: Log): Promise<{ bytes: Buffer; aborted: number[] }> {
  const chunks: Buffer[] = []
  const aborted = new Set<number>()
  for (let offset = log.logStartOffset; offset < log.logEndOffset; ) {
    const result = await log.read({
      offset,
      bytesMax: 700,
      upperOffset: log.logEndOffset,
      minOneBatch: true,
      abortedTransactions: true,
    })
    for (const { lastOffset: last } of result.abortedTransactions ?? []) aborted.add(last)
    if (result.nextOffset === offset)
      throw new Error(`nothing to read at ${offset}, the log ends at ${log.logEndOffset}`)
    chunks.push(...result.chunks)
    offset = result.nextOffset
  }
  return { bytes: Buffer.concat(chunks), aborted: [...aborted].sort((a, b) => a - b) }
}

function describe(producers: ProducerState): string {
  return producers
    .snapshot()
    .sort((a, b) => a.producerId - b.producerId)
    .map(p => `${p.producerId}:${p.epoch}:${p.lastSequence}@${p.lastOffset},${p.currentTxnFirstOffset}`)
    .join(' ')
}

function difference(has: Buffer, wanted: Buffer): string {
  const list = (bytes: Buffer) => {
    const offsets: number[] = []
    for (let at = 0; at + 61 <= bytes.length; at += batchBytes(bytes, at)) offsets.push(lastOffset(bytes, at))
    return offsets.join(' ')
  }
  const at = has.findIndex((byte, index) => byte !== wanted[index])
  return `${has.length} bytes differ from ${wanted.length} at ${at}; batches end at ${list(has)} and should at ${list(wanted)}`
}

/**
 * One life: some steps, a power failure at operation `crashAt` counted from the first opening, another start and life
 * with another failure, and a last start. Whether the first failure came before the steps were done.
 */
export async function crashLife(
  seed: number,
  crashAt: number,
  outage: Outage = 'power failure',
  config = crashConfig,
): Promise<boolean> {
  const model = new CrashModel(seed, outage, config)
  try {
    return await live(model, seed, crashAt)
  } catch (error) {
    const message = `seed ${seed}, ${outage} at operation ${crashAt}: ${(error as Error).message}`
    throw new Error(`${message}\n${model.trace.join('\n')}`, { cause: error })
  }
}

async function live(model: CrashModel, seed: number, crashAt: number): Promise<boolean> {
  const { clock } = model.host
  await clock.run(model.disk.makeDirectory(root))
  model.disk.crashAt(model.disk.operations + crashAt)
  const first = model.disk
  await clock.run(Promise.race([model.open().then(() => model.live(25)), first.down]))
  const crashed = first.isDown
  model.crash(seed * 7919 + crashAt)
  // The second failure may come while the first is being repaired.
  const second = model.disk
  second.crashAt(second.operations + 1 + model.host.random.below(crashAt + 40))
  await clock.run(Promise.race([model.open().then(() => model.live(8)), second.down]))
  model.crash(seed * 104_729 + crashAt)
  await clock.run(model.open())
  await clock.run(model.live(3))
  await clock.run(model.close())
  await clock.run(model.open())
  await clock.run(model.close())
  return crashed
}

/** Operations within which the first crash falls: about as many as a life has. */
const crashAtSpread = 300

/** Lives of the seeds from `first` on. Throws an Error that says which one went wrong, and how. */
export async function crashLives(
  first: number,
  count: number,
  outage: Outage,
  flush: 'every write is synced' | 'the page cache counts',
): Promise<void> {
  const config = flush === 'the page cache counts' ? pageCacheConfig : crashConfig
  for (let seed = first; seed < first + count; seed++) {
    await crashLife(seed, 1 + ((seed * 37) % crashAtSpread), outage, config)
  }
}
