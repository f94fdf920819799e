import t from 'tap'
import { clientMetricsSettings, groupSettings } from '../../src/config/group.ts'
import {
  atLeast,
  betweenOr,
  bool,
  canonical,
  double,
  int,
  LONG_MAX,
  list,
  long,
  names,
  password,
  type Setting,
  SettingError,
  short,
  subsetOf,
} from '../../src/config/setting.ts'
import { brokerSetting, brokerSettingNames } from '../../src/config/tables.ts'
import { brokerNameOfTopicSetting, topicSettings } from '../../src/config/topic.ts'

t.test('values become canonical text', async t => {
  const cases: [Setting, string, string | null][] = [
    [int(0), ' 12 ', '12'],
    [int(0), '-2147483648', '-2147483648'],
    [long(0), '9223372036854775807', '9223372036854775807'],
    [long(0), '-9223372036854775808', '-9223372036854775808'],
    [long(0), '+5', '5'],
    [short(0), '32767', '32767'],
    [double(0), '1', '1.0'],
    [double(0), '0.5', '0.5'],
    [double(0), '1e300', '1.0E300'],
    [double(0), '0.0001', '1.0E-4'],
    [bool(false), ' TRUE', 'true'],
    [list([]), ' a , b,c', 'a,b,c'],
    [list([]), '', ''],
    [password(null), ' secret ', ' secret '],
  ]
  for (const [setting, text, expected] of cases) t.equal(canonical(setting, text), expected, text)
  t.equal(long(LONG_MAX).parse('9223372036854775807'), LONG_MAX)
})

t.test('what is no value is refused with the reason', async t => {
  const cases: [Setting, string, string][] = [
    [int(0), '2147483648', 'Not a number of type INT'],
    [int(0), '1.5', 'Not a number of type INT'],
    [int(0), '', 'Not a number of type INT'],
    [long(0), '9223372036854775808', 'Not a number of type LONG'],
    [short(0), '32768', 'Not a number of type SHORT'],
    [double(0), 'NaN', 'Not a number of type DOUBLE'],
    [bool(false), 'yes', 'Expected value to be either true or false'],
    [int(1, { valid: atLeast(1) }), '0', 'Value must be at least 1'],
    [int(1, { valid: betweenOr(1, 9, -1) }), '0', 'Value must be between 1 and 9 or equal to -1'],
    [list([], { valid: names(false) }), '', 'Value must be a list without duplicates or empty names, and not empty'],
    [list([], { valid: names(true) }), 'a,a', 'Value must be a list without duplicates or empty names'],
    [list([], { valid: subsetOf(['a'], true) }), 'b', 'Value must be a list of a without duplicates'],
  ]
  for (const [setting, text, reason] of cases) {
    t.throws(() => setting.parse(text), new SettingError(reason), `${setting.type} ${text}`)
  }
})

t.test('every default is a value of its own setting', async t => {
  const all: [string, Setting][] = [
    ...brokerSettingNames.map((name): [string, Setting] => [name, brokerSetting(name) as Setting]),
    ...Object.entries<Setting>(topicSettings),
    ...Object.entries<Setting>(groupSettings),
    ...Object.entries<Setting>(clientMetricsSettings),
  ]
  for (const [name, setting] of all) {
    t.not(setting.doc, '', `${name} is explained`)
    const text = setting.format(setting.fallback)
    if (text === null) continue
    t.equal(canonical(setting, text), text, name)
  }
  const ours = brokerSettingNames.filter(name => name.startsWith('ottla.'))
  t.same(ours, ['ottla.log.scrub.max.bytes.per.second', 'ottla.log.scrub.interval.ms'])
  t.equal(brokerSettingNames.length - ours.length, 363)
  t.equal(Object.keys(topicSettings).length, 34)
})

t.test('the broker setting behind a topic setting has the same default', async t => {
  for (const [name, brokerName] of Object.entries(brokerNameOfTopicSetting)) {
    const own: Setting = topicSettings[name as keyof typeof topicSettings]
    const theirs = brokerSetting(brokerName)
    t.ok(theirs, brokerName)
    if (theirs && theirs.fallback !== null) t.same(theirs.fallback, own.fallback, name)
  }
})
