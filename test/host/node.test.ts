/** Clock, randomness, network and short writes of the real machine. */
import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { nodeHost, silentLogger } from '../../src/host/node.ts'

const host = nodeHost({ logger: silentLogger })

t.test('timers', async t => {
  const order: string[] = []
  const cancel = host.clock.after(0, () => order.push('cancelled'))
  cancel()
  cancel()
  host.clock.after(2 ** 40, () => order.push('in 34 years'))
  host.clock.soon(() => order.push('soon'))
  // The test itself has to keep the process alive: the host's timers do not.
  const alive = setInterval(() => {}, 1000)
  await new Promise<void>(resolve => {
    host.clock.after(20, resolve)
  })
  clearInterval(alive)
  t.same(order, ['soon'])
  t.ok(host.clock.monotonic() > 0)
  t.ok(Math.abs(host.clock.now() - Date.now()) < 1000)
})

t.test('randomness', async t => {
  const uuids = Array.from({ length: 500 }, () => host.random.uuid())
  t.equal(new Set(uuids).size, uuids.length)
  t.ok(uuids.every(uuid => /^[A-Za-z0-9_][A-Za-z0-9_-]{21}$/.test(uuid)))
  t.equal(Buffer.from(uuids[0], 'base64url')[6] >> 4, 4)
  t.equal(host.random.bytes(5).length, 5)
  t.equal(host.random.below(1), 0)
  t.ok(Array.from({ length: 100 }, () => host.random.below(3)).every(n => n >= 0 && n < 3))
})

t.test('connections', async t => {
  const server = await host.network.listen({ host: '127.0.0.1', port: 0 }, { backlog: 5 }, socket => {
    t.equal(socket.remoteAddress, '127.0.0.1')
    t.equal(socket.localPort, server.port)
    socket.stream.pipe(socket.stream)
  })
  const socket = await host.network.connect({ host: '127.0.0.1', port: server.port }, 1000)
  socket.stream.end('echo')
  const chunks: Buffer[] = []
  for await (const chunk of socket.stream) chunks.push(chunk)
  t.equal(String(Buffer.concat(chunks)), 'echo')
  await t.rejects(
    host.network.listen({ host: '127.0.0.1', port: server.port }, { backlog: 5 }, () => {}),
    {
      code: 'EADDRINUSE',
    },
  )
  await server.close()
  await t.rejects(host.network.connect({ host: '127.0.0.1', port: server.port }, 1000), {
    name: 'ConnectError',
    refused: true,
  })
})

t.test('short writes and a disk that gets full', async t => {
  const path = join(fs.mkdtempSync(join(tmpdir(), 'ottla-short-')), 'file')
  const file = await host.disk.open(path, 'append')
  const real = fs.writev
  t.teardown(() => {
    Object.assign(fs, { writev: real })
    syncBuiltinESMExports()
  })
  let room = 25
  const short = (fd: number, chunks: Uint8Array[], at: number, done: (error: Error | null, n: number) => void) => {
    const bytes = Buffer.concat(chunks).subarray(0, Math.min(7, room))
    room -= bytes.length
    if (bytes.length === 0) done(Object.assign(new Error('full'), { code: 'ENOSPC' }), 0)
    else fs.write(fd, bytes, 0, bytes.length, at, error => done(error, bytes.length))
  }
  Object.assign(fs, { writev: short })
  syncBuiltinESMExports()
  await file.append([Buffer.from('abc'), Buffer.from('defghijk'), Buffer.from('l'), Buffer.from('mnopqrst')])
  t.equal(String(await file.read(0, 99)), 'abcdefghijklmnopqrst')
  await t.rejects(file.append([Buffer.from('uvwxyz')]), { name: 'DiskError', code: 'ENOSPC' })
  t.equal(file.size, 25, 'what was written of it is known')
  await file.truncate(20)
  await file.close()
  t.equal(fs.readFileSync(path, 'latin1'), 'abcdefghijklmnopqrst')
})

t.test('a failed sync is not tried again', async t => {
  const path = join(fs.mkdtempSync(join(tmpdir(), 'ottla-sync-')), 'file')
  const file = await host.disk.open(path, 'append')
  const real = fs.fdatasync
  t.teardown(() => {
    Object.assign(fs, { fdatasync: real })
    syncBuiltinESMExports()
  })
  let calls = 0
  Object.assign(fs, {
    fdatasync(_fd: number, done: (error: Error | null) => void) {
      calls++
      done(calls === 1 ? Object.assign(new Error('bad'), { code: 'EIO' }) : null)
    },
  })
  syncBuiltinESMExports()
  await t.rejects(file.sync(), { code: 'EIO' })
  await t.rejects(file.sync(), { code: 'EIO' })
  t.equal(calls, 1)
  await file.close()
})
