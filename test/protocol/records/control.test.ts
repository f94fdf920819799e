import t from 'tap'
import { decodeMessage, encodeMessage } from '../../../protocol/compile.ts'
import { Errors } from '../../../protocol/errors.ts'
import { isControl, isTransactional } from '../../../protocol/records/batch.ts'
import {
  buildControlBatch,
  buildTransactionMarker,
  ControlType,
  type ControlTypeId,
  controlKey,
  controlType,
  markerCoordinatorEpoch,
  markerValue,
} from '../../../protocol/records/control.ts'
import { readRecords } from '../../../protocol/records/record.ts'
import type { AnyMessage } from '../../../protocol/schema.ts'
import {
  kRaftVersionRecord,
  leaderChangeMessage,
  snapshotFooterRecord,
  snapshotHeaderRecord,
  votersRecord,
} from '../../../protocol/stored/control.ts'
import { vector } from './vectors.ts'

t.test('transaction markers are those of Kafka', async t => {
  for (const commit of [true, false]) {
    const { buffer, batches } = vector(commit ? 'v2-control-commit' : 'v2-control-abort')
    const [json] = batches
    const [record] = [...readRecords(buffer)]
    t.equal(controlType(record.key), commit ? ControlType.COMMIT : ControlType.ABORT)
    const coordinatorEpoch = markerCoordinatorEpoch(record.value)
    t.equal(coordinatorEpoch, json.records[0].control?.coordinatorEpoch)
    const built = buildTransactionMarker({
      commit,
      coordinatorEpoch,
      producerId: Number(json.producerId),
      producerEpoch: json.producerEpoch,
      timestampMs: Number(json.baseTimestamp),
      baseOffset: Number(json.baseOffset),
      partitionLeaderEpoch: json.partitionLeaderEpoch,
    })
    t.same(built, buffer)
    t.ok(isControl(built) && isTransactional(built))
  }
})

const kraft: readonly (readonly [string, ControlTypeId, AnyMessage])[] = [
  ['v2-control-leader-change', ControlType.LEADER_CHANGE, leaderChangeMessage],
  ['v2-control-snapshot-header', ControlType.SNAPSHOT_HEADER, snapshotHeaderRecord],
  ['v2-control-snapshot-footer', ControlType.SNAPSHOT_FOOTER, snapshotFooterRecord],
  ['v2-control-kraft-version', ControlType.KRAFT_VERSION, kRaftVersionRecord],
  ['v2-control-voters', ControlType.KRAFT_VOTERS, votersRecord],
]

t.test('control records of the metadata log are those of Kafka', async t => {
  for (const [name, type, message] of kraft) {
    const { buffer, batches } = vector(name)
    const [json] = batches
    const [record] = [...readRecords(buffer)]
    t.equal(controlType(record.key), type, name)
    const version = json.records[0].control?.message?.version ?? -1
    const value = decodeMessage(message, version, record.value ?? Buffer.alloc(0))
    const built = buildControlBatch({
      records: [{ type, value: encodeMessage(message, version, value) }],
      timestampMs: Number(json.baseTimestamp),
      baseOffset: Number(json.baseOffset),
      partitionLeaderEpoch: json.partitionLeaderEpoch,
    })
    t.same(built, buffer, name)
  }
})

t.test('malformed keys and values', async t => {
  for (const key of [null, Buffer.alloc(0), Buffer.alloc(3), Buffer.from('ffff0000', 'hex')]) {
    t.throws(() => controlType(key), { code: Errors.INVALID_RECORD })
  }
  t.equal(controlType(Buffer.from('00000063', 'hex')), 99, 'a type of a newer version')
  t.equal(controlType(Buffer.from('0001000100', 'hex')), 1, 'a longer key of a newer version')
  for (const value of [null, Buffer.alloc(5), Buffer.from('ffff00000001', 'hex')]) {
    t.throws(() => markerCoordinatorEpoch(value), { code: Errors.INVALID_RECORD })
  }
  t.equal(markerCoordinatorEpoch(markerValue(17)), 17)
  t.same(controlKey(ControlType.KRAFT_VOTERS), Buffer.from('00000006', 'hex'))
})
