/** Log output of the real machine: pino on standard error. */
import { type DestinationStream, destination, type LevelWithSilent, pino } from 'pino'
import { PinoPretty as pretty } from 'pino-pretty'
import type { Logger } from './host.ts'

export type LogLevel = LevelWithSilent

export interface LoggerOptions {
  readonly level?: LogLevel
  /** One JSON object per line, or lines for people. Without it: for people on a terminal, JSON otherwise. */
  readonly format?: 'json' | 'pretty'
}

const standardError = 2

/** Synchronous: the last words before a crash are the ones that matter. */
export function nodeLogger(options: LoggerOptions = {}): Logger {
  const format = options.format ?? (process.stderr.isTTY ? 'pretty' : 'json')
  const stream: DestinationStream =
    format === 'pretty'
      ? pretty({ destination: standardError, sync: true, colorize: process.stderr.isTTY === true })
      : destination({ fd: standardError, sync: true })
  return pino({ level: options.level ?? 'info', base: null, timestamp: pino.stdTimeFunctions.isoTime }, stream)
}
