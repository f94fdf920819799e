/**
 * Settings with several spellings: some times can be given in hours, minutes or milliseconds, the finer unit wins.
 */
import type { BrokerSettingName } from './tables.ts'

export interface Spelling {
  readonly name: BrokerSettingName
  /** What one unit of this spelling is in the unit of the first one. */
  readonly factor: number
}

const HOUR_MS = 3_600_000

/** By the first spelling, strongest first. */
export const spellings: Readonly<Record<string, readonly Spelling[]>> = {
  'log.roll.ms': [
    { name: 'log.roll.ms', factor: 1 },
    { name: 'log.roll.hours', factor: HOUR_MS },
  ],
  'log.roll.jitter.ms': [
    { name: 'log.roll.jitter.ms', factor: 1 },
    { name: 'log.roll.jitter.hours', factor: HOUR_MS },
  ],
  'log.retention.ms': [
    { name: 'log.retention.ms', factor: 1 },
    { name: 'log.retention.minutes', factor: 60_000 },
    { name: 'log.retention.hours', factor: HOUR_MS },
  ],
  'log.flush.interval.ms': [
    { name: 'log.flush.interval.ms', factor: 1 },
    { name: 'log.flush.scheduler.interval.ms', factor: 1 },
  ],
}

const familyByName: ReadonlyMap<string, readonly string[]> = new Map(
  Object.values(spellings).flatMap(family => {
    const names = family.map(({ name }) => name)
    return names.map(name => [name, names] as const)
  }),
)

const factorByName: ReadonlyMap<string, number> = new Map(
  Object.values(spellings).flatMap(family => family.map(({ name, factor }) => [name, factor] as const)),
)

/** All spellings of the family that `name` belongs to, strongest first; only itself when it has no family. */
export function familyOf(name: string): readonly string[] {
  return familyByName.get(name) ?? [name]
}

/** What one unit of this spelling is in the unit of its family's first one. */
export function factorOf(name: string): number {
  return factorByName.get(name) ?? 1
}

/** A negative time means "no limit" in every unit. */
export function inFirstUnit(value: number, factor: number): number {
  return value < 0 ? -1 : value * factor
}
