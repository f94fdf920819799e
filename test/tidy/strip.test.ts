import t from 'tap'
import { stripped } from './strip.ts'

t.test('comments and strings go, code and lines stay', async t => {
  const dollar = '$'
  const cases: readonly (readonly [string, string])[] = [
    ['a // b\nc', 'a \nc'],
    ['a /* b\nb */ c', 'a \n c'],
    ["x = 'process.exit' + y", "x = '' + y"],
    ['x = "it\'s // no comment"; y', 'x = ""; y'],
    ["x = 'a\\'b'; y", "x = ''; y"],
    [`\`a ${dollar}{b + \`c ${dollar}{d} e\`} f\` + g`, '`b + `d`` + g'],
    [`\`${dollar}{ { a: 1 } }\` + b`, '` { a: 1 } ` + b'],
    ["/'/.test(x); y", '//.test(x); y'],
    ['/[/"]/g; y', '//g; y'],
    ["a / b; c / 'd'", "a / b; c / ''"],
    ["return /'/; b", 'return //; b'],
  ]
  for (const [text, code] of cases) t.equal(stripped(text), code, text)
})
