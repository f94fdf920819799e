// Reads a TAP stream and prints what failed and one line 'N passed, N failed'. Counts top-level tests and their assertions.
import { readFileSync } from 'node:fs'

const text = readFileSync(process.argv[2], 'utf8')
const totals = [...text.matchAll(/^# \{ (.*) \}$/gm)].at(-1)?.[1]
for (const line of text.split('\n')) if (/^\s*not ok /.test(line)) console.log(line)
const number = name => Number(totals?.match(new RegExp(`${name}: (\\d+)`))?.[1] ?? 0)
if (totals === undefined) console.log('npm test: 0 passed, 1 failed (no tests ran)')
else console.log(`npm test: ${number('pass')} passed, ${number('fail')} failed`)
