/** What compaction goes by, and what it may take. */

export interface CleanerSettings {
  readonly isEnabled: boolean
  /** Logs that are compacted at the same time. */
  readonly threads: number
  /** Memory for the keys of all compactions together, bytes. */
  readonly dedupeBufferBytes: number
  /** How full the table of keys may get. */
  readonly loadFactor: number
  /** Memory for reading and writing of all compactions together, bytes. */
  readonly ioBufferBytes: number
  /** Of reading and writing together. */
  readonly ioBytesPerSecondMax: number
  /** Pause before logs are looked at again when none needs compaction. */
  readonly backoffMs: number
}

/** Kafka 4.3's defaults. */
export const defaultCleanerSettings: CleanerSettings = {
  isEnabled: true,
  threads: 1,
  dedupeBufferBytes: 128 << 20,
  loadFactor: 0.9,
  ioBufferBytes: 512 << 10,
  ioBytesPerSecondMax: Number.MAX_VALUE,
  backoffMs: 15_000,
}

/** The settings by their names in a broker's configuration, of which `text` gives the values in effect. */
export function cleanerSettingsOf(text: (name: string) => string | null): CleanerSettings {
  const number = (name: string) => Number(text(`log.cleaner.${name}`))
  return {
    isEnabled: text('log.cleaner.enable') !== 'false',
    threads: number('threads'),
    dedupeBufferBytes: number('dedupe.buffer.size'),
    loadFactor: number('io.buffer.load.factor'),
    ioBufferBytes: number('io.buffer.size'),
    ioBytesPerSecondMax: number('io.max.bytes.per.second'),
    backoffMs: number('backoff.ms'),
  }
}
