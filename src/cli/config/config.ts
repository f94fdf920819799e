/** `ottla config ...` */
import { Noun, type Run } from '../shell/noun.ts'
import { changeSettings, unsetSettings } from './change.ts'
import { describeSettings } from './describe.ts'
import { listOfResources } from './list.ts'
import { describeQuotas, setQuota } from './quota.ts'
import { kinds } from './resource.ts'

const what = `${kinds.join(', ')}`

export function configNoun(run: Run): Noun {
  const config = new Noun('config', 'settings of topics, brokers, groups and client metrics; quotas', run)
  config
    .verb('describe', 'settings that differ from the default, or --all')
    .argument('<kind>', what)
    .argument('[name]', 'of a broker its id; without a name, what holds for all brokers')
    .option('--all', 'also those that are the default')
    .option('--documentation', 'with what they are for')
    .option('--synonyms', 'and where each value comes from')
    .examples('ottla config describe topic orders --all', 'ottla config describe broker 1')
    .act(describeSettings)
  config
    .verb('set', 'change settings')
    .argument('<kind>', what)
    .argument('<name>', 'of a broker its id; all: every broker')
    .argument('<setting=value...>', 'such as retention.ms=86400000; name+=value and name-=value change lists')
    .option('--dry-run', 'only check whether it could be done')
    .examples(
      'ottla config set topic orders retention.ms=86400000',
      'ottla config set broker all log.cleaner.threads=2',
      'ottla config set client-metrics traces interval.ms=10000 metrics=',
    )
    .act(changeSettings)
  config
    .verb('unset', 'take settings away: what is more general holds again')
    .argument('<kind>', what)
    .argument('<name>', 'of a broker its id; all: every broker')
    .argument('<setting...>', 'their names')
    .option('--dry-run', 'only check whether it could be done')
    .examples('ottla config unset topic orders retention.ms')
    .act(unsetSettings)
  config.verb('list', 'names that have settings').alias('ls').argument('<kind>', what).act(listOfResources)
  config
    .verb('quotas', 'quotas of users, clients and addresses')
    .repeated('--user <name>', 'only those of this user; default: of all without their own')
    .repeated('--client-id <name>', 'only those of this client id')
    .repeated('--ip <address>', 'only those of this address')
    .examples('ottla config quotas', 'ottla config quotas --client-id billing')
    .act(describeQuotas)
  config
    .verb('set-quota', 'change or take away quotas')
    .argument('<quota=value...>', 'producer_byte_rate=1048576; without a value (producer_byte_rate=) it is taken away')
    .repeated('--user <name>', 'of this user; default: of all without their own')
    .repeated('--client-id <name>', 'of this client id')
    .repeated('--ip <address>', 'of this address')
    .option('--dry-run', 'only check whether it could be done')
    .examples('ottla config set-quota --client-id billing producer_byte_rate=1048576 consumer_byte_rate=')
    .act(setQuota)
  return config
}
