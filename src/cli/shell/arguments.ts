/** Options and arguments read into what they mean. All throw UsageError. */
import { UsageError } from './usage-error.ts'

const int32Max = 2 ** 31 - 1

/** A whole number from 1 on. */
export function parseCount(text: string, option: string, max = int32Max): number {
  const n = /^\d{1,16}$/.test(text) ? Number(text) : 0
  if (n < 1 || n > max) throw new UsageError(`--${option} ${text}: a number from 1 to ${max} is expected`)
  return n
}

/** A whole number from 0 on. */
export function parseNumber(text: string, what: string, max = Number.MAX_SAFE_INTEGER): number {
  const n = /^\d{1,16}$/.test(text) ? Number(text) : -1
  if (n < 0 || n > max) throw new UsageError(`${what} ${text}: a number from 0 on is expected`)
  return n
}

/** `name=value`, the value may hold further signs of equality. */
export function parseKeyValue(text: string, option: string): [string, string] {
  const at = text.indexOf('=')
  if (at < 1) throw new UsageError(`--${option} ${text}: NAME=VALUE is expected`)
  return [text.slice(0, at).trim(), text.slice(at + 1)]
}

export function parseKeyValues(texts: readonly string[], option: string): Map<string, string> {
  return new Map(texts.map(text => parseKeyValue(text, option)))
}

/** `1 partition`, `3 partitions`. */
export function counted(n: number, noun: string, plural = `${noun}s`): string {
  return `${n} ${n === 1 ? noun : plural}`
}
