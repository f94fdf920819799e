#!/usr/bin/env bash
# Resolves Apache Kafka's jars from Maven Central into a cache folder and prints that folder.
# KAFKA_VERSION (default 4.3.1) and OTTLA_KAFKA_LIBS (the folder) choose otherwise.
set -euo pipefail
here="$(cd "$(dirname "$0")" && pwd)"
version="${KAFKA_VERSION:-4.3.1}"
libs="${OTTLA_KAFKA_LIBS:-$here/../../.cache/kafka/libs}"
mkdir -p "$libs"
libs="$(cd "$libs" && pwd)"
if [ -f "$libs/.complete-$version" ]; then
  echo "$libs"
  exit 0
fi
command -v mvn >/dev/null || { echo 'mvn not found' >&2; exit 3; }
mvn -B -q -f "$here/pom.xml" -Dkafka.version="$version" dependency:copy-dependencies \
  -DoutputDirectory="$libs" -DincludeScope=runtime >&2
ls "$libs"/kafka-clients-"$version".jar >/dev/null
touch "$libs/.complete-$version"
echo "$libs"
