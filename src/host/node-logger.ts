/** Log output of the real machine: pino on standard error. */
import { createRequire } from 'node:module'
import type * as Pino from 'pino'
import type * as PinoPretty from 'pino-pretty'
import type { Logger } from './host.ts'
import { silentLogger } from './silent-logger.ts'

export type LogLevel = Pino.LevelWithSilent

export interface LoggerOptions {
  readonly level?: LogLevel
  /** One JSON object per line, or lines for people. Without it: for people on a terminal, JSON otherwise. */
  readonly format?: 'json' | 'pretty'
}

const standardError = 2

/** Loads a package when it is needed: who embeds a broker that says nothing waits for none of them. */
const load = createRequire(import.meta.url)

/** Synchronous: the last words before a crash are the ones that matter. */
export function nodeLogger(options: LoggerOptions = {}): Logger {
  if (options.level === 'silent') return silentLogger
  const { pino, destination }: typeof Pino = load('pino')
  const format = options.format ?? (process.stderr.isTTY ? 'pretty' : 'json')
  return pino(
    { level: options.level ?? 'info', base: null, timestamp: pino.stdTimeFunctions.isoTime },
    format === 'pretty' ? people() : destination({ fd: standardError, sync: true }),
  )
}

function people(): Pino.DestinationStream {
  const { PinoPretty: pretty }: typeof PinoPretty = load('pino-pretty')
  return pretty({ destination: standardError, sync: true, colorize: process.stderr.isTTY === true })
}
