/** `ottla group ...` */
import { Noun, type Run } from '../shell/noun.ts'
import { deleteGroupOffsets, deleteGroups } from './delete.ts'
import { describeGroups } from './describe.ts'
import { listOfGroups } from './list.ts'
import { resetGroup } from './reset.ts'

export function groupNoun(run: Run): Noun {
  const group = new Noun('group', 'look at groups of consumers, reset their offsets, delete them', run)
  group
    .verb('list', 'groups with their type and state')
    .alias('ls')
    .option('--state <state>', 'only those: Stable, Empty, PreparingRebalance ...')
    .option('--type <type>', 'only those: classic, consumer, share, streams')
    .examples('ottla group list', 'ottla group list --state Empty')
    .act(listOfGroups)
  group
    .verb('describe', 'members, committed offsets and lag')
    .argument('<group...>', 'their names')
    .option('--members', 'the members with what is assigned to them, instead of offsets')
    .examples('ottla group describe billing', "ottla group describe billing --json | jq '.groups[0].lag'")
    .act(describeGroups)
  group
    .verb('reset', 'set committed offsets; only shows what it would do, unless --execute is given')
    .alias('reset-offsets')
    .argument('<group>', 'its name; it must have no members')
    .repeated('-t, --topic <topic[:partition]>', 'where; may be repeated')
    .option('--all-topics', 'wherever the group has offsets')
    .option(
      '--to <place>',
      'earliest, latest, current, an offset, -N for the last N, or a time (2026-01-31T12:00, 2h ago as 2h)',
    )
    .option('--shift <n>', 'so many records on, or back with a minus sign')
    .option('--from-file <file>', 'offsets as --export prints them: topic,partition,offset')
    .option('--export', 'print the offsets as such a file')
    .option('--execute', 'do it')
    .option('--dry-run', 'only show it (default)')
    .option('-y, --yes', 'with --execute: do not ask')
    .hidden('--to-earliest')
    .hidden('--to-latest')
    .hidden('--to-current')
    .hidden('--to-offset <n>')
    .hidden('--to-datetime <time>')
    .hidden('--by-duration <duration>')
    .hidden('--shift-by <n>')
    .examples(
      'ottla group reset billing --topic orders --to earliest',
      'ottla group reset billing --all-topics --to 2026-01-31T12:00 --execute',
      'ottla group reset billing --topic orders:0 --shift -100 --execute --yes',
      'ottla group reset billing --all-topics --to current --export > offsets.csv',
    )
    .act(resetGroup)
  group
    .verb('delete', 'remove groups without members, and their offsets')
    .alias('rm')
    .argument('<group...>', 'their names')
    .option('-y, --yes', 'do not ask')
    .act(deleteGroups)
  group
    .verb('delete-offsets', 'remove committed offsets')
    .argument('<group>', 'its name')
    .repeated('-t, --topic <topic[:partition]>', 'where; may be repeated')
    .option('-y, --yes', 'do not ask')
    .examples('ottla group delete-offsets billing --topic old-orders')
    .act(deleteGroupOffsets)
  return group
}
