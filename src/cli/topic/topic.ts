/** `ottla topic ...` */
import { Noun, type Run } from '../shell/noun.ts'
import { alterTopics } from './alter.ts'
import { createTopic } from './create.ts'
import { deleteTopics } from './delete.ts'
import { describeTopics } from './describe.ts'
import { listOfTopics } from './list.ts'
import { trimTopics } from './trim.ts'

export function topicNoun(run: Run): Noun {
  const topic = new Noun('topic', 'list, describe, create, alter and delete topics', run)
  topic
    .verb('list', 'names of topics, with their partitions')
    .alias('ls')
    .option('--internal', 'also those that the cluster keeps for itself')
    .option('--match <regexp>', 'only names that match')
    .examples('ottla topic list', "ottla topic list --match '^orders' --json | jq -r '.topics[].name'")
    .act(listOfTopics)
  topic
    .verb('describe', 'partitions, replicas, offsets, and settings that are not the default')
    .argument('<topic...>', 'their names')
    .option('--under-replicated', 'only partitions with replicas that are not in sync')
    .option('--unavailable', 'only partitions without a leader')
    .option('--no-offsets', 'do not ask where partitions begin and end')
    .examples('ottla topic describe orders', 'ottla topic describe orders --under-replicated')
    .act(describeTopics)
  topic
    .verb('create', 'make topics')
    .argument('<topic...>', 'their names')
    .option('-p, --partitions <n>', 'how many (default: as the cluster is set up)')
    .option('-r, --replication-factor <n>', 'copies of each (default: as the cluster is set up)')
    .repeated('-c, --config <name=value>', 'a setting; may be repeated')
    .option('--assignment <list>', 'brokers of each partition instead: 1:2,2:3 are two partitions on two brokers each')
    .option('--if-not-exists', 'no failure if it is there already')
    .option('--dry-run', 'only check whether it could be done')
    .hidden('--replica-assignment <list>')
    .examples('ottla topic create orders -p 6 -r 3', 'ottla topic create state -c cleanup.policy=compact')
    .act(createTopic)
  topic
    .verb('alter', 'add partitions, change settings')
    .argument('<topic...>', 'their names')
    .option('-p, --partitions <n>', 'how many there shall be in all: more than now')
    .option('--assignment <list>', 'brokers of the new partitions: 1:2,2:3')
    .repeated('-c, --config <name=value>', 'a setting; may be repeated')
    .repeated('--unset <name>', 'a setting to be as the cluster has it; may be repeated')
    .option('--dry-run', 'only check whether it could be done')
    .option('-y, --yes', 'do not ask')
    .examples(
      'ottla topic alter orders -p 12',
      'ottla topic alter orders -c retention.ms=86400000 --unset max.message.bytes',
    )
    .act(alterTopics)
  topic
    .verb('delete', 'remove topics and all their records')
    .alias('rm')
    .argument('<topic...>', 'their names')
    .option('--if-exists', 'no failure if there is none')
    .option('-y, --yes', 'do not ask')
    .examples('ottla topic delete orders', 'ottla topic delete orders payments --yes')
    .act(deleteTopics)
  topic
    .verb('trim', 'delete the records before an offset (delete-records)')
    .alias('delete-records')
    .argument('[topic[:partition]...]', 'a topic, or one of its partitions')
    .option('--before <place>', 'an offset, latest for all there are, or a time: 2026-01-31T12:00, 7d (before now)')
    .option('--from-file <file>', 'offsets in Kafka\'s JSON: {"partitions":[{"topic":...,"partition":0,"offset":10}]}')
    .option('-y, --yes', 'do not ask')
    .hidden('--offset-json-file <file>')
    .examples('ottla topic trim orders:0 --before 1200', 'ottla topic trim orders --before 7d')
    .act(trimTopics)
  return topic
}
