import t from 'tap'
import { type Disk, DiskError } from '../../src/host/host.ts'
import { MemoryDisk } from '../../src/host/memory.ts'
import { OffsetCheckpoint, recoveryPointCheckpoint } from '../../src/log/checkpoints.ts'
import { DurableFile } from '../../src/log/durable-file.ts'
import { SimDisk } from '../sim/disk.ts'
import { SimLogger } from '../sim/host.ts'

async function put(disk: Disk, path: string, text: string): Promise<void> {
  await disk.remove(path)
  const file = await disk.open(path, 'create')
  await file.append([Buffer.from(text)])
  await file.close()
}

async function text(disk: Disk, path: string): Promise<string> {
  const file = await disk.open(path, 'read')
  return String(await file.read(0, file.size))
}

t.test("Kafka's format", async t => {
  const host = { disk: new MemoryDisk(), log: new SimLogger() }
  await host.disk.makeDirectory('/d')
  const checkpoint = new OffsetCheckpoint(host, '/d', recoveryPointCheckpoint)
  t.equal((await checkpoint.read()).size, 0)
  const offsets = new Map([
    ['orders-0', 17],
    ['with-dash.and_dot-12', 2 ** 53 - 1],
  ])
  await checkpoint.write(offsets)
  t.equal(
    await text(host.disk, `/d/${recoveryPointCheckpoint}`),
    `0\n2\norders 0 17\nwith-dash.and_dot 12 ${2 ** 53 - 1}\n`,
  )
  t.same(await checkpoint.read(), offsets)
  await checkpoint.write(new Map())
  t.equal(await text(host.disk, `/d/${recoveryPointCheckpoint}`), '0\n0\n')
  t.same(host.log.at('warn'), [])
})

t.test('what makes no sense counts as absent', async t => {
  const host = { disk: new MemoryDisk(), log: new SimLogger() }
  await host.disk.makeDirectory('/d')
  const checkpoint = new OffsetCheckpoint(host, '/d', 'c')
  const malformed = [
    '',
    '\0\0\0\0',
    '1\n0\n',
    '0\n1\n',
    '0\n1\na 0\n',
    '0\n1\na 0 x\n',
    '0\n1\na 0 -1\n',
    '0\n1\na 0 99999999999999999\n',
    '0\n1\na 0 1 2\n',
    '0\n2\na 0 1\n',
    '0\n1\na 0 1',
    '0\n1\na 0 1\nb 0 1\n',
  ]
  for (const content of malformed) {
    await put(host.disk, '/d/c', content)
    t.equal((await checkpoint.read()).size, 0, JSON.stringify(content))
  }
  t.equal(host.log.at('warn').length, malformed.length)
})

t.test('writes during a write are put together, and all are told', async t => {
  const disk = new SimDisk(1)
  await disk.makeDirectory('/d')
  const file = new DurableFile(disk, '/d', 'f')
  const before = disk.operations
  await file.write('alone')
  const one = disk.operations - before
  await Promise.all(['a', 'b', 'c', 'd'].map(content => file.write(content)))
  t.ok(disk.operations - before <= 3 * one + 2, 'four writes at once cost two')
  t.equal(String(await file.read()), 'd')
  disk.fault = operation => (operation.kind === 'sync' ? 'EIO' : null)
  const failed = await Promise.allSettled([file.write('e'), file.write('f'), file.write('g')])
  t.ok(failed.every(result => result.status === 'rejected' && result.reason instanceof DiskError))
  t.equal(String(await file.read()), 'd', 'a failed write leaves the old content')
  disk.fault = () => null
  const [last, waiting] = [file.write('x'), file.write('h')]
  await file.idle()
  t.equal(String(await file.read()), 'h', 'idle after the last of them')
  await Promise.all([last, waiting])
  t.equal(String(await file.read()), 'h')
  await file.remove()
  t.equal(await file.read(), null)
})

t.test('power failure at each operation: old content or new, and new once it was said', async t => {
  const run = async (crashAt: number, seed: number) => {
    const disk = new SimDisk(seed)
    await disk.makeDirectory('/d')
    const file = new DurableFile(disk, '/d', 'f')
    await file.write('old')
    const base = disk.operations
    disk.crashAt(base + crashAt)
    const longer = 'new '.repeat(500)
    const done = await Promise.race([file.write(longer).then(() => true), disk.down.then(() => false)])
    const survivor = disk.afterPowerLoss(seed)
    const content = String(await new DurableFile(survivor, '/d', 'f').read())
    if (done) t.equal(content, longer)
    else t.ok(content === 'old' || content === longer, `crash at ${crashAt}, seed ${seed}: ${content.slice(0, 20)}`)
    const again = new DurableFile(survivor, '/d', 'f')
    await again.write('after')
    t.equal(String(await again.read()), 'after', "a leftover is in nobody's way")
    return done
  }
  let crashAt = 1
  for (let done = false; !done; crashAt++) for (let seed = 0; seed < 12; seed++) done = await run(crashAt, seed)
  t.ok(crashAt > 6, `${crashAt} operations`)
})
