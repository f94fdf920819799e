import t from 'tap'
import { parseOverride, parseProperties, propertiesOfEnvironment } from '../../src/config/properties.ts'

t.test('a Java properties file', async t => {
  const text = [
    '# comment',
    '! another',
    '',
    'a=b',
    '  spaced   =   value with blanks  ',
    'colon:value',
    'blank value',
    'continued=one,\\',
    '    two,\\',
    '    three',
    'key\\ with\\=signs=x',
    'unicode=\\u00e4\\t\\\\',
    'path=C:\\\\data',
    'empty=',
    'alone',
    'a=last wins',
    'long=one,\\',
    '#two',
    'b\\\\=backslashes\\\\',
    '#continued comment \\',
    'after=comment',
  ].join('\r\n')
  t.same(
    [...parseProperties(text)],
    [
      ['a', 'last wins'],
      ['spaced', 'value with blanks  '],
      ['colon', 'value'],
      ['blank', 'value'],
      ['continued', 'one,two,three'],
      ['key with=signs', 'x'],
      ['unicode', 'ä\t\\'],
      ['path', 'C:\\data'],
      ['empty', ''],
      ['alone', ''],
      ['long', 'one,#two'],
      ['b\\', 'backslashes\\'],
      ['after', 'comment'],
    ],
  )
  t.same([...parseProperties('a=1\\')], [['a', '1']], 'a continuation of nothing')
})

t.test('overrides', async t => {
  t.same(parseOverride('log.retention.ms=5=6'), ['log.retention.ms', '5=6'])
  for (const wrong of ['novalue', '=x', '']) t.throws(() => parseOverride(wrong), /must have the form key=value/)
})

t.test('environment variables as the official image takes them', async t => {
  const properties = propertiesOfEnvironment({
    KAFKA_NODE_ID: '3',
    KAFKA_LISTENER_NAME_A__B___C_SSL_KEYSTORE_TYPE: 'PEM',
    KAFKA_HEAP_OPTS: '-Xmx1g',
    KAFKA_: 'x',
    KAFKA_UNSET: undefined,
    PATH: '/bin',
  })
  t.same(
    [...properties],
    [
      ['node.id', '3'],
      ['listener.name.a_b-c.ssl.keystore.type', 'PEM'],
    ],
  )
})
