// Reporter for mocha that prints what compat/run.mjs reads: one line of JSON for each test.

module.exports = class {
  constructor(runner) {
    const seen = new Set()
    const line = (test, status, detail) => {
      const suite = test.parent.titlePath()
      const name = `e2e / ${[...suite, test.title].join(': ').replaceAll(/\s+/g, ' ').trim()}`
      if (seen.has(name)) return // a hook that fails after its test passed
      seen.add(name)
      process.stdout.write(`${JSON.stringify({ test: name, status, detail, ms: test.duration })}\n`)
    }
    runner.on('pass', test => line(test, 'pass'))
    runner.on('fail', (test, error) => {
      const about = test.type === 'hook' ? (test.ctx.currentTest ?? test) : test
      line(about, 'fail', String(error.stack ?? error.message ?? error).slice(0, 1000))
    })
  }
}
