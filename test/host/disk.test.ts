/** What every Disk promises: the same tests over the real file system, the disk in memory and the simulated one. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import type { Disk } from '../../src/host/host.ts'
import { MemoryDisk } from '../../src/host/memory.ts'
import { nodeDisk } from '../../src/host/node-disk.ts'
import { SimDisk } from '../sim/disk.ts'

const temporary = mkdtempSync(join(tmpdir(), 'ottla-disk-'))
t.teardown(() => rmSync(temporary, { recursive: true, force: true }))

const disks: [string, Disk][] = [
  ['node', nodeDisk],
  ['memory', new MemoryDisk()],
  ['sim', new SimDisk(1)],
]

for (const [name, disk] of disks) t.test(name, t => contract(t, disk, join(temporary, name)))

async function contract(t: Test, disk: Disk, root: string): Promise<void> {
  await disk.makeDirectory(root)
  t.test('files', t => files(t, disk, root))
  t.test('names', t => names(t, disk, root))
  t.test('errors', t => errors(t, disk, root))
  t.test('locks', t => locks(t, disk, root))
}

async function files(t: Test, disk: Disk, root: string): Promise<void> {
  const file = await disk.open(`${root}/file`, 'append')
  t.equal(file.size, 0)
  await file.append([Buffer.from('hello '), Buffer.alloc(0), Buffer.from('world')])
  t.equal(file.size, 11)
  t.equal(String(await file.read(0, 100)), 'hello world')
  t.equal(String(await file.read(6, 3)), 'wor')
  t.equal((await file.read(11, 5)).length, 0)
  t.equal((await file.read(50, 5)).length, 0, 'after the end')
  await file.sync()

  await file.truncate(5)
  await file.append([Buffer.from('!')])
  t.equal(String(await file.read(0, 100)), 'hello!')
  await file.truncate(8)
  t.same(await file.read(5, 10), Buffer.from('!\0\0'), 'longer by truncate: zeros')
  await file.truncate(0)

  const chunks = Array.from({ length: 3000 }, (_, at) => Buffer.from(`${at},`))
  await file.append(chunks)
  t.same(await file.read(0, 20_000), Buffer.concat(chunks), 'more chunks than one writev takes')
  const large = Buffer.alloc(3 << 20, 'abcdefg')
  await file.append([large.subarray(0, 1000), large.subarray(1000)])
  t.ok((await file.read(file.size - large.length, large.length)).equals(large), 'a large append')
  await file.close()
  await file.close()

  const again = await disk.open(`${root}/file`, 'read')
  t.equal(again.size, Buffer.concat(chunks).length + large.length)
  await again.close()
  const more = await disk.open(`${root}/file`, 'append')
  await more.append([Buffer.from('tail')])
  t.equal(String(await more.read(more.size - 4, 4)), 'tail', 'opened again, it goes on at the end')
  await more.close()
}

async function names(t: Test, disk: Disk, root: string): Promise<void> {
  await disk.makeDirectory(`${root}/a/b`)
  await disk.makeDirectory(`${root}/a/b`)
  const file = await disk.open(`${root}/a/b/one`, 'create')
  await file.append([Buffer.from('1')])
  const sorted = async (path: string) => (await disk.list(path)).map(entry => entry.name).sort()
  t.same(await disk.list(`${root}/a`), [{ name: 'b', directory: true }])
  t.same(await disk.list(`${root}/a/b`), [{ name: 'one', directory: false }])
  t.equal(await disk.exists(`${root}/a/b/one`), true)
  t.equal(await disk.exists(`${root}/a/b/two`), false)
  t.equal(await disk.exists(`${root}/a/b/one/two`), false)

  const other = await disk.open(`${root}/a/b/two`, 'append')
  await other.close()
  await disk.rename(`${root}/a/b/one`, `${root}/a/b/two`)
  t.same(await sorted(`${root}/a/b`), ['two'], 'a rename replaces')
  await disk.rename(`${root}/a/b`, `${root}/c`)
  t.same(await sorted(`${root}/c`), ['two'], 'directories are renamed with what they hold')
  await file.append([Buffer.from('2')])
  t.equal(String(await file.read(0, 9)), '12', 'an open file survives that')
  await disk.syncDirectory(root)
  await disk.remove(`${root}/c`)
  await disk.remove(`${root}/c`)
  t.equal(await disk.exists(`${root}/c`), false)
  t.equal(String(await file.read(0, 9)), '12', 'and its own removal')
  await file.close()
  const { freeBytes, totalBytes } = await disk.space(root)
  t.ok(freeBytes > 0 && totalBytes >= freeBytes)
}

async function errors(t: Test, disk: Disk, root: string): Promise<void> {
  const fails = (code: string, run: Promise<unknown>) => t.rejects(run, { name: 'DiskError', code })
  await fails('ENOENT', disk.open(`${root}/none`, 'read'))
  await fails('ENOENT', disk.open(`${root}/none/none`, 'append'))
  await fails('ENOENT', disk.list(`${root}/none`))
  await fails('ENOENT', disk.rename(`${root}/none`, `${root}/some`))
  await fails('ENOENT', disk.syncDirectory(`${root}/none`))
  await (await disk.open(`${root}/new`, 'create')).close()
  await fails('EEXIST', disk.open(`${root}/new`, 'create'))
  await disk.makeDirectory(`${root}/full/x`)
  await disk.makeDirectory(`${root}/moved`)
  await fails('EEXIST', disk.rename(`${root}/moved`, `${root}/full`))
  const file = await disk.open(`${root}/new`, 'append')
  await file.close()
  await fails('EOTHER', file.append([Buffer.from('x')]))
  await fails('EOTHER', file.read(0, 1))
  await fails('EOTHER', file.sync())
  const reader = await disk.open(`${root}/new`, 'read')
  await fails('EOTHER', reader.append([Buffer.from('x')]))
  await reader.close()
}

async function locks(t: Test, disk: Disk, root: string): Promise<void> {
  const lock = await disk.lock(`${root}/.lock`)
  await t.rejects(disk.lock(`${root}/.lock`), { name: 'DiskError', code: 'ELOCKED' })
  await t.rejects(disk.lock(`${root}/./.lock`), { code: 'ELOCKED' })
  await lock.release()
  await lock.release()
  const again = await disk.lock(`${root}/.lock`)
  await lock.release()
  await t.rejects(disk.lock(`${root}/.lock`), { code: 'ELOCKED' }, 'the old holder cannot release it')
  await again.release()
}
