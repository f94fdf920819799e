/**
 * One setting as data: what it is called, what it may hold, what it holds when nobody sets it. The tables `broker-settings.ts`,
 * `topic.ts`, `group.ts` are made of these; parsing, validation and DescribeConfigs are all driven by them.
 */

export type SettingType = 'boolean' | 'string' | 'int' | 'short' | 'long' | 'double' | 'list' | 'class' | 'password'

export type Importance = 'high' | 'medium' | 'low'

/** Whether a running broker takes a new value: for the whole cluster and each broker, only for each broker, or never. */
export type DynamicScope = 'cluster' | 'broker' | 'none'

export interface Validator<V> {
  /** What is allowed: the end of a sentence that begins "Value must be". */
  readonly allowed: string
  check(value: V): boolean
}

export interface Setting<V = unknown> {
  readonly type: SettingType
  readonly fallback: V
  readonly validator: Validator<never> | null
  readonly importance: Importance
  readonly dynamic: DynamicScope
  /** Kafka knows no default: ours is none that DescribeConfigs could show. */
  readonly required: boolean
  /** Kept out of DescribeConfigs, as in Kafka. */
  readonly internal: boolean
  /** One line in our own words. */
  readonly doc: string
  /** Throws SettingError when `text` is no such value. */
  parse(text: string): V
  /** The canonical text, as DescribeConfigs shows it; null for null. */
  format(value: V): string | null
}

export type ValueOf<S> = S extends Setting<infer V> ? V : never

/** Says why a text is no value of a setting; the caller adds which setting. */
export class SettingError extends Error {
  constructor(reason: string) {
    super(reason)
    this.name = 'SettingError'
  }
}

export const LONG_MAX = 2 ** 63
export const INT_MAX = 2 ** 31 - 1
const LONG_MIN = -(2 ** 63)
const LONG_MAX_TEXT = '9223372036854775807'
const LONG_MIN_TEXT = '-9223372036854775808'

interface Options<V> {
  valid?: Validator<V>
  importance?: Importance
  dynamic?: DynamicScope
  required?: boolean
  internal?: boolean
  doc?: string
}

type Or<V, D> = V | Extract<D, null>

function setting<V, D extends V | null>(
  type: SettingType,
  fallback: D,
  options: Options<V>,
  parse: (text: string) => V,
  format: (value: V) => string,
): Setting<Or<V, D>> {
  const {
    valid = null,
    importance = 'medium',
    dynamic = 'none',
    required = false,
    internal = false,
    doc = '',
  } = options
  return {
    type,
    fallback: fallback as Or<V, D>,
    validator: valid,
    importance,
    dynamic,
    required,
    internal,
    doc,
    parse(text) {
      const value = parse(text)
      if (valid && !valid.check(value)) throw new SettingError(`Value must be ${valid.allowed}`)
      return value
    },
    format: value => (value === null ? null : format(value as V)),
  }
}

function whole(type: string, minimum: bigint, maximum: bigint): (text: string) => number {
  return text => {
    const trimmed = text.trim()
    if (!/^[+-]?\d+$/.test(trimmed)) throw new SettingError(`Not a number of type ${type}`)
    const exact = BigInt(trimmed.startsWith('+') ? trimmed.slice(1) : trimmed)
    if (exact < minimum || exact > maximum) throw new SettingError(`Not a number of type ${type}`)
    return Number(exact)
  }
}

/** The ends of the range keep their exact spelling although they are beyond 2^53. */
export function formatLong(value: number): string {
  if (value >= LONG_MAX) return LONG_MAX_TEXT
  if (value <= LONG_MIN) return LONG_MIN_TEXT
  return BigInt(value).toString()
}

/** As Java prints a double: always with a fraction, exponents with a capital E. */
function formatDouble(value: number): string {
  const magnitude = Math.abs(value)
  if (magnitude !== 0 && (magnitude < 1e-3 || magnitude >= 1e7)) {
    const [digits, exponent] = value.toExponential().split('e')
    return `${digits.includes('.') ? digits : `${digits}.0`}E${Number(exponent)}`
  }
  return Number.isInteger(value) ? `${value}.0` : String(value)
}

function parseBoolean(text: string): boolean {
  const trimmed = text.trim().toLowerCase()
  if (trimmed === 'true') return true
  if (trimmed === 'false') return false
  throw new SettingError('Expected value to be either true or false')
}

function parseDouble(text: string): number {
  const trimmed = text.trim()
  const value = Number(trimmed)
  if (trimmed === '' || !Number.isFinite(value)) throw new SettingError('Not a number of type DOUBLE')
  return value
}

export function parseList(text: string): string[] {
  const trimmed = text.trim()
  return trimmed === '' ? [] : trimmed.split(/\s*,\s*/)
}

export const bool = <D extends boolean | null>(fallback: D, options: Options<boolean> = {}) =>
  setting<boolean, D>('boolean', fallback, options, parseBoolean, String)

export const int = <D extends number | null>(fallback: D, options: Options<number> = {}) =>
  setting<number, D>('int', fallback, options, whole('INT', -(2n ** 31n), 2n ** 31n - 1n), String)

export const short = <D extends number | null>(fallback: D, options: Options<number> = {}) =>
  setting<number, D>('short', fallback, options, whole('SHORT', -32768n, 32767n), String)

export const long = <D extends number | null>(fallback: D, options: Options<number> = {}) =>
  setting<number, D>('long', fallback, options, whole('LONG', -(2n ** 63n), 2n ** 63n - 1n), formatLong)

export const double = <D extends number | null>(fallback: D, options: Options<number> = {}) =>
  setting<number, D>('double', fallback, options, parseDouble, formatDouble)

export const string = <D extends string | null>(fallback: D, options: Options<string> = {}) =>
  setting<string, D>('string', fallback, options, text => text.trim(), String)

export const list = <D extends readonly string[] | null>(fallback: D, options: Options<readonly string[]> = {}) =>
  setting<readonly string[], D>('list', fallback, options, parseList, value => value.join(','))

export const className = <D extends string | null>(fallback: D, options: Options<string> = {}) =>
  setting<string, D>('class', fallback, options, text => text.trim(), String)

export const password = <D extends string | null>(fallback: D, options: Options<string> = {}) =>
  setting<string, D>('password', fallback, options, text => text, String)

export const atLeast = (minimum: number): Validator<number> => ({
  allowed: `at least ${minimum}`,
  check: value => value >= minimum,
})

export const between = (minimum: number, maximum: number): Validator<number> => ({
  allowed: `between ${minimum} and ${maximum}`,
  check: value => value >= minimum && value <= maximum,
})

export const betweenOr = (minimum: number, maximum: number, other: number): Validator<number> => ({
  allowed: `between ${minimum} and ${maximum} or equal to ${other}`,
  check: value => value === other || (value >= minimum && value <= maximum),
})

export const oneOf = (...names: string[]): Validator<string> => ({
  allowed: `one of ${names.join(', ')}`,
  check: value => names.includes(value),
})

export const nonEmpty: Validator<string> = { allowed: 'non-empty', check: value => value.trim() !== '' }

const unique = (values: readonly string[]) => new Set(values).size === values.length

/** A list without duplicates; `mayBeEmpty` also allows none. */
export const names = (mayBeEmpty: boolean): Validator<readonly string[]> => ({
  allowed: `a list without duplicates or empty names${mayBeEmpty ? '' : ', and not empty'}`,
  check: values => unique(values) && !values.includes('') && (mayBeEmpty || values.length > 0),
})

export const subsetOf = (allowed: readonly string[], mayBeEmpty: boolean): Validator<readonly string[]> => ({
  allowed: `a list of ${allowed.join(', ')} without duplicates${mayBeEmpty ? '' : ', and not empty'}`,
  check: values => unique(values) && values.every(v => allowed.includes(v)) && (mayBeEmpty || values.length > 0),
})

export const matching = (allowed: string, pattern: RegExp): Validator<string> => ({
  allowed,
  check: value => pattern.test(value),
})

export const eachMatching = (allowed: string, pattern: RegExp): Validator<readonly string[]> => ({
  allowed,
  check: values => values.every(value => pattern.test(value)),
})

/** A value as it is held in text form, checked and made canonical. Throws SettingError. */
export function canonical<V>(of: Setting<V>, text: string): string | null {
  return of.format(of.parse(text))
}
