/**
 * A lock file that at most one living process holds.
 *
 * Node has no flock, so the file says who holds it: process id, and what tells this process from an earlier or later
 * one of the same id. A lock whose process is gone is taken over; only the one who holds `<name>.takeover` may do that,
 * so that two who find the same dead owner cannot both win. (Processes in two containers that share the directory do
 * not see each other's process ids, and so not each other's locks either.)
 */
import { randomBytes } from 'node:crypto'
import * as fs from 'node:fs'
import * as path from 'node:path'
import { DiskError, type Lock } from './host.ts'
import { diskError } from './node-errors.ts'

/** A takeover that was itself cut short leaves a lock to take over; a person has to look when that goes on. */
const takeoverDepthMax = 3

/** Locks of this process, by absolute path: a second Disk in one process is refused like another process. */
const held = new Set<string>()

export async function acquireLock(name: string): Promise<Lock> {
  const absolute = path.resolve(name)
  if (held.has(absolute)) throw lockedError(name, 'this process')
  held.add(absolute)
  try {
    const text = `${process.pid} ${startOf(process.pid)} ${randomBytes(8).toString('hex')}\n`
    acquire(absolute, text, 0)
    let released = false
    return {
      async release() {
        if (released) return
        released = true
        if (readIfPresent(absolute) === text) fs.rmSync(absolute, { force: true })
        held.delete(absolute)
      },
    }
  } catch (error) {
    held.delete(absolute)
    throw error instanceof DiskError ? error : diskError(error as NodeJS.ErrnoException, `lock ${name}`)
  }
}

function lockedError(name: string, holder: string): DiskError {
  return new DiskError('ELOCKED', `${name} is locked by ${holder}`)
}

/** Synchronous: it happens once, and nothing of this process may come in between. */
function acquire(name: string, text: string, depth: number): void {
  if (createWith(name, text)) return
  const found = readIfPresent(name)
  if (found === null) {
    acquire(name, text, depth + 1)
    return
  }
  const owner = livingOwner(name, found)
  if (owner !== null) throw lockedError(name, owner)
  if (depth >= takeoverDepthMax) throw lockedError(name, 'an unfinished takeover; remove it if no broker runs here')
  const takeover = `${name}.takeover`
  acquire(takeover, text, depth + 1)
  try {
    if (readIfPresent(name) !== found) throw lockedError(name, 'another process that took it over')
    const fresh = `${name}.${process.pid}`
    fs.writeFileSync(fresh, text)
    fs.renameSync(fresh, name)
  } finally {
    fs.rmSync(takeover, { force: true })
  }
}

/** Creates the file together with what it holds, or tells that it exists. */
function createWith(name: string, text: string): boolean {
  const fresh = `${name}.${process.pid}.new`
  try {
    fs.writeFileSync(fresh, text)
    fs.linkSync(fresh, name)
    return true
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    if (code === 'EEXIST') return false
    // A file system without hard links: the file is empty for a moment, which counts as held by nobody.
    if (code !== 'EPERM' && code !== 'ENOTSUP' && code !== 'EOPNOTSUPP' && code !== 'ENOSYS') throw error
    return createExclusively(name, text)
  } finally {
    fs.rmSync(fresh, { force: true })
  }
}

function createExclusively(name: string, text: string): boolean {
  try {
    fs.writeFileSync(name, text, { flag: 'wx' })
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

function readIfPresent(name: string): string | null {
  try {
    return fs.readFileSync(name, 'latin1')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
}

/** Who holds the lock, for people; null when nobody alive does. */
function livingOwner(name: string, text: string): string | null {
  const match = /^(\d+) (\S+) \S+\n$/.exec(text)
  // Apache Kafka leaves an empty `.lock` behind and locks its bytes while it runs.
  if (!match) return byteRangeLocked(name) ? 'another program' : null
  const pid = Number(match[1])
  if (!isAlive(pid)) return null
  const start = startOf(pid)
  return start === match[2] || start === 'unknown' || match[2] === 'unknown' ? `process ${pid}` : null
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/** What tells a process from others that had or will have its id: this boot and the time of its start. */
function startOf(pid: number): string {
  if (process.platform !== 'linux') return 'unknown'
  try {
    const boot = fs.readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim()
    const stat = fs.readFileSync(`/proc/${pid}/stat`, 'latin1')
    // The command, in parentheses, may hold anything; the start time is field 22, the twentieth after it.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return `${boot}/${fields[19]}`
  } catch {
    return 'unknown'
  }
}

/** Whether some process holds a byte range lock on the file. Known on Linux only. */
function byteRangeLocked(name: string): boolean {
  try {
    const inode = String(fs.statSync(name).ino)
    const locks = fs.readFileSync('/proc/locks', 'latin1').split('\n')
    return locks.some(line => line.split(/\s+/)[5]?.endsWith(`:${inode}`))
  } catch {
    return false
  }
}
