/** docs/compatibility.md must say what the code does. */
import { readFileSync } from 'node:fs'
import t from 'tap'
import { allApis } from '../../protocol/apis.ts'
import { handlers } from '../../src/api/handlers.ts'

const page = readFileSync(new URL('../../../docs/compatibility.md', import.meta.url), 'utf8')
const rows = new Map(
  [...page.matchAll(/^\| (\d+) \| (\w+) \| (\S+) \| (\S+) \| (.*?) ?\|$/gm)].map(([, key, name, , ours, note]) => [
    Number(key),
    { name, ours, note },
  ]),
)

t.test('every API has a row with the versions that are served', async t => {
  for (const api of allApis) {
    const handler = handlers.find(one => one.api.key === api.key)
    const served = handler ? range(handler.minVersion, handler.maxVersion) : '–'
    t.equal(rows.get(api.key)?.name, api.name, `${api.key} is named ${api.name}`)
    t.equal(rows.get(api.key)?.ours, served, `${api.name} is served ${served}`)
    if (!handler) t.ok(rows.get(api.key)?.note, `${api.name} says why it is missing`)
  }
})

t.test('no row speaks of an API that does not exist', async t => {
  for (const key of rows.keys())
    t.ok(
      allApis.some(api => api.key === key),
      `key ${key}`,
    )
})

function range(low: number, high: number): string {
  return low === high ? `${low}` : `${low}-${high}`
}
