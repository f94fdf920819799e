/** `ottla transaction ...` */
import { Noun, type Run } from '../shell/noun.ts'
import { abortTransaction } from './abort.ts'
import { describeTheTransaction } from './describe.ts'
import { findHanging } from './find-hanging.ts'
import { listOfTransactions } from './list.ts'
import { listProducers } from './producers.ts'

export function transactionNoun(run: Run): Noun {
  const transaction = new Noun('transaction', 'look at transactions, find hanging ones, end them', run)
  transaction
    .verb('list', 'transactional ids with their state')
    .alias('ls')
    .option('--state <state>', 'only those: Ongoing, Empty, CompleteCommit ...')
    .option('--longer-than <time>', 'only those that have been running for longer')
    .examples('ottla transaction list --state Ongoing', 'ottla transaction list --longer-than 10m')
    .act(listOfTransactions)
  transaction
    .verb('describe', 'state, producer and partitions of transactional ids')
    .argument('<transactional-id...>', 'the ids')
    .act(describeTheTransaction)
  transaction
    .verb('producers', 'who produces to partitions, and who has a transaction open there')
    .alias('describe-producers')
    .argument('<topic[:partition]...>', 'where')
    .act(listProducers)
  transaction
    .verb(
      'find-hanging',
      'transactions that are open in a partition and that no coordinator will end; exits with 10 if there are any',
    )
    .argument('[topic[:partition]...]', 'where (default: everywhere)')
    .option('--older-than <time>', 'without a record for so long', '15m')
    .act(findHanging)
  transaction
    .verb('abort', 'end a transaction: of an id, or one that hangs in a partition')
    .argument('[transactional-id]', 'whose producer is fenced off')
    .option('--partition <topic:partition>', 'where a transaction hangs')
    .option('--start-offset <offset>', 'the first offset of the hanging one, as find-hanging shows it')
    .option('-y, --yes', 'do not ask')
    .examples('ottla transaction abort payments-7', 'ottla transaction abort --partition orders:3 --start-offset 1200')
    .act(abortTransaction)
  return transaction
}
