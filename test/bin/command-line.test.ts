/** The command line for people as a process of its own: pipes, signals, help, completion. */
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { startBroker } from '../../src/index.ts'
import { ottla } from './ottla-process.ts'

const program = fileURLToPath(new URL('../../bin/ottla.js', import.meta.url))
const broker = await startBroker()
t.teardown(() => broker.close())
const env = { OTTLA_BOOTSTRAP: broker.bootstrap }

/** A line of bash in which `ottla` is the command. */
function bash(t: Test, line: string): Promise<{ code: number | null; out: string; err: string }> {
  const child = spawn('bash', ['-c', `ottla() { "$NODE" "$PROGRAM" "$@"; }; ${line}`], {
    env: { ...process.env, ...env, NODE: process.execPath, PROGRAM: program },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  t.teardown(() => child.kill('SIGKILL'))
  const said = { out: '', err: '' }
  child.stdout.setEncoding('utf8').on('data', text => {
    said.out += text
  })
  child.stderr.setEncoding('utf8').on('data', text => {
    said.err += text
  })
  return new Promise(resolve => child.on('close', code => resolve({ code, ...said })))
}

t.test('pipes', async t => {
  t.strictSame(
    await bash(
      t,
      `ottla topic create many && seq 1 200000 | ottla record produce many && ottla record consume many | head -2
       echo "\${PIPESTATUS[@]}"`,
    ),
    { code: 0, out: 'created topic many (1 partition, 1 replica)\n1\n2\n0 0\n', err: '' },
    'who has seen enough is no failure',
  )
  const whole = await bash(t, 'ottla record consume many | cksum; seq 1 200000 | cksum')
  const [read, written] = whole.out.trim().split('\n')
  t.equal(read, written)
  const file = await bash(t, "ottla record produce many <(printf 'from\\na file') --json | grep -c '\"records\": 2'")
  t.strictSame(file, { code: 0, out: '2\n', err: '' })
})

t.test('signals', async t => {
  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const) {
    const following = ottla(t, ['record', 'consume', 'many', '-t', '1', '--follow'], env)
    await following.printed(/a file\n/)
    following.kill(signal)
    t.match(await following.ended, { code, signal: null, stderr: '' }, signal)
  }
})

t.test('help and completion', async t => {
  const help = await ottla(t, ['--help']).ended
  for (const noun of ['topic', 'record', 'group', 'config', 'cluster', 'transaction', 'completion', 'start']) {
    t.match(help.stdout, new RegExp(`^  ${noun}\\b`, 'm'))
  }
  t.match((await ottla(t, ['help', 'topic']).ended).stdout, /^Usage: ottla topic/)
  t.match(await ottla(t, ['topic', '--help']).ended, { code: 0, stdout: /^ {2}create /m })
  const words = async (...words: string[]) => {
    const { stdout } = await ottla(t, ['complete', '--', ...words], env).ended
    return stdout.split('\n').map(line => line.split('\t')[0])
  }
  t.strictSame(await words('rec'), ['record', ''])
  t.strictSame(await words('topic', 'describe', 'ma'), ['many', ''])
  t.strictSame(await words('record', 'produce', 'many', '--compression', 'g'), ['gzip', ''])
  t.match(await words('start', '--da'), ['--data-dir'])
  const sourced = await bash(
    t,
    `source <(ottla completion bash); COMP_WORDS=(ottla topic describe m); COMP_CWORD=3; _ottla; echo "\${COMPREPLY[@]}"`,
  )
  t.equal(sourced.out, 'many\n', sourced.err)
  t.equal((await ottla(t, ['completion', 'tcsh']).ended).code, 2)
})
