/** Times and durations as people write them. */
import { UsageError } from './usage-error.ts'

const unitMs: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
}

/** `1500`, `500ms`, `10s`, `2m`, `1h30m`, `7d`: milliseconds. Null for anything else. */
export function durationMs(text: string): number | null {
  if (/^\d+$/.test(text)) return Number(text)
  const iso = /^P(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?$/i.exec(text)
  if (iso && text.length > 2) {
    const [, weeks = '0', days = '0', hours = '0', minutes = '0', seconds = '0'] = iso
    return (
      Number(weeks) * unitMs.w +
      Number(days) * unitMs.d +
      Number(hours) * unitMs.h +
      Number(minutes) * unitMs.m +
      Math.round(Number(seconds) * unitMs.s)
    )
  }
  if (!/^(\d+(ms|s|m|h|d|w))+$/.test(text)) return null
  return [...text.matchAll(/(\d+)(ms|s|m|h|d|w)/g)].reduce((sum, [, n, unit]) => sum + Number(n) * unitMs[unit], 0)
}

/** Throws UsageError. */
export function parseTime(text: string, option: string): number {
  const ms = durationMs(text)
  if (ms === null || ms < 1)
    throw new UsageError(`--${option} ${text}: a duration is expected`, ['Such as 500ms, 10s or 2m.'])
  return ms
}

/**
 * A point in time: milliseconds since the epoch, a date in ISO 8601 (without a zone: UTC), or a duration before `nowMs`.
 * Null for anything else.
 */
export function parseInstant(text: string, nowMs: number): number | null {
  if (/^\d{9,}$/.test(text)) return Number(text)
  const date = /^\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?)?(?:Z|[+-]\d\d:?\d\d)?$/.exec(text)
  if (date) {
    const iso = text
      .replace(' ', 'T')
      .replace(',', '.')
      .replace(/([+-]\d\d)(\d\d)$/, '$1:$2')
    const zoned = /(Z|[+-]\d\d:\d\d)$/.test(iso) || !iso.includes('T') ? iso : `${iso}Z`
    const ms = Date.parse(zoned)
    return Number.isNaN(ms) ? null : ms
  }
  const ago = durationMs(text.replace(/^-/, ''))
  return ago === null || /^\d+$/.test(text) ? null : nowMs - ago
}

/** `2026-11-22T10:00:00.000Z`, or `-` for none. */
export function shownInstant(ms: number): string {
  return ms < 0 || ms > 8.64e15 ? '-' : new Date(ms).toISOString()
}

/** `1h 2m`, `3.2s`, `15ms`. */
export function shownDuration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)}ms`
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)}s`
  const minutes = Math.floor(ms / 60_000)
  if (minutes < 60) return `${minutes}m ${Math.floor((ms % 60_000) / 1000)}s`
  const hours = Math.floor(minutes / 60)
  return hours < 48 ? `${hours}h ${minutes % 60}m` : `${Math.floor(hours / 24)}d ${hours % 24}h`
}

/** `1.5 GiB`. */
export function shownBytes(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB']
  let i = 0
  let value = bytes
  while (value >= 1024 && i < units.length - 1) {
    value /= 1024
    i++
  }
  return `${i === 0 ? value : value.toFixed(1)} ${units[i]}`
}
