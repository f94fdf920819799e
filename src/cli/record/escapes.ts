/** Escapes in delimiters and templates, as people type them in a shell: \n \t \r \0 \\ \xHH. */

const named: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', '0': '\0', '\\': '\\' }

/** Other escapes stay as they are. */
export function unescaped(text: string): string {
  return text.replace(/\\(x[0-9a-fA-F]{2}|.)/g, (whole, code: string) => {
    if (code.startsWith('x') && code.length === 3) return String.fromCharCode(Number.parseInt(code.slice(1), 16))
    return named[code] ?? whole
  })
}
