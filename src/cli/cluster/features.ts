/** `ottla cluster features`, `set-feature` and `apis` */
import { apiName } from '../../../protocol/apis.ts'
import { changeFeatures, versionsOf } from '../../client/cluster.ts'
import { parseKeyValue, parseNumber } from '../shell/arguments.ts'
import type { Session } from '../shell/session.ts'
import { UsageError } from '../shell/usage-error.ts'

export async function listFeatures(session: Session): Promise<void> {
  const { supportedFeatures, finalizedFeatures, finalizedFeaturesEpoch } = await versionsOf(session.client)
  const features = supportedFeatures
    .map(({ name, minVersion, maxVersion }) => ({
      feature: name,
      level: finalizedFeatures.find(each => each.name === name)?.maxVersionLevel ?? 0,
      min: minVersion,
      max: maxVersion,
    }))
    .sort((a, b) => (a.feature < b.feature ? -1 : 1))
  if (session.json) return session.printJson({ epoch: finalizedFeaturesEpoch, features })
  if (features.length === 0) return session.note('this cluster tells of no features')
  const right = (title: string) => ({ title, align: 'right' }) as const
  await session.table(
    [{ title: 'FEATURE' }, right('LEVEL'), right('LOWEST'), right('HIGHEST')],
    features.map(({ feature, level, min, max }) => [feature, String(level), String(min), String(max)]),
  )
}

export interface SetFeaturesOptions {
  readonly downgrade?: boolean
  readonly unsafeDowngrade?: boolean
  readonly dryRun?: boolean
  readonly yes?: boolean
}

export async function setFeatures(session: Session, options: SetFeaturesOptions, texts: string[]): Promise<void> {
  const { downgrade, unsafeDowngrade, dryRun = false } = options
  if (downgrade && unsafeDowngrade) throw new UsageError('--downgrade or --unsafe-downgrade, not both')
  const type = unsafeDowngrade ? 'unsafe-downgrade' : downgrade ? 'safe-downgrade' : 'upgrade'
  const updates = texts.map(text => {
    const [feature, level] = parseKeyValue(text, 'feature')
    return { feature, level: parseNumber(level, feature, 32_767), type } as const
  })
  if (type !== 'upgrade' && !dryRun) await session.confirm(`lower ${texts.join(', ')}`, options.yes)
  await changeFeatures(session.client, updates, dryRun)
  if (session.json) return session.printJson({ updates, dryRun })
  for (const { feature, level } of updates)
    await session.print(`${feature} ${dryRun ? 'could be' : 'is'} at level ${level}\n`)
}

export async function listApis(session: Session, _options: object, broker: string | undefined): Promise<void> {
  const { apiKeys } = await versionsOf(
    session.client,
    broker === undefined ? undefined : parseNumber(broker, 'broker', 2 ** 31 - 1),
  )
  const apis = apiKeys.map(({ apiKey: key, minVersion: min, maxVersion: max }) => ({
    key,
    name: apiName(key),
    min,
    max,
  }))
  if (session.json) return session.printJson({ apis })
  await session.table(
    [{ title: 'KEY', align: 'right' }, { title: 'API' }, { title: 'VERSIONS', align: 'right' }],
    apis.map(({ key, name, min, max }) => [String(key), name, min === max ? String(min) : `${min}-${max}`]),
  )
}
