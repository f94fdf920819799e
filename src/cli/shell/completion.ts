/** Completion for shells: a script for each, which asks `ottla complete`, and the answers to that. */
import type { Argument, Command, Option } from 'commander'

export type Shell = 'bash' | 'zsh' | 'fish'

export const shells: readonly Shell[] = ['bash', 'zsh', 'fish']

/** To be sourced by the shell. */
export const completionScripts: Readonly<Record<Shell, string>> = {
  bash: `# ottla completion for bash:  source <(ottla completion bash)
_ottla() {
  local IFS=$'\\n'
  COMPREPLY=($(compgen -W "$(ottla complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null | cut -f1)" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _ottla ottla
`,
  zsh: `#compdef ottla
# ottla completion for zsh:  source <(ottla completion zsh)
_ottla() {
  local -a candidates
  local line
  for line in "\${(@f)$(ottla complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}"; do
    [[ -n "$line" ]] && candidates+=("\${\${line%%$'\\t'*}//:/\\\\:}:\${line#*$'\\t'}")
  done
  (( \${#candidates} )) && _describe ottla candidates || _files
}
compdef _ottla ottla
`,
  fish: `# ottla completion for fish:  ottla completion fish | source
complete -c ottla -f -a '(set -l words (commandline -opc) (commandline -ct); ottla complete -- $words[2..-1] 2>/dev/null)'
`,
}

export interface Candidate {
  readonly word: string
  readonly description: string
}

/** What names there are in the cluster, by what an argument is called: topic, group, transactional-id, broker. */
export type NamesOf = (kind: string, command: Command, words: readonly string[]) => Promise<readonly string[]>

/** How the last of the words could go on. */
export async function candidates(program: Command, words: readonly string[], namesOf: NamesOf): Promise<Candidate[]> {
  const last = words.at(-1) ?? ''
  let command = program
  let positional = 0
  let wanting: Option | null = null
  for (const word of words.slice(0, -1)) {
    if (wanting) wanting = null
    else if (word.startsWith('-')) wanting = wantsValue(command, word)
    else {
      const inner: Command | undefined = positional === 0 ? childOf(command, word) : undefined
      if (inner) command = inner
      else positional++
    }
  }
  const found = wanting
    ? await valuesOf(wanting, command, words, namesOf)
    : last.startsWith('-')
      ? optionsOf(command)
      : command.commands.length > 0
        ? command.commands
            .filter(each => !isHidden(each))
            .map(each => ({ word: each.name(), description: each.description() }))
        : await argumentsOf(command, positional, words, namesOf)
  return found.filter(({ word }) => word.startsWith(last))
}

function childOf(command: Command, word: string): Command | undefined {
  return command.commands.find(each => each.name() === word || each.aliases().includes(word))
}

function isHidden(command: Command): boolean {
  return command.name() === 'complete'
}

/** The option that takes the next word, if it does. */
function wantsValue(command: Command, word: string): Option | null {
  const option = command.options.find(({ long, short }) => long === word || short === word)
  return option && (option.required || option.optional) ? option : null
}

function optionsOf(command: Command): Candidate[] {
  return command.options
    .filter(({ hidden, long }) => !hidden && long)
    .map(({ long, description }) => ({ word: long ?? '', description }))
    .concat({ word: '--help', description: 'show help' })
}

async function valuesOf(
  option: Option,
  command: Command,
  words: readonly string[],
  namesOf: NamesOf,
): Promise<Candidate[]> {
  if (option.argChoices) return option.argChoices.map(word => ({ word, description: '' }))
  return named(await namesOf(kindOf(option.flags), command, words))
}

async function argumentsOf(
  command: Command,
  at: number,
  words: readonly string[],
  namesOf: NamesOf,
): Promise<Candidate[]> {
  const given: readonly Argument[] = command.registeredArguments
  const argument = given[at] ?? (given.at(-1)?.variadic ? given.at(-1) : undefined)
  return argument ? named(await namesOf(kindOf(`<${argument.name()}>`), command, words)) : []
}

/** `<topic[:partition]...>`: topic. */
function kindOf(flags: string): string {
  return /<([a-z-]+)/.exec(flags)?.[1] ?? ''
}

function named(names: readonly string[]): Candidate[] {
  return names.map(word => ({ word, description: '' }))
}
