/** Whatever a handler throws, its clients get an answer that they can read. */
import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import t from 'tap'
import { decodeRequest, decodeResponse, encodeResponse } from '../../protocol/compile.ts'
import { Errors, KafkaError } from '../../protocol/errors.ts'
import { handlers } from '../../src/api/handlers.ts'
import type { RequestContext } from '../../src/api/request.ts'

interface Vector {
  readonly api: number
  readonly version: number
  readonly variant: string
  readonly hex: string
}

const vectors = gunzipSync(readFileSync(new URL('../../../test/data/vectors/requests.jsonl.gz', import.meta.url)))
  .toString()
  .trim()
  .split('\n')
  .map(line => JSON.parse(line) as Vector)

/** These close instead: nobody waits for an answer, or the version has no place for an error. */
function closes(api: string, version: number, acks: unknown): boolean {
  return (api === 'Produce' && acks === 0) || (api === 'DescribeLogDirs' && version < 3)
}

/** Null for integers beyond 2^53, which are refused before a handler sees them. */
function decoded<T>(decode: () => T): T | null {
  try {
    return decode()
  } catch {
    return null
  }
}

t.test('the answer to a request that failed as a whole', async t => {
  for (const { api, minVersion, maxVersion, failed } of handlers) {
    for (let version = minVersion; version <= maxVersion; version++) {
      for (const variant of ['default', 'extreme', 'empty', 'empty-inner', 'nulls']) {
        const vector = vectors.find(
          each => each.api === api.key && each.version === version && each.variant === variant,
        )
        if (!vector) continue
        const request = decoded(() => decodeRequest(api, version, Buffer.from(vector.hex, 'hex')))
        if (request === null) continue
        const context = { version, broker: { nodeId: 1, clusterId: 'c' } } as unknown as RequestContext
        const response = failed(request, new KafkaError(Errors.UNKNOWN_SERVER_ERROR, 'why'), context)
        const name = `${api.name} ${version} ${variant}`
        if (closes(api.name, version, request.acks)) {
          t.equal(response, null, name)
          continue
        }
        if (response === null) {
          t.fail(`${name}: no answer`)
          continue
        }
        const bytes = Buffer.concat(encodeResponse(api, version, response))
        const text = JSON.stringify(decodeResponse(api, version, bytes))
        const hasError = /"(errorCode|partitionErrorCode|topicConfigErrorCode)":-1/.test(text)
        if (!hasError && variant === 'extreme') t.fail(`${name}: ${text} tells no error`)
      }
    }
  }
  t.ok(handlers.length > 20)
})
