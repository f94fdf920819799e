/**
 * Where settings come from as text: a Java properties file (`meta.properties` of a log directory is one too), `--override key=value`, and the environment variables of
 * the official apache/kafka image.
 */

export type Properties = ReadonlyMap<string, string>

/** Parses the text of a Java .properties file: comments, continuation lines, escapes; the last of equal keys wins. */
export function parseProperties(text: string): Map<string, string> {
  const properties = new Map<string, string>()
  for (const line of logicalLines(text)) {
    const { key, value } = splitLine(line)
    properties.set(key, value)
  }
  return properties
}

function* logicalLines(text: string): Generator<string> {
  let line = ''
  let continuing = false
  for (const raw of text.split(/\r\n|\n|\r/)) {
    const part = raw.replace(/^[ \t\f]+/, '')
    if (!continuing && (part === '' || part[0] === '#' || part[0] === '!')) continue
    const backslashes = part.length - part.replace(/\\+$/, '').length
    continuing = backslashes % 2 === 1
    line += continuing ? part.slice(0, -1) : part
    if (continuing) continue
    yield line
    line = ''
  }
  if (line !== '') yield line
}

function splitLine(line: string): { key: string; value: string } {
  let end = 0
  while (end < line.length && !/[=: \t\f]/.test(line[end])) end += line[end] === '\\' ? 2 : 1
  const separator = /^[ \t\f]*[=:]?[ \t\f]*/.exec(line.slice(end))
  return {
    key: resolveEscapes(line.slice(0, end)),
    value: resolveEscapes(line.slice(end + (separator?.[0].length ?? 0))),
  }
}

const escapes: Readonly<Record<string, string>> = { t: '\t', n: '\n', r: '\r', f: '\f' }

function resolveEscapes(text: string): string {
  return text.replace(/\\(?:u([0-9a-fA-F]{4})|(.?))/g, (_, code: string | undefined, letter: string | undefined) =>
    code ? String.fromCharCode(Number.parseInt(code, 16)) : (escapes[letter ?? ''] ?? letter ?? ''),
  )
}

/** One `key=value` of the command line. Throws Error when there is no `=` or no key. */
export function parseOverride(text: string): [string, string] {
  const at = text.indexOf('=')
  if (at <= 0) throw new Error(`override '${text}' must have the form key=value`)
  return [text.slice(0, at).trim(), text.slice(at + 1)]
}

/** Variables that steer the image's scripts and are no settings. */
const notSettings = new Set([
  'KAFKA_VERSION',
  'KAFKA_HEAP_OPTS',
  'KAFKA_LOG4J_OPTS',
  'KAFKA_OPTS',
  'KAFKA_JMX_OPTS',
  'KAFKA_JVM_PERFORMANCE_OPTS',
  'KAFKA_GC_LOG_OPTS',
  'KAFKA_LOG4J_ROOT_LOGLEVEL',
  'KAFKA_LOG4J_LOGGERS',
  'KAFKA_TOOLS_LOG4J_LOGLEVEL',
  'KAFKA_JMX_HOSTNAME',
  'KAFKA_JMX_PORT',
])

/** `KAFKA_NODE_ID` is node.id; `_` stands for `.`, `__` for `_`, `___` for `-`. Other variables are passed over. */
export function propertiesOfEnvironment(
  environment: Readonly<Record<string, string | undefined>>,
): Map<string, string> {
  const properties = new Map<string, string>()
  for (const [name, value] of Object.entries(environment)) {
    if (value === undefined || !name.startsWith('KAFKA_') || name === 'KAFKA_' || notSettings.has(name)) continue
    const key = name
      .slice('KAFKA_'.length)
      .toLowerCase()
      .replace(/_{1,3}/g, underscores => ['.', '_', '-'][underscores.length - 1])
    properties.set(key, value)
  }
  return properties
}
