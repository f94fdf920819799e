/** Messages that only Kafka's own tests have: together they use every kind of field. */
import {
  array,
  bool,
  bytes,
  float64,
  int8,
  int16,
  int32,
  int64,
  message,
  records,
  string,
  struct,
  uint16,
  uint32,
  uuid,
} from '../../protocol/schema.ts'

const testCommonStruct = {
  foo: int32('0+', { default: 123 }),
  bar: int32('0+', { default: 123 }),
}

export const allTypeMessage = message(
  'AllTypeMessage',
  '0-1',
  { flexible: '1+' },
  {
    myBoolean: bool('0+', { default: false }),
    myInt8: int8('0+', { default: 12 }),
    myInt16: int16('0+', { default: 123 }),
    myUint16: uint16('0+', { default: 33000 }),
    myInt32: int32('0+', { default: 1234 }),
    myUint32: uint32('0+', { default: 1234567 }),
    myUint64: int64('0+', { default: 914172222550880202n }),
    myUuid: uuid('0+', { default: 'H3KKO4NTRPaCWtEmm3vW7A' }),
    myFloat64: float64('0+', { default: 12.34 }),
    myString: string('0', { default: 'string' }),
    myNullableString: string('0', { nullable: '0', default: null }),
    myCompactString: string('1', { default: 'compact string' }),
    myCompactNullableString: string('1', { nullable: '1', default: null }),
    myBytes: bytes('0'),
    myNullableBytes: bytes('0', { nullable: '0', default: null }),
    myCompactBytes: bytes('1'),
    myCompactNullableBytes: bytes('1', { nullable: '1', default: null }),
    myRecords: records('0'),
    myNullableRecords: records('0', { nullable: '0' }),
    myCompactRecords: records('1'),
    myCompactNullableRecords: records('1', { nullable: '1' }),
    myIntArray: array('0+', 'int32'),
    myNullableIntArray: array('0+', 'int32', { nullable: '0+', default: null }),
    myCommonStruct: struct('0+', testCommonStruct, { nullable: '1+' }),
  },
)

export const nullableStructMessage = message(
  'NullableStructMessage',
  '0-2',
  { flexible: '1+' },
  {
    nullableStruct: struct(
      '0+',
      {
        myString: string('0+'),
        myInt: int32('0+'),
      },
      { nullable: '0+', default: null },
    ),
    nullableStruct2: struct(
      '0+',
      {
        myString: string('0+'),
        myInt: int32('0+'),
      },
      { nullable: '1+' },
    ),
    nullableStruct3: struct(
      '1+',
      {
        myString: string('1+'),
        myInt: int32('1+'),
      },
      { nullable: '1+', default: null, tag: 0 },
    ),
    nullableStruct4: struct(
      '1+',
      {
        myString: string('1+'),
        myInt: int32('1+'),
      },
      { nullable: '1+', tag: 1 },
    ),
  },
)

export const simpleArraysMessage = message(
  'SimpleArraysMessage',
  '0-2',
  { flexible: '1+' },
  {
    goats: array('1+', {
      color: int8('1+'),
      name: string('2+'),
    }),
    sheep: array('0+', 'int32'),
  },
)

export const simpleExampleMessage = message(
  'SimpleExampleMessage',
  '0-2',
  { flexible: '1+' },
  {
    processId: uuid('1+'),
    myTaggedIntArray: array('1+', 'int32', { tag: 0 }),
    myNullableString: string('1+', { nullable: '1+', default: null, tag: 1 }),
    myInt16: int16('1+', { default: 123, tag: 2 }),
    myFloat64: float64('1+', { default: 12.34, tag: 3 }),
    myString: string('1+', { tag: 4 }),
    myBytes: bytes('1+', { nullable: '1+', tag: 5 }),
    taggedUuid: uuid('1+', { default: 'H3KKO4NTRPaCWtEmm3vW7A', tag: 6 }),
    taggedLong: int64('1+', { default: 914172222550880202n, tag: 7 }),
    zeroCopyByteBuffer: bytes('1'),
    nullableZeroCopyByteBuffer: bytes('1', { nullable: '1' }),
    myStruct: struct('2+', {
      structId: int32('2+'),
      arrayInStruct: array('2+', {
        arrayFieldId: int32('2+'),
      }),
    }),
    myTaggedStruct: struct(
      '2+',
      {
        structId: string('2+'),
      },
      { tag: 8 },
    ),
    taggedLongFlexibleVersionSubset: int64('2+', { default: 0, tag: 9 }),
    myCommonStruct: struct('0+', testCommonStruct),
    myOtherCommonStruct: struct('0+', testCommonStruct),
    myUint16: uint16('1+', { default: 33000 }),
    myUint32: uint32('1+', { default: 1234567 }),
  },
)

export const simpleRecordsMessage = message(
  'SimpleRecordsMessage',
  '0-1',
  { flexible: '1+' },
  {
    topic: string('0+'),
    recordSet: records('0+', { nullable: '0+' }),
  },
)
