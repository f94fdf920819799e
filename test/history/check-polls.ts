/** What consumers were given, and in which order. */

import type { Report } from './anomaly.ts'
import { short } from './check-log.ts'
import { type Operation, ofKind } from './history.ts'
import { mayBeRead, type Writes } from './writes.ts'

interface Last {
  readonly offset: number
  readonly operation: Operation
}

export function checkPolls(operations: readonly Operation[], writes: Writes, report: Report): void {
  for (const poll of ofKind(operations, 'poll')) contents(poll, writes, report)
  /** Of each consumer, the last record of each partition. */
  const consumers = new Map<string, Map<string, Last>>()
  const stateOf = (consumer: string) => {
    let state = consumers.get(consumer)
    if (!state) {
      state = new Map()
      consumers.set(consumer, state)
    }
    return state
  }
  for (const operation of operations) {
    if (is(operation, 'poll')) {
      const state = stateOf(operation.call.consumer)
      // What it was given is not known: from here it may go on anywhere.
      if (operation.outcome !== 'ok') state.clear()
      else advance(operation, state, writes, report)
    } else if (is(operation, 'assign')) {
      keep(stateOf(operation.call.consumer), operation.call.sought ? [] : operation.call.partitions)
    } else if (is(operation, 'assignment')) {
      keep(stateOf(operation.call.consumer), operation.call.kept ?? [])
    }
  }
}

function is<K extends Operation['kind']>(operation: Operation, kind: K): operation is Operation<K> {
  return operation.kind === kind
}

function keep(state: Map<string, Last>, partitions: readonly string[]): void {
  for (const partition of [...state.keys()]) if (!partitions.includes(partition)) state.delete(partition)
}

function contents(poll: Operation<'poll'>, writes: Writes, report: Report): void {
  const { isolation, transaction } = poll.call
  for (const [partition, records] of Object.entries(poll.result?.records ?? {})) {
    for (const [offset, value] of records) {
      const place = `${short(value)} at ${partition}@${offset}`
      const write = writes.find(partition, value)
      if (!write) {
        report('unwritten-read', place, poll)
        continue
      }
      const { operation } = write
      if (poll.outcome !== 'ok') continue
      if (!mayBeRead(writes.fate(write), write, isolation)) report('aborted-read', place, poll, operation)
      if (transaction !== undefined && operation.call.transaction === transaction && isolation === 'read_committed') {
        report('precommitted-read', place, poll, operation)
      }
    }
  }
}

function advance(poll: Operation<'poll'>, state: Map<string, Last>, writes: Writes, report: Report): void {
  for (const [partition, records] of Object.entries(poll.result!.records)) {
    const log = writes.log(partition)
    let last = state.get(partition)
    for (const [offset] of records) {
      if (last) {
        const inside = last.operation === poll
        const where = `${poll.call.consumer} of ${partition}: ${last.offset}, then ${offset}`
        const left = log.skipped(last.offset, offset)
        if (offset <= last.offset) {
          report(inside ? 'int-nonmonotonic-poll' : 'nonmonotonic-poll', where, last.operation, poll)
        } else if (left.length > 0) {
          const what = `${where} without ${left[0]}${left.length > 1 ? ` and ${left.length - 1} more` : ''}`
          report(inside ? 'int-poll-skip' : 'poll-skip', what, last.operation, poll)
        }
      }
      last = { offset, operation: poll }
    }
    if (last) state.set(partition, last)
  }
}
