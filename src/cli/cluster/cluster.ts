/** `ottla cluster ...` */
import { Noun, type Run } from '../shell/noun.ts'
import { describeTheCluster, listBrokers } from './brokers.ts'
import { electTheLeaders, unregisterTheBroker } from './elect.ts'
import { listApis, listFeatures, setFeatures } from './features.ts'
import { listLogDirectories } from './log-dirs.ts'
import { describeTheQuorum } from './quorum.ts'
import { cancelReassignments, executePlan, listReassignments, makePlan, verifyPlan } from './reassign.ts'

export function clusterNoun(run: Run): Noun {
  const cluster = new Noun('cluster', 'brokers, quorum, features, log directories, reassignments, elections', run)
  cluster.verb('describe', 'the cluster in a few lines').act(describeTheCluster)
  cluster.verb('brokers', 'brokers with their addresses and load').act(listBrokers)
  cluster.verb('features', 'features with their levels').act(listFeatures)
  cluster
    .verb('set-feature', 'change levels of features')
    .argument('<feature=level...>', 'such as group.version=1; level 0 takes a feature away')
    .option('--downgrade', 'lower levels, where nothing is lost')
    .option('--unsafe-downgrade', 'lower levels, whatever is lost')
    .option('--dry-run', 'only check whether it could be done')
    .option('-y, --yes', 'do not ask')
    .act(setFeatures)
  cluster
    .verb('apis', 'which versions of which APIs a broker speaks')
    .argument('[broker]', 'its id (default: any of them)')
    .act(listApis)
  cluster.verb('quorum', 'who leads the metadata, who votes, who is behind').act(describeTheQuorum)
  cluster
    .verb('log-dirs', 'log directories with their sizes')
    .argument('[broker...]', 'ids (default: all)')
    .repeated('-t, --topic <topic>', 'the replicas of these topics, instead of sums')
    .option('--replicas', 'every replica, instead of sums')
    .act(listLogDirectories)
  reassignNoun(cluster)
  cluster
    .verb('elect', 'have preferred replicas lead again')
    .argument('[topic[:partition]...]', 'where (default: everywhere)')
    .option('--unclean', 'replicas that are not in sync may lead: records may be lost')
    .option('-y, --yes', 'do not ask')
    .examples('ottla cluster elect', 'ottla cluster elect orders:0 --unclean')
    .act(electTheLeaders)
  cluster
    .verb('unregister', 'have the cluster forget a broker that is gone for good')
    .argument('<broker>', 'its id')
    .option('-y, --yes', 'do not ask')
    .act(unregisterTheBroker)
  return cluster
}

function reassignNoun(cluster: Noun): void {
  const reassign = cluster.noun('reassign', 'move replicas from broker to broker')
  reassign
    .verb('plan', "print an even spread with few moves, in Kafka's JSON")
    .argument('<topic...>', 'their names')
    .option('--brokers <ids>', 'where to: 1,2,3 or 1-3 (default: all that are up)')
    .option('-r, --replication-factor <n>', 'copies of each partition (default: as many as now)')
    .examples('ottla cluster reassign plan orders --brokers 1-4 > plan.json')
    .act(makePlan)
  reassign
    .verb('execute', 'begin to move')
    .argument('<file>', 'a plan; - is standard input')
    .option('-y, --yes', 'do not ask')
    .option('--wait', 'until all is where it shall be')
    .act(executePlan)
  reassign
    .verb('verify', 'exit with 10 as long as something is not where the plan has it')
    .argument('<file>', 'the plan')
    .act(verifyPlan)
  reassign
    .verb('cancel', 'leave replicas where they were')
    .argument('[file]', 'a plan (default: all that is under way)')
    .option('-y, --yes', 'do not ask')
    .act(cancelReassignments)
  reassign.verb('list', 'what is under way').alias('ls').act(listReassignments)
}
