import t from 'tap'
import { MemoryDisk } from '../../src/host/memory.ts'
import { OpenFiles } from '../../src/log/open-files.ts'

t.test('keeps the limit, closes the least recently used, never one in use', async t => {
  const files = new OpenFiles(new MemoryDisk(), 2)
  const [a, b, c] = ['/a', '/b', '/c'].map(path => files.file(path, 'append'))
  await a.acquire()
  for (const file of [b, c]) {
    await file.acquire()
    file.release()
  }
  t.ok(a.isOpen)
  t.equal(files.count, 2)
  t.notOk(b.isOpen)
  a.release()
  t.notOk((await b.with(async file => file)) instanceof Promise)
  t.equal(files.count, 2)
})

t.test('opened once by many, closed when the last one is done', async t => {
  const files = new OpenFiles(new MemoryDisk(), 5)
  const file = files.file('/a', 'append')
  const [one, two] = await Promise.all([file.acquire(), file.acquire()])
  t.equal(one, two)
  await file.close()
  t.ok(file.isOpen, 'still in use')
  file.release()
  file.release()
  t.notOk(file.isOpen)
  t.throws(() => file.release(), /released more often/)
})

t.test('what cannot be opened needs no release', async t => {
  const files = new OpenFiles(new MemoryDisk(), 5)
  const file = files.file('/a', 'read')
  await t.rejects(async () => file.acquire(), { code: 'ENOENT' })
  await files.file('/a', 'append').with(async opened => opened.append([Buffer.from('x')]))
  t.equal(await file.with(async opened => opened.size), 1)
})

t.test('a file out of use is not made again', async t => {
  const disk = new MemoryDisk()
  const files = new OpenFiles(disk, 5)
  const retired = files.file('/a', 'append')
  retired.retire('/a.deleted')
  await t.rejects(async () => retired.acquire(), { code: 'ENOENT' })
  const ended = files.file('/b', 'append')
  await ended.acquire()
  await ended.end()
  t.throws(() => ended.acquire(), { code: 'ENOENT' })
  ended.release()
  t.equal(files.count, 0)
  t.equal(await disk.exists('/a.deleted'), false)
})
