/**
 * A file system whose power can be cut: ext4 in a file on a loop device, and the ioctl that shuts ext4 down without
 * writing anything back. Needs root on Linux, mkfs.ext4 and Python (Node has no ioctl).
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'

/** This machine cannot do it: the test has not run, which is not the same as passed. */
export class NotPossible extends Error {}

const imageBytes = 512 << 20

/** How a file system may be mounted: each leaves other bytes behind. */
const mountOptions = ['data=ordered', 'data=ordered,nodelalloc', 'data=writeback,nodelalloc', 'data=journal']

/** EXT4_IOC_SHUTDOWN = _IOR('X', 125, __u32); 1 writes the journal back first, 2 writes nothing. */
const shutdownScript = `
import fcntl, os, struct, sys
directory = os.open(sys.argv[1], os.O_RDONLY)
print('ready', flush=True)
line = sys.stdin.readline()
if not line: sys.exit()
fcntl.ioctl(directory, 0x8004587d, struct.pack('I', int(line)))
print('cut', flush=True)
`

export class PowerVolume {
  readonly path: string
  readonly #image: string
  readonly #pick: (n: number) => number
  #cutter: ChildProcess | null = null
  /** For the report: how it is mounted now. */
  mountedWith = ''

  private constructor(directory: string, pick: (n: number) => number) {
    this.path = `${directory}/volume`
    this.#image = `${directory}/image`
    this.#pick = pick
  }

  /** `pick(n)` draws from [0, n). Throws NotPossible. */
  static async create(directory: string, pick: (n: number) => number): Promise<PowerVolume> {
    if (process.platform !== 'linux') throw new NotPossible('power failures need Linux')
    if (process.getuid?.() !== 0) throw new NotPossible('power failures need root')
    const volume = new PowerVolume(directory, pick)
    mkdirSync(volume.path)
    writeFileSync(volume.#image, '')
    truncateSync(volume.#image, imageBytes)
    run('mkfs.ext4', ['-q', '-F', volume.#image])
    await volume.mount()
    return volume
  }

  async mount(): Promise<void> {
    this.mountedWith = mountOptions[this.#pick(mountOptions.length)]
    run('mount', ['-o', `loop,${this.mountedWith}`, this.#image, this.path])
    const cutter = spawn('python3', ['-c', shutdownScript, this.path], { stdio: ['pipe', 'pipe', 'inherit'] })
    const failed = once(cutter, 'error').then(([error]) => Promise.reject(new NotPossible(`python3: ${error.message}`)))
    await Promise.race([once(cutter.stdout, 'data'), failed])
    this.#cutter = cutter
  }

  /** From now on nothing reaches the disk, and every call to it fails. */
  async cut(): Promise<void> {
    const cutter = this.#cutter
    if (!cutter?.stdin || !cutter.stdout) throw new Error('the volume is not mounted')
    this.#cutter = null
    cutter.stdin.write(`${1 + this.#pick(2)}\n`)
    const [said] = await Promise.race([
      once(cutter.stdout, 'data'),
      once(cutter, 'exit').then(() => ['the shutdown ioctl failed']),
    ])
    if (String(said).trim() !== 'cut') throw new NotPossible(String(said))
    if (cutter.exitCode === null) await once(cutter, 'exit')
  }

  unmount(): void {
    this.#cutter?.kill()
    this.#cutter = null
    // The kernel may hold on for a moment to a process that has just been killed.
    for (let attempt = 0; ; attempt++) {
      const done = spawnSync('umount', [this.path], { encoding: 'utf8' })
      if (done.status === 0) return
      if (attempt === 50) throw new Error(`umount: ${done.stderr}`)
      spawnSync('sleep', ['0.1'])
    }
  }

  /** Takes all the room that is left. */
  fill(): void {
    const path = `${this.path}/filler`
    for (let bytes = imageBytes; bytes >= 4096; ) {
      // What does not fit is tried in halves.
      const size = existsSync(path) ? statSync(path).blocks * 512 : 0
      const done = spawnSync('fallocate', ['-o', String(size), '-l', String(bytes), path], { encoding: 'utf8' })
      if (done.error) throw new NotPossible(`fallocate: ${done.error.message}`)
      if (done.status !== 0) bytes = Math.floor(bytes / 2)
    }
  }

  /** Gives the room back. */
  empty(): void {
    rmSync(`${this.path}/filler`, { force: true })
  }

  /** Unmounts whatever state it is in; the image stays. */
  destroy(): void {
    this.#cutter?.kill()
    if (existsSync(this.path)) spawnSync('umount', ['-l', this.path])
  }
}

function run(command: string, args: readonly string[]): void {
  const done = spawnSync(command, args, { encoding: 'utf8' })
  if (done.error) throw new NotPossible(`${command}: ${done.error.message}`)
  if (done.status !== 0) throw new NotPossible(`${command}: ${done.stderr.trim()}`)
}
