/** The lock file against other processes: living, dead, and reborn under the same id. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { acquireLock } from '../../src/host/node-lock.ts'

const directory = mkdtempSync(join(tmpdir(), 'ottla-lock-'))
t.teardown(() => rmSync(directory, { recursive: true, force: true }))

const moduleUrl = new URL('../../src/host/node-lock.js', import.meta.url).href

/** Another process that takes the lock and then waits to be killed. */
async function holder(path: string) {
  const script = `
    const { acquireLock } = await import(${JSON.stringify(moduleUrl)})
    setInterval(() => {}, 1e6)
    await acquireLock(${JSON.stringify(path)}).then(() => console.log('held'), error => console.log(error.code))`
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] })
  const [line] = await once(child.stdout, 'data')
  return {
    said: String(line).trim(),
    async kill() {
      child.kill('SIGKILL')
      await once(child, 'exit')
    },
  }
}

t.test('a living process is respected, a dead one is not', async t => {
  const path = join(directory, 'a')
  const other = await holder(path)
  t.equal(other.said, 'held')
  await t.rejects(acquireLock(path), { code: 'ELOCKED', message: /process \d+/ })
  const third = await holder(path)
  t.equal(third.said, 'ELOCKED')
  await third.kill()
  await other.kill()
  t.ok(existsSync(path), 'kill -9 leaves the file')
  const lock = await acquireLock(path)
  await lock.release()
  t.notOk(existsSync(path))
})

t.test('many who find a dead owner: one wins', async t => {
  const path = join(directory, 'b')
  const first = await holder(path)
  await first.kill()
  const rivals = await Promise.all([holder(path), holder(path), holder(path)])
  t.same(rivals.map(rival => rival.said).sort(), ['ELOCKED', 'ELOCKED', 'held'])
  for (const rival of rivals) await rival.kill()
})

t.test('a process id that belongs to another process now', async t => {
  const path = join(directory, 'c')
  const lock = await acquireLock(path)
  const own = readFileSync(path, 'latin1')
  await lock.release()
  t.match(own, new RegExp(`^${process.pid} \\S+ \\S+\\n$`))
  writeFileSync(path, own.replace(/^(\d+) \S+/, '$1 00000000-0000-0000-0000-000000000000/1'))
  if (process.platform === 'linux') await (await acquireLock(path)).release()
  else await t.rejects(acquireLock(path), { code: 'ELOCKED' })
})

t.test('what an interrupted takeover or another broker leaves behind', async t => {
  const path = join(directory, 'd')
  writeFileSync(path, '')
  await (await acquireLock(path)).release()
  writeFileSync(path, '999999999 x y\n')
  writeFileSync(`${path}.takeover`, '999999998 x y\n')
  const lock = await acquireLock(path)
  await lock.release()
  t.same(
    readdirSync(directory).filter(name => name.startsWith('d')),
    [],
    'nothing is left over',
  )
})
