/**
 * The house rules that a machine can check. A message names the file, the line and what to do instead.
 * There is no list of exceptions: change the code, or change the rule for everybody.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { stripped } from './tidy/strip.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))

/** Rooms from left to right. A room imports from rooms further left and from itself. */
const order: readonly (readonly string[])[] = [
  ['protocol', 'src/lib'],
  ['src/host', 'src/config'],
  ['src/machine'],
  ['src/network', 'src/log', 'src/metadata', 'src/metrics'],
  ['src/raft', 'src/replication', 'src/security', 'src/quota', 'src/client', 'src/telemetry'],
  ['src/coordinator', 'src/controller'],
  ['src/api'],
  ['src/broker.ts'],
  ['src/cluster'],
  ['src/testing'],
  ['src/index.ts', 'src/cli'],
  ['bin'],
]
const rank = new Map(order.flatMap((rooms, i) => rooms.map(room => [room, i] as const)))

/** What other rooms may import of a room that has an inside. Rooms of plain definitions are open as a whole. */
const faces: Readonly<Record<string, readonly string[]>> = {
  'src/network': ['listener.ts', 'connection.ts', 'peer.ts', 'peers.ts', 'doors.ts', 'gate.ts', 'limits.ts'],
  'src/log': ['log.ts', 'logs.ts', 'log-config.ts', 'directory.ts', 'durable-file.ts', ...fileReaders()],
  'src/machine': ['machine.ts', 'shard.ts', 'replay.ts'],
  'src/raft': ['quorum.ts', 'metadata-log.ts', 'format.ts'],
  'src/replication': ['partition.ts', 'partitions.ts', 'read-replica.ts', 'topic-log-config.ts'],
  'src/coordinator': [
    'open-coordinators.ts',
    'coordinators.ts',
    'transactions.ts',
    'producer-ids.ts',
    'group/events.ts',
    'transaction/events.ts',
    'transaction/transaction.ts',
    'transaction/marker-writer.ts',
    'transaction/verifier.ts',
  ],
  'src/controller': [
    'controller.ts',
    'announcement.ts',
    'channel.ts',
    'requests.ts',
    'shown.ts',
    'lifecycle.ts',
    'metadata-plane.ts',
    'bootstrap.ts',
    'topic-names.ts',
  ],
  'src/api': [
    'dispatch.ts',
    'handlers.ts',
    'request.ts',
    'conversions.ts',
    'fetch-sessions.ts',
    'forward.ts',
    'loopback.ts',
  ],
}

/** For tools that show what is in a file. */
function fileReaders(): string[] {
  return ['meta-properties.ts', 'segment-scan.ts', 'offset-index.ts', 'time-index.ts', 'transaction-index.ts']
}

/** Who may touch the machine: these files, and `bin/` its own process. */
const hostFiles = /^src\/host\/node(-[a-z-]+)?\.ts$/

/** The one place that turns text into functions, whose types no checker can follow. */
const codecCompiler = 'protocol/compile.ts'

const linesPerFileMax = 500
const linesPerFileSign = 400
const linesPerFunctionSign = 70

interface Source {
  readonly path: string
  readonly room: string
  readonly text: string
  /** Without comments and without what is inside strings; the same lines. */
  readonly code: string
}

function walk(directory: string): string[] {
  return readdirSync(join(root, directory), { withFileTypes: true, recursive: true })
    .filter(entry => entry.isFile() && entry.name.endsWith('.ts'))
    .map(entry => relative(root, join(entry.parentPath, entry.name)).replaceAll('\\', '/'))
}

function roomOf(path: string): string {
  const [first, second] = path.split('/')
  return first === 'src' ? `src/${second}` : first
}

const sources: readonly Source[] = ['protocol', 'src', 'bin']
  .flatMap(walk)
  .sort()
  .map(path => {
    const text = readFileSync(join(root, path), 'utf8')
    return { path, room: roomOf(path), text, code: stripped(text) }
  })
const byPath = new Map(sources.map(source => [source.path, source]))

/** Every match of `pattern` in the code, as `file:line`, with what to do about it. */
function search(pattern: RegExp, advice: string, among: readonly Source[] = sources): string[] {
  const global = new RegExp(pattern, 'g')
  return among.flatMap(({ path, code }) =>
    [...code.matchAll(global)].map(({ index, 0: found }) => {
      return `${path}:${code.slice(0, index).split('\n').length}: ${found.trim()}: ${advice}`
    }),
  )
}

interface Import {
  readonly from: Source
  readonly line: number
  readonly specifier: string
  /** The file inside the project, or null for packages. */
  readonly target: string | null
}

function importsOf(source: Source): Import[] {
  const pattern = /^(?:import|export)\s(?:[^'"]*?\sfrom\s)?\s*['"]([^'"]+)['"]|\bawait import\('([^']+)'\)/gm
  return [...source.text.matchAll(pattern)].map(({ index, 1: fixed, 2: lazy }) => {
    const specifier = fixed ?? lazy
    return {
      from: source,
      line: source.text.slice(0, index).split('\n').length,
      specifier,
      target: specifier.startsWith('.') ? join(dirname(source.path), specifier).replaceAll('\\', '/') : null,
    }
  })
}

const imports = sources.flatMap(importsOf)

t.test('every room has its place in the order', async t => {
  for (const { path, room } of sources) {
    if (!rank.has(room)) t.fail(`${path}: the room ${room} is not in the order: add it to the table, or move the file`)
  }
})

t.test('rooms import only leftwards', async t => {
  for (const { from, line, specifier, target } of imports) {
    if (target === null || roomOf(target) === from.room) continue
    const source = rank.get(from.room)
    const destination = rank.get(roomOf(target))
    if (source === undefined || destination === undefined) continue
    const mayNot =
      from.room === 'protocol' || from.room === 'src/lib'
        ? 'imports nothing outside itself'
        : destination >= source
          ? `stands left of ${roomOf(target)}, or beside it: hand the thing in as a parameter, or move what both need further left`
          : null
    if (mayNot) t.fail(`${from.path}:${line}: ${specifier}: ${from.room} ${mayNot}`)
  }
})

t.test('rooms show their face', async t => {
  for (const { from, line, specifier, target } of imports) {
    if (target === null || roomOf(target) === from.room) continue
    const face = faces[roomOf(target)]
    if (!face || face.includes(target.slice(roomOf(target).length + 1))) continue
    t.fail(`${from.path}:${line}: ${specifier}: ${roomOf(target)} is entered by ${face.join(', ')}`)
  }
})

t.test('imports name existing .ts files, and packages that are dependencies', async t => {
  const { dependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { dependencies: object }
  const packages = new Set(Object.keys(dependencies))
  for (const { from, line, specifier, target } of imports) {
    if (target !== null) {
      if (!byPath.has(target)) t.fail(`${from.path}:${line}: ${specifier} is no file of the project`)
    } else if (!specifier.startsWith('node:') && !packages.has(specifier)) {
      t.fail(`${from.path}:${line}: ${specifier} is not among the dependencies in package.json`)
    }
  }
})

t.test('no import goes round in a circle', async t => {
  for (const cycle of cycles()) t.fail(`${cycle.join(' -> ')}: move what both need into a file of its own`)
})

function cycles(): string[][] {
  const state = new Map<string, 'open' | 'done'>()
  const found: string[][] = []
  const targets = new Map<string, string[]>()
  for (const { from, target } of imports) {
    if (target !== null) targets.set(from.path, [...(targets.get(from.path) ?? []), target])
  }
  const visit = (path: string, trail: string[]) => {
    if (state.get(path) === 'done') return
    if (state.get(path) === 'open') {
      found.push([...trail.slice(trail.indexOf(path)), path])
      return
    }
    state.set(path, 'open')
    for (const target of targets.get(path) ?? []) visit(target, [...trail, path])
    state.set(path, 'done')
  }
  for (const { path } of sources) visit(path, [])
  return found
}

t.test('imports are static, but those of the commands', async t => {
  const advice = 'write an import at the top of the file; only bin/ottla.ts loads a command when it is asked for'
  const others = sources.filter(({ path }) => path !== 'bin/ottla.ts')
  for (const found of search(/\bimport\s*\(|\brequire\s*\(/, advice, others)) t.fail(found)
})

t.test('only the host touches the machine', async t => {
  const others = sources.filter(({ path }) => !hostFiles.test(path))
  const pure = others.filter(({ room }) => room !== 'bin')
  const bans: readonly (readonly [RegExp, string])[] = [
    [/\b(setTimeout|setInterval|setImmediate|queueMicrotask)\s*\(/, 'use host.clock.after or host.clock.soon'],
    [
      /\bDate\.now\b|\bnew Date\(\s*\)/,
      'use host.clock.now for timestamps of records, host.clock.monotonic for the rest',
    ],
    [/\bperformance\b/, 'use host.clock.monotonic'],
    [/\bMath\.random\b|\bcrypto\.(random|getRandom)/, 'use host.random'],
    [/\bconsole\.\w+/, 'use host.log'],
  ]
  for (const [pattern, advice] of bans) for (const found of search(pattern, advice, others)) t.fail(found)
  const process = search(/\bprocess\.\w+/, 'have it handed in by bin/, or reach it through the host', pure)
  for (const found of process) t.fail(found)
  const machine =
    /^node:(fs|fs\/promises|net|tls|crypto|os|dns|child_process|cluster|worker_threads|timers|timers\/promises|perf_hooks|process|http|https|dgram)$/
  for (const { from, line, specifier } of imports) {
    if (hostFiles.test(from.path)) continue
    if (machine.test(specifier))
      t.fail(`${from.path}:${line}: ${specifier}: reach it through the host (src/host/host.ts)`)
    if (!specifier.startsWith('.') && specifier === 'pino') t.fail(`${from.path}:${line}: pino: use host.log`)
  }
})

t.test('types tell the truth', async t => {
  const others = sources.filter(({ path }) => path !== codecCompiler)
  for (const found of search(
    /\bas unknown as\b/,
    'narrow the value by a check, or type it where it comes from',
    others,
  )) {
    t.fail(found)
  }
  for (const found of search(/(:|<|\bas|,|\|)\s*any\b(?!:)/, 'name the type, or use unknown and check', others))
    t.fail(found)
  for (const { path, text } of sources) {
    text.split('\n').forEach((line, i) => {
      const switchedOff = /@ts-(ignore|expect-error|nocheck)|biome-ignore|eslint-disable/.exec(line)
      if (switchedOff) t.fail(`${path}:${i + 1}: ${switchedOff[0]}: mend the code instead of silencing the checker`)
    })
  }
})

t.test('nothing is left half done', async t => {
  for (const { path, text } of sources) {
    text.split('\n').forEach((line, i) => {
      const found = /\b(TODO|FIXME|XXX)\b|not (yet )?implemented/i.exec(line)
      if (found) t.fail(`${path}:${i + 1}: ${found[0]}: do it, or write the gap into docs/compatibility.md`)
    })
  }
  for (const path of walk('test')) {
    const code = stripped(readFileSync(join(root, path), 'utf8'))
    const found = /\bt\.(only|skip|todo)\b|\b(skip|todo|only):\s*true/.exec(code)
    if (found) t.fail(`${path}: ${found[0]}: a test runs or does not exist`)
  }
})

t.test('every file is reachable from what the package exports or runs', async t => {
  const reached = new Set<string>()
  const reach = (path: string) => {
    if (reached.has(path)) return
    reached.add(path)
    for (const { from, target } of imports) if (from.path === path && target !== null) reach(target)
  }
  for (const { path } of sources) {
    if (path.startsWith('bin/') || /^(src|src\/testing|protocol|protocol\/records)\/index\.ts$/.test(path)) reach(path)
  }
  for (const { path } of sources) if (!reached.has(path)) t.fail(`${path}: nothing imports it: use it or remove it`)
})

t.test('each handler opens with its contract', async t => {
  const handlers = sources.filter(({ path }) => /^src\/api\/\d\d-/.test(path))
  const list = byPath.get('src/api/handlers.ts')?.text ?? ''
  t.ok(handlers.length > 0, 'there are handlers')
  for (const { path, text } of handlers) {
    const file = path.slice('src/api/'.length)
    const contract = /^\/\*\*\n \* (\w+), versions? (\d+(?:-\d+)?)\b/.exec(text)
    const code = /defineHandler\(\s*\w+,\s*'([^']+)'/.exec(text)?.[1]
    if (!contract) t.fail(`${path}: begin with /** and ' * ApiName, versions N-M.', then what it does and leaves out`)
    else if (contract[2] !== code) t.fail(`${path}: the contract says versions ${contract[2]}, the code ${code}`)
    const table = byPath.get(`protocol/messages/${file}`)
    if (!table) t.fail(`${path}: protocol/messages/${file} does not exist: give both files one name`)
    else if (contract && !new RegExp(`api\\(\\s*${Number(file.slice(0, 2))},\\s*'${contract[1]}'`).test(table.text)) {
      t.fail(`${path}: ${contract[1]} is not the name of API ${file.slice(0, 2)}`)
    }
    if (!list.includes(`'./${file}'`)) t.fail(`${path}: src/api/handlers.ts does not list it`)
  }
})

t.test('files and functions are small enough to hold in the head', async t => {
  for (const { path, code, text } of sources) {
    const lines = text.split('\n').length - 1
    if (lines > linesPerFileMax) t.fail(`${path}: ${lines} lines: split it by noun`)
    else if (lines > linesPerFileSign) t.comment(`${path}: ${lines} lines`)
    for (const { name, line, length } of functionsOf(code)) {
      if (length > linesPerFunctionSign) t.comment(`${path}:${line}: ${name} has ${length} lines`)
    }
  }
})

/** Functions and methods that begin on a line of their own, by their indentation. */
function functionsOf(code: string): { name: string; line: number; length: number }[] {
  const lines = code.split('\n')
  return lines.flatMap((text, i) => {
    const start =
      /^(\s*)(?:export )?(?:default )?(?:async )?function\*? (\w+)/.exec(text) ??
      /^( {2})(?:static |async |get |set |override )*\*?(#?\w+)(?:<.*>)?\(.*\{$/.exec(text)
    if (!start || /^\s*(if|for|while|switch|return)\b/.test(text)) return []
    const end = lines.findIndex((line, j) => j > i && line === `${start[1]}}`)
    return end < 0 ? [] : [{ name: start[2], line: i + 1, length: end - i + 1 }]
  })
}
