/**
 * Kafka's checkpoint files: text, one line with the version (0), one with the number of entries, then one entry a line.
 * All of them can be done without: a file that cannot be understood counts as absent, with a warning.
 */
import type { Disk, Logger } from '../host/host.ts'
import { DurableFile } from './durable-file.ts'

const version = 0

/** The offsets that a log directory keeps for all its partitions, by file name. */
export const recoveryPointCheckpoint = 'recovery-point-offset-checkpoint'
export const logStartCheckpoint = 'log-start-offset-checkpoint'
export const highWatermarkCheckpoint = 'replication-offset-checkpoint'
export const cleanerCheckpoint = 'cleaner-offset-checkpoint'

/** A checkpoint of whatever a line holds. `parse` answers null for a line that it does not understand. */
export class Checkpoint<Entry> {
  readonly #file: DurableFile
  readonly #log: Logger
  readonly #format: (entry: Entry) => string
  readonly #parse: (line: string) => Entry | null

  constructor(
    host: { readonly disk: Disk; readonly log: Logger },
    directory: string,
    name: string,
    lines: { readonly format: (entry: Entry) => string; readonly parse: (line: string) => Entry | null },
  ) {
    this.#file = new DurableFile(host.disk, directory, name)
    this.#log = host.log
    this.#format = lines.format
    this.#parse = lines.parse
  }

  /** Durable when it resolves; calls during a write are put together. Throws DiskError. */
  write(entries: readonly Entry[]): Promise<void> {
    const lines = [String(version), String(entries.length), ...entries.map(this.#format)]
    return this.#file.write(`${lines.join('\n')}\n`)
  }

  /** Resolves when no write is under way. Never rejects. */
  idle(): Promise<void> {
    return this.#file.idle()
  }

  /** Null when absent or not understood. Throws DiskError. */
  async read(): Promise<Entry[] | null> {
    const bytes = await this.#file.read()
    if (bytes === null) return null
    const entries = this.#decode(bytes.toString('utf8'))
    if (entries === null) this.#log.warn({ path: this.#file.path }, 'checkpoint is malformed and is not used')
    return entries
  }

  #decode(text: string): Entry[] | null {
    const lines = text.split('\n')
    if (lines.pop() !== '' || lines[0] !== String(version) || lines[1] !== String(lines.length - 2)) return null
    const entries: Entry[] = []
    for (const line of lines.slice(2)) {
      const entry = this.#parse(line)
      if (entry === null) return null
      entries.push(entry)
    }
    return entries
  }
}

/** A non-negative decimal number that is exact, or null. */
export function parseOffset(text: string): number | null {
  const value = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN
  return Number.isSafeInteger(value) ? value : null
}

interface PartitionOffset {
  readonly topic: string
  readonly partition: number
  readonly offset: number
}

const offsetLines = {
  format: (entry: PartitionOffset) => `${entry.topic} ${entry.partition} ${entry.offset}`,
  parse(line: string): PartitionOffset | null {
    const [topic, partitionText, offsetText, ...more] = line.split(/\s+/)
    const partition = parseOffset(partitionText ?? '')
    const offset = parseOffset(offsetText ?? '')
    return topic && partition !== null && offset !== null && more.length === 0 ? { topic, partition, offset } : null
  },
}

/** One offset for each partition of a log directory. Partitions go by the name of their directory, `<topic>-<n>`. */
export class OffsetCheckpoint {
  readonly #checkpoint: Checkpoint<PartitionOffset>

  constructor(host: { readonly disk: Disk; readonly log: Logger }, directory: string, name: string) {
    this.#checkpoint = new Checkpoint(host, directory, name, offsetLines)
  }

  /** Durable when it resolves; calls during a write are put together. Throws DiskError. */
  write(offsets: ReadonlyMap<string, number>): Promise<void> {
    const entries: PartitionOffset[] = []
    for (const [name, offset] of offsets) {
      const dash = name.lastIndexOf('-')
      entries.push({ topic: name.slice(0, dash), partition: Number(name.slice(dash + 1)), offset })
    }
    return this.#checkpoint.write(entries)
  }

  /** Empty when the file is absent or malformed. Throws DiskError. */
  async read(): Promise<Map<string, number>> {
    const entries = (await this.#checkpoint.read()) ?? []
    return new Map(entries.map(({ topic, partition, offset }) => [`${topic}-${partition}`, offset]))
  }
}
