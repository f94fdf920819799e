/** What a double serves when it plays an older Kafka: fewer APIs, in fewer versions, with fewer features. */
import { allApis } from '../../protocol/apis.ts'
import { Errors } from '../../protocol/errors.ts'
import { encodeResponseFrame } from '../../protocol/header.ts'
import { produce } from '../../protocol/messages/00-produce.ts'
import { apiVersions } from '../../protocol/messages/18-api-versions.ts'
import { inRange, parseVersions, type Range } from '../../protocol/schema.ts'
import type { Answer } from '../network/connection.ts'
import { CloseConnection } from '../network/peer.ts'
import type { ApiName } from './bodies.ts'
import type { Entry } from './exchange.ts'
import type { Body } from './parts.ts'
import { isBody, listOf } from './parts.ts'
import { featuresSince, type Release, releases, servedSince } from './releases.ts'

/** Versions by API, as '0-7', '3' or '4+'; null for an API that is not served at all. */
export type ApiRanges = { readonly [N in ApiName]?: string | null }

export interface Emulation {
  /** Serves what this release of Apache Kafka serves, as far as Ottla does too. */
  readonly release?: Release
  /** Beside or instead of that, API by API. */
  readonly apis?: ApiRanges
}

/** From 4.0 on Kafka tells lower versions of Produce than it serves. */
const tellsProduceFromZero: Release = '4.0'
/** From 2.4 on a refusal of ApiVersions tells which versions of it there are (KIP-511). */
const tellsApiVersions: Release = '2.4'

export class VersionCaps {
  readonly #release: Release | null
  readonly #ranges = new Map<number, Range | null>()

  /** Throws RangeError for a release that is not known. */
  constructor(wanted: Release | Emulation) {
    const { release = null, apis = {} } = typeof wanted === 'string' ? { release: wanted } : wanted
    if (release !== null && !releases.includes(release)) {
      throw new RangeError(`no release ${release} of Kafka is known, only ${releases.join(', ')}`)
    }
    this.#release = release
    for (const { key, name } of allApis) {
      if (release !== null) this.#ranges.set(key, rangeIn(release, servedSince[name] ?? ''))
      const range = apis[name]
      if (range !== undefined) this.#ranges.set(key, range === null ? null : rangeOf(name, range))
    }
  }

  serves(apiKey: number, version: number): boolean {
    const range = this.#ranges.get(apiKey)
    return range === undefined || (range !== null && inRange(range, version))
  }

  /** What a request gets that is not served. Throws CloseConnection where Kafka closes the connection. */
  refuse({ api, apiKey, version, correlationId }: Entry): Answer {
    const range = this.#ranges.get(apiKey)
    if (apiKey !== apiVersions.key || !range) throw new CloseConnection(`${api} version ${version} is not served`)
    const told = { apiKey, minVersion: range.low, maxVersion: Math.min(range.high, apiVersions.versions.high) }
    return encodeResponseFrame(apiVersions, 0, correlationId, {
      errorCode: Errors.UNSUPPORTED_VERSION,
      apiKeys: this.#isSince(tellsApiVersions) ? [told] : [],
    })
  }

  /** The answer of ApiVersions without what is not served. */
  capped(response: Body): Body {
    const apiKeys = listOf(response, 'apiKeys')
      .filter(isBody)
      .flatMap(each => this.#cappedApi(each))
    const features = (name: string) => {
      return listOf(response, name).filter(each => isBody(each) && this.#hasFeature(String(each.name)))
    }
    return {
      ...response,
      apiKeys,
      supportedFeatures: features('supportedFeatures'),
      finalizedFeatures: features('finalizedFeatures'),
    }
  }

  #cappedApi(told: Body): Body[] {
    const apiKey = Number(told.apiKey)
    const range = this.#ranges.get(apiKey)
    if (range === undefined) return [told]
    if (range === null) return []
    const fromZero = apiKey === produce.key && this.#isSince(tellsProduceFromZero)
    const minVersion = Math.max(Number(told.minVersion), fromZero ? 0 : range.low)
    const maxVersion = Math.min(Number(told.maxVersion), range.high)
    return minVersion <= maxVersion ? [{ apiKey, minVersion, maxVersion }] : []
  }

  #hasFeature(name: string): boolean {
    return this.#isSince(featuresSince[name] ?? '4.3')
  }

  #isSince(release: Release): boolean {
    return this.#release === null || releases.indexOf(this.#release) >= releases.indexOf(release)
  }
}

/** Of '0.8 0-0, 0.9 0-1, ...' the range that counts for a release; null when it does not serve the API. */
function rangeIn(release: Release, since: string): Range | null {
  let found: Range | null = null
  for (const entry of since.split(', ')) {
    const [from, range] = entry.split(' ')
    // Entries are in the order of releases: the ones that begin later do not count.
    if (!releases.slice(0, releases.indexOf(release) + 1).some(each => each === from)) break
    found = range === 'none' ? null : rangeOf('', range)
  }
  return found
}

function rangeOf(name: string, text: string): Range {
  if (!isVersions(text)) throw new RangeError(`${name}: '${text}' is no range of versions such as '0-7', '3' or '4+'`)
  return parseVersions(text)
}

function isVersions(text: string): text is `${number}` | `${number}+` | `${number}-${number}` {
  return /^\d+(\+|-\d+)?$/.test(text)
}
