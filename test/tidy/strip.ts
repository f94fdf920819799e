/** Source text without its comments and without what stands inside strings, line for line. */

type Mode = 'code' | 'line comment' | 'block comment' | 'single' | 'double' | 'template' | 'regex'

export function stripped(text: string): string {
  let out = ''
  let mode: Mode = 'code'
  /** Depth of braces at which each open `${` ends. */
  const templates: number[] = []
  let depth = 0
  let inClass = false
  for (let i = 0; i < text.length; i++) {
    const char = text[i]
    const next = text[i + 1]
    if (char === '\n') {
      out += '\n'
      if (mode === 'line comment') mode = 'code'
      continue
    }
    switch (mode) {
      case 'code':
        if (char === '/' && next === '/') mode = 'line comment'
        else if (char === '/' && next === '*') {
          mode = 'block comment'
          i += 1
        } else if (char === '/' && startsRegex(out)) {
          mode = 'regex'
          out += char
        } else if (char === '}' && templates.at(-1) === depth) {
          templates.pop()
          mode = 'template'
        } else {
          if (char === "'") mode = 'single'
          else if (char === '"') mode = 'double'
          else if (char === '`') mode = 'template'
          else if (char === '{') depth += 1
          else if (char === '}') depth -= 1
          out += char
        }
        break
      case 'line comment':
        break
      case 'block comment':
        if (char === '*' && next === '/') {
          mode = 'code'
          i += 1
        }
        break
      case 'regex':
        if (char === '\\') i += 1
        else if (char === '[') inClass = true
        else if (char === ']') inClass = false
        else if (char === '/' && !inClass) {
          mode = 'code'
          out += char
        }
        break
      case 'template':
        if (char === '\\') i += 1
        else if (char === '`') {
          mode = 'code'
          out += char
        } else if (char === '$' && next === '{') {
          templates.push(depth)
          mode = 'code'
          i += 1
        }
        break
      default:
        if (char === '\\') i += 1
        else if (char === (mode === 'single' ? "'" : '"')) {
          mode = 'code'
          out += char
        }
    }
  }
  return out
}

/** Whether a slash after this code begins a regular expression rather than a division. */
function startsRegex(before: string): boolean {
  return /(^|[=(,:;!&|?{}[+\-*%<>~^]|\b(?:return|typeof|case|in|of))\s*$/.test(before.slice(-20))
}
