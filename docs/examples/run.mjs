// Packs Ottla as for the registry, installs the package beside the test runners, and runs every example with it.
// Runners are installed once per package-lock.json, in .cache/examples.
import { spawnSync } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const here = fileURLToPath(new URL('./', import.meta.url))
const root = join(here, '../..')
const cache = join(root, '.cache/examples')
const runners = ['node:test', 'vitest', 'jest', 'tap', 'types']

function run(command, args, cwd) {
  return spawnSync(command, args, { cwd, encoding: 'utf8', timeout: 180_000, maxBuffer: 1 << 26 })
}

function must(what, result) {
  if (result.status === 0) return result.stdout
  console.error(`${what} failed:\n${result.stdout}\n${result.stderr}`)
  console.log('examples: 0 passed, 1 failed')
  process.exit(1)
}

mkdirSync(cache, { recursive: true })
for (const name of readdirSync(here)) copyFileSync(join(here, name), join(cache, name))
const lock = readFileSync(join(here, 'package-lock.json'), 'utf8')
const installed = join(cache, 'installed.json')
const quiet = ['--no-audit', '--no-fund', '--loglevel=error', '--prefer-offline']
if (!existsSync(installed) || readFileSync(installed, 'utf8') !== lock) {
  must('npm install', run('npm', ['install', ...quiet], cache))
  writeFileSync(installed, lock)
}
rmSync(join(cache, 'node_modules/ottla'), { recursive: true, force: true })
const packed = must('npm pack', run('npm', ['pack', '--ignore-scripts', '--json', '--pack-destination', cache], root))
const [{ filename }] = JSON.parse(packed.slice(packed.indexOf('[')))
must('npm install', run('npm', ['install', '--no-save', ...quiet, join(cache, filename)], cache))

let failed = 0
for (const runner of runners) {
  const began = performance.now()
  const { status, stdout, stderr } = run('npm', ['run', '--silent', runner], cache)
  console.log(`${status === 0 ? 'ok' : 'not ok'} ${runner}, ${((performance.now() - began) / 1000).toFixed(1)} s`)
  if (status !== 0) {
    failed += 1
    console.log(`${stdout}\n${stderr}`)
  }
}
const version = run(join(cache, 'node_modules/.bin/ottla'), ['--version'], cache)
console.log(`${version.status === 0 ? 'ok' : 'not ok'} ottla --version: ${version.stdout.trim()}${version.stderr}`)
if (version.status !== 0) failed += 1
console.log(`examples: ${runners.length + 1 - failed} passed, ${failed} failed`)
process.exitCode = failed === 0 ? 0 : 1
