/** The simulated disk loses what it may lose, keeps what it must keep, and does so the same way for the same seed. */
import t from 'tap'
import { SimClock } from './clock.ts'
import { SimDisk } from './disk.ts'
import { simHost } from './host.ts'

async function contentOf(disk: SimDisk, path: string): Promise<Buffer | null> {
  if (!(await disk.exists(path))) return null
  const file = await disk.open(path, 'read')
  return file.read(0, file.size)
}

t.test('what is synced survives, what is not may go in every way', async t => {
  const outcomes = new Set<string>()
  for (let seed = 0; seed < 200; seed++) {
    const disk = new SimDisk(7)
    const file = await disk.open('/file', 'create')
    await disk.syncDirectory('/')
    await file.append([Buffer.alloc(700, 's')])
    await file.sync()
    await file.append([Buffer.alloc(1000, 'a')])
    await file.append([Buffer.alloc(1000, 'b')])
    const bytes = await contentOf(disk.afterPowerLoss(seed), '/file')
    t.ok(bytes && bytes.length >= 700 && bytes.length <= 2700)
    t.ok(bytes?.subarray(0, 700).equals(Buffer.alloc(700, 's')), 'the synced part is whole')
    const tail = bytes!.subarray(700)
    const zeros = tail.includes(0)
    if (tail.length === 0) outcomes.add('nothing')
    else if (tail.length === 2000 && !zeros) outcomes.add('everything')
    else if (zeros && tail.includes('b')) outcomes.add('holes')
    else if (zeros) outcomes.add('zeros')
    else outcomes.add('a part')
  }
  t.same([...outcomes].sort(), ['a part', 'everything', 'holes', 'nothing', 'zeros'])
})

t.test('names that were not synced may vanish, in order', async t => {
  const seen = new Set<string>()
  for (let seed = 0; seed < 60; seed++) {
    const disk = new SimDisk(1)
    await disk.makeDirectory('/d')
    for (const name of ['one', 'two']) await (await disk.open(`/d/${name}`, 'create')).close()
    await disk.rename('/d/one', '/d/three')
    const left = (await disk.afterPowerLoss(seed).list('/d')).map(entry => entry.name).sort()
    seen.add(left.join(' '))
  }
  t.same([...seen].sort(), ['', 'one', 'one two', 'three two'])
  const disk = new SimDisk(1)
  await disk.makeDirectory('/d')
  const file = await disk.open('/d/x', 'create')
  await file.append([Buffer.from('bytes')])
  await file.sync()
  t.same(await disk.afterPowerLoss(3, 'all').list('/d'), [], 'syncing a file does not sync its name')
})

t.test('a rename between directories happens in both or in neither', async t => {
  for (let seed = 0; seed < 40; seed++) {
    const disk = new SimDisk(1)
    await disk.makeDirectory('/from')
    await disk.makeDirectory('/to')
    await (await disk.open('/from/x', 'create')).close()
    await disk.syncDirectory('/from')
    await disk.rename('/from/x', '/to/x')
    if (seed % 2) await disk.syncDirectory('/to')
    const after = disk.afterPowerLoss(seed)
    const count = (await after.list('/from')).length + (await after.list('/to')).length
    t.equal(count, 1)
    if (seed % 2) t.equal((await after.list('/to')).length, 1)
  }
})

t.test('a killed process loses nothing that was written', async t => {
  const disk = new SimDisk(1)
  const file = await disk.open('/f', 'create')
  await file.append([Buffer.from('written')])
  t.equal(String(await contentOf(disk.afterKill(), '/f')), 'written')
  t.ok(disk.isDown)
})

t.test('the power fails at an operation: it and all later ones never end', async t => {
  const disk = new SimDisk(1)
  const file = await disk.open('/f', 'create')
  disk.crashAt(disk.operations + 2)
  await file.append([Buffer.from('a')])
  let ended = false
  void file.sync().then(() => {
    ended = true
  })
  await disk.down
  void file.append([Buffer.from('b')]).then(() => {
    ended = true
  })
  await new Promise(setImmediate)
  t.notOk(ended)
  t.equal(String(await contentOf(disk.afterPowerLoss(1, 'none'), '/f')), 'a')
})

t.test('a full disk takes a part', async t => {
  const disk = new SimDisk(1, { capacityBytes: 10 })
  const file = await disk.open('/f', 'create')
  await file.append([Buffer.from('1234567')])
  await t.rejects(file.append([Buffer.from('89abcde')]), { code: 'ENOSPC' })
  t.equal(file.size, 10)
  t.same(await disk.space(), { freeBytes: 0, totalBytes: 10 })
  await file.truncate(7)
  disk.capacityBytes = 100
  await file.append([Buffer.from('89')])
  t.equal(String(await file.read(0, 99)), '123456789')
})

t.test('after a failed sync the next one succeeds, and the bytes are lost', async t => {
  const disk = new SimDisk(1)
  const file = await disk.open('/f', 'create')
  await disk.syncDirectory('/')
  await file.append([Buffer.from('lost')])
  disk.fault = operation => (operation.kind === 'sync' ? 'EIO' : null)
  await t.rejects(file.sync(), { code: 'EIO' })
  disk.fault = () => null
  await file.append([Buffer.from('kept')])
  await file.sync()
  t.equal(String(await file.read(0, 99)), 'lostkept')
  t.equal(String(await contentOf(disk.afterPowerLoss(1, 'all'), '/f')), '\0\0\0\0kept')
})

t.test('a sync covers what was written before it began', async t => {
  const clock = new SimClock()
  const disk = new SimDisk(5, { clock })
  const file = await clock.run(disk.open('/f', 'create'))
  await clock.run(disk.syncDirectory('/'))
  await clock.run(file.append([Buffer.from('before')]))
  const syncing = file.sync()
  const appending = file.append([Buffer.from('after')])
  await clock.run(Promise.all([syncing, appending]))
  const after = disk.afterPowerLoss(1, 'all')
  t.equal(String(await clock.run(contentOf(after, '/f'))), 'before')
})

t.test('same seed, same trace', async t => {
  const trace = async (seed: number) => {
    const host = simHost(seed)
    const { disk, clock, random } = host
    const lines: string[] = []
    const writer = async (name: string) => {
      const file = await disk.open(`/${name}`, 'create')
      for (let i = 0; i < 5; i++) {
        await file.append([random.bytes(random.below(2000))])
        if (random.oneIn(2)) await file.sync()
        lines.push(`${name} ${i} ${clock.monotonic().toFixed(3)}`)
      }
    }
    await clock.run(Promise.all([writer('a'), writer('b'), disk.syncDirectory('/')]))
    const after = disk.afterPowerLoss(seed)
    for (const name of ['a', 'b']) {
      lines.push(`${name} ${(await clock.run(contentOf(after, `/${name}`)))?.toString('base64')}`)
    }
    return lines.join('\n')
  }
  const [one, again, other] = [await trace(1), await trace(1), await trace(2)]
  t.equal(one, again)
  t.not(one, other)
})
