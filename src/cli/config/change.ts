/** `ottla config set` and `ottla config unset` */

import { ClientError } from '../../client/client-error.ts'
import { type ConfigChange, changeConfigs, configsOf, shownResource } from '../../client/configs.ts'
import { suggestion } from '../shell/near-names.ts'
import { reportOutcomes } from '../shell/outcomes.ts'
import type { Session } from '../shell/session.ts'
import { UsageError } from '../shell/usage-error.ts'
import { namedResource } from './resource.ts'

export interface ChangeSettingsOptions {
  readonly dryRun?: boolean
}

export function changeSettings(
  session: Session,
  options: ChangeSettingsOptions,
  kind: string,
  name: string,
  texts: string[],
): Promise<number> {
  return change(session, options, kind, name, texts.map(parseChange))
}

export function unsetSettings(
  session: Session,
  options: ChangeSettingsOptions,
  kind: string,
  name: string,
  names: string[],
): Promise<number> {
  return change(
    session,
    options,
    kind,
    name,
    names.map(each => ({ name: each, operation: 'delete', value: null })),
  )
}

function parseChange(text: string): ConfigChange {
  const match = /^([^=+-][^=]*?)([+-]?)=(.*)$/s.exec(text)
  if (!match) throw new UsageError(`${text}: SETTING=VALUE is expected`, ['`ottla config unset` takes a setting away.'])
  const [, name, sign, value] = match
  return { name, operation: sign === '+' ? 'append' : sign === '-' ? 'subtract' : 'set', value }
}

async function change(
  session: Session,
  { dryRun = false }: ChangeSettingsOptions,
  kind: string,
  name: string,
  changes: readonly ConfigChange[],
): Promise<number> {
  const resource = await namedResource(session, kind, name)
  const outcomes = await changeConfigs(session.client, [resource], changes, dryRun)
  const explained = await Promise.all(
    outcomes.map(async ({ item, error }) => ({
      item,
      error: error && (await withNearNames(session, error, resource, changes)),
    })),
  )
  return reportOutcomes(session, explained, {
    done: item => `${dryRun ? 'could change' : 'changed'} settings of ${shownResource(item)}`,
    json: item => ({ ...item, dryRun }),
  })
}

/** A setting that the resource does not have is likely to be misspelt. */
async function withNearNames(
  { client }: Session,
  error: Error,
  resource: Parameters<typeof configsOf>[1],
  changes: readonly ConfigChange[],
): Promise<Error> {
  if (!(error instanceof ClientError) || error.failure !== 'refused') return error
  const existing = await configsOf(client, resource).catch(() => [])
  const names = existing.map(each => each.name)
  const wrong = changes.find(each => !names.includes(each.name))
  if (names.length === 0 || wrong === undefined) return error
  const hint = suggestion(
    wrong.name,
    names,
    `\`ottla config describe ${resource.kind} ${resource.name} --all\` shows what there is.`,
  )
  return new ClientError('refused', error.message, {
    code: error.code ?? undefined,
    hints: [`${wrong.name} is not known here. ${hint}`],
  })
}
