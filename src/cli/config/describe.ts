/** `ottla config describe` */
import { type ConfigValue, configsOf, shownResource } from '../../client/configs.ts'
import type { Session } from '../shell/session.ts'
import { namedResource } from './resource.ts'

export interface DescribeSettingsOptions {
  readonly all?: boolean
  readonly documentation?: boolean
  readonly synonyms?: boolean
}

/** How sources are called here; Kafka's own names are in the JSON. */
const sourceNames: Readonly<Record<string, string>> = {
  DYNAMIC_TOPIC_CONFIG: 'topic',
  DYNAMIC_BROKER_CONFIG: 'broker',
  DYNAMIC_DEFAULT_BROKER_CONFIG: 'all brokers',
  STATIC_BROKER_CONFIG: 'file',
  DEFAULT_CONFIG: 'default',
  DYNAMIC_BROKER_LOGGER_CONFIG: 'logger',
  DYNAMIC_CLIENT_METRICS_CONFIG: 'client metrics',
  DYNAMIC_GROUP_CONFIG: 'group',
}

export async function describeSettings(
  session: Session,
  options: DescribeSettingsOptions,
  kind: string,
  name: string | undefined,
): Promise<void> {
  const resource = await namedResource(session, kind, name)
  const all = await configsOf(session.client, resource, options.documentation)
  const configs = options.all ? all : all.filter(({ source }) => source !== 'DEFAULT_CONFIG')
  if (session.json) return session.printJson({ ...resource, configs: configs.map(each => json(each, options)) })
  if (configs.length === 0) {
    return session.note(`${shownResource(resource)}: nothing is set${options.all ? '' : ' (--all shows the defaults)'}`)
  }
  await session.table(
    [
      { title: 'SETTING' },
      { title: 'VALUE' },
      { title: 'FROM' },
      ...(options.documentation ? [{ title: 'WHAT FOR' }] : []),
    ],
    configs.map(config => [
      config.name,
      shownValue(config),
      options.synonyms ? shownSynonyms(config) : (sourceNames[config.source] ?? config.source),
      ...(options.documentation ? [(config.documentation ?? '').replaceAll(/\s+/g, ' ')] : []),
    ]),
  )
}

function shownValue({ value, sensitive }: ConfigValue): string {
  if (sensitive) return '(secret)'
  return value === null ? '(none)' : value
}

function shownSynonyms({ source, synonyms }: ConfigValue): string {
  if (synonyms.length === 0) return sourceNames[source] ?? source
  return synonyms.map(each => `${sourceNames[each.source] ?? each.source}:${each.name}=${each.value ?? ''}`).join(' ')
}

function json({ documentation, ...rest }: ConfigValue, options: DescribeSettingsOptions): object {
  return options.documentation ? { ...rest, documentation } : rest
}
