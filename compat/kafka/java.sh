#!/usr/bin/env bash
# Runs a class of Apache Kafka, with its arguments, in the foreground: java.sh CLASS ARGUMENT ...
# OTTLA_KAFKA_LIBS: folder of jars (default: fetched by fetch.sh); OTTLA_KAFKA_HEAP: default 512m;
# OTTLA_KAFKA_JVM: further flags of the JVM, default -XX:+UseSerialGC.
set -euo pipefail
here="$(cd "$(dirname "$0")" && pwd)"
libs="$("$here/fetch.sh")"
# shellcheck disable=SC2206
jvm=(${OTTLA_KAFKA_JVM:--XX:+UseSerialGC})
exec java -Xmx"${OTTLA_KAFKA_HEAP:-512m}" -Xms128m "${jvm[@]}" -cp "$libs/*" \
  "-Dlog4j2.configurationFile=$here/log4j2.properties" "$@"
