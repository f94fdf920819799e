/** Which names a topic may have. The name is part of a path in the data directory, so this is also a guard of that. */

const lengthMax = 249

/** Null when the name is allowed, otherwise why not. */
export function topicNameProblem(name: string): string | null {
  if (name === '') return 'Topic name is invalid: the empty string is not allowed'
  if (name === '.' || name === '..') return `Topic name is invalid: '${name}' is not allowed`
  if (name.length > lengthMax)
    return `Topic name is invalid: the length of '${name}' is longer than the max allowed length ${lengthMax}`
  if (!/^[a-zA-Z0-9._-]+$/.test(name)) {
    return `Topic name is invalid: '${name}' contains one or more characters other than ASCII alphanumerics, '.', '_' and '-'`
  }
  return null
}

/** Names that are equal but for '.' and '_' would share their metrics' names, so only one of them may exist. */
export function collisionKey(name: string): string {
  return name.replaceAll('.', '_')
}
