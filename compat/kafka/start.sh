#!/usr/bin/env bash
# Starts a single-node Apache Kafka (KRaft, combined roles) in the foreground: start.sh PORT DATA_DIR [key=value ...]
# Further arguments are settings. The controller listens on PORT+1. Stop it with SIGTERM.
# The variables of java.sh choose jars, heap and flags of the JVM.
set -euo pipefail
here="$(cd "$(dirname "$0")" && pwd)"
port="${1:?port}"
data="${2:?data directory}"
shift 2
mkdir -p "$data"
data="$(cd "$data" && pwd)"
conf="$data/server.properties"
cat >"$conf" <<EOF
process.roles=broker,controller
node.id=1
controller.quorum.bootstrap.servers=127.0.0.1:$((port + 1))
listeners=PLAINTEXT://127.0.0.1:$port,CONTROLLER://127.0.0.1:$((port + 1))
advertised.listeners=PLAINTEXT://127.0.0.1:$port,CONTROLLER://127.0.0.1:$((port + 1))
inter.broker.listener.name=PLAINTEXT
controller.listener.names=CONTROLLER
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs=$data/log
offsets.topic.replication.factor=1
offsets.topic.num.partitions=8
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
share.coordinator.state.topic.num.partitions=4
group.initial.rebalance.delay.ms=0
group.consumer.min.heartbeat.interval.ms=100
EOF
for setting in "$@"; do echo "$setting" >>"$conf"; done
if [ ! -f "$data/log/meta.properties" ]; then
  id="${OTTLA_KAFKA_CLUSTER_ID:-MkU3OEVBNTcwNTJENDM2Qg}"
  OTTLA_KAFKA_HEAP=128m "$here/java.sh" kafka.tools.StorageTool format -t "$id" -c "$conf" --standalone >&2
fi
exec "$here/java.sh" kafka.Kafka "$conf"
