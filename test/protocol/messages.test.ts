import t from 'tap'
import { allApis, apiByName, requestHeaderVersion, responseHeaderVersion } from '../../protocol/index.ts'
import { inRange } from '../../protocol/schema.ts'
import { checkVector } from './round-trip.ts'
import { type JsonObject, readVectors, type Vector } from './vectors.ts'

/** Version 0 of key 74 had another name, and other names for its fields. */
function renamed(vector: Vector): JsonObject {
  if (vector.name !== 'ListClientMetricsResourcesResponse') return vector.json
  const { clientMetricsResources, ...rest } = vector.json
  const list = clientMetricsResources as JsonObject[]
  return {
    ...rest,
    configResources: list.map(({ name, ...others }) => ({
      ...others,
      ...(name === undefined ? {} : { resourceName: name }),
    })),
  }
}

for (const [kind, count] of [
  ['requests', 2076],
  ['responses', 2091],
] as const) {
  t.test(`every golden vector of ${kind}, both ways`, async t => {
    const vectors = readVectors(kind)
    t.equal(vectors.length, count)
    const problems: string[] = []
    const seen = new Set<string>()
    for (const vector of vectors) {
      const api = allApis[vector.api ?? -1]
      const message = kind === 'requests' ? api.request : api.response
      const problem = checkVector(message, vector.version, vector, renamed(vector))
      if (problem !== null) problems.push(problem)
      seen.add(`${api.key} ${vector.version}`)
      const headerVersion = kind === 'requests' ? requestHeaderVersion : responseHeaderVersion
      if (headerVersion(api, vector.version) !== vector.headerVersion) problems.push(`header of ${vector.name}`)
      if (inRange(api.flexible, vector.version) !== vector.flexible) problems.push(`flexible: ${vector.name}`)
      const unstable = vector.source === '4.3.1' && vector.unstable === true
      if (inRange(api.unstable, vector.version) !== unstable) problems.push(`unstable: ${vector.name}`)
      if (inRange(api.legacy, vector.version) !== (vector.source === '3.9') && api.key !== 74)
        problems.push(`legacy: ${vector.name} ${vector.version}`)
    }
    t.same(problems, [])
    for (const api of allApis) {
      for (let version = api.versions.low; version <= api.versions.high; version++) {
        if (!seen.has(`${api.key} ${version}`)) problems.push(`no vector of ${api.name} ${version}`)
      }
    }
    t.same(problems, [])
  })
}

t.test('the list of APIs is in the order of their keys', async t => {
  t.same(
    allApis.map(api => api.key),
    Array.from({ length: 93 }, (_, key) => key),
  )
  for (const api of allApis) t.equal(apiByName(api.name), api)
})
