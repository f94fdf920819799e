// A transcript: sections (`### name`) of commands (`$ ...`) with what they print and their exit codes.
import { spawn } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const file = fileURLToPath(new URL('transcript.txt', import.meta.url))
const program = fileURLToPath(new URL('../../dist/bin/ottla.js', import.meta.url))

export function sections() {
  return readFileSync(file, 'utf8')
    .split(/^### /m)
    .slice(1)
    .map(text => {
      const [name, ...lines] = text.trimEnd().split('\n')
      const steps = []
      for (const line of lines) {
        if (line.startsWith('$ ')) steps.push({ command: line.slice(2), said: [] })
        else steps.at(-1)?.said.push(line)
      }
      return { name, steps: steps.map(({ command, said }) => ({ command, said: said.join('\n').trimEnd() })) }
    })
}

export function write(all) {
  const shown = all.map(({ name, steps }) => {
    const lines = steps.map(({ command, said }) => `$ ${command}\n${said === '' ? '' : `${said}\n`}`)
    return `### ${name}\n${lines.join('')}`
  })
  writeFileSync(file, shown.join('\n'))
}

/** What a command says, output and errors as they come, without what differs from cluster to cluster. */
export function run(command, bootstrap) {
  const child = spawn('bash', ['-c', `ottla() { "$NODE" "$OTTLA" "$@"; }\n${command}`], {
    env: { ...process.env, NODE: process.execPath, OTTLA: program, OTTLA_BOOTSTRAP: bootstrap },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const said = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'])
    child[name].setEncoding('utf8').on('data', text => {
      said[name] += text
    })
  return new Promise(resolve => {
    child.on('close', code => {
      const lines = [
        said.stdout,
        said.stderr.replace(/^/gm, '! ').replace(/! $/, ''),
        code === 0 ? '' : `[exit ${code}]`,
      ]
      resolve(
        comparable(
          lines
            .map(each => each.trimEnd())
            .filter(each => each !== '')
            .join('\n'),
        ),
      )
    })
  })
}

function comparable(text) {
  return text.replace(/(Id: +|"(?:id|topicId)": ?")[\w-]{22}/g, '$1ID').replace(/[ \t]+$/gm, '')
}
