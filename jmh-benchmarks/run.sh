#!/bin/sh
# Runs the JMH benchmarks and prints a table; results also as JSON in jmh-benchmarks/target/jmh.json.
#   jmh-benchmarks/run.sh [PATTERN...] [JMH OPTIONS]     e.g. run.sh Ring, run.sh -f 3 Downcall; -h lists JMH's options
set -eu
root=$(cd "$(dirname "$(readlink -f "$0")")/.." && pwd)
build=$root/launcher/src/build
log=$root/jmh-benchmarks/target/build.log
mkdir -p "$root/jmh-benchmarks/target"
cd "$root"
. "$build/setup.sh"
need_tools
stamp=$root/jmh-benchmarks/target/stamp
sources="pom.xml jmh-benchmarks/pom.xml jmh-benchmarks/src launcher/src/main/java sentry/src/main gofer-io/src/main seccomp-profiles/src/main"
if is_stale; then
  say "building the benchmarks"
  maven building "$log" package -pl jmh-benchmarks -am -Dmaven.test.skip=true || show_failure "$log"
  touch "$stamp"
fi
access="--enable-native-access=ALL-UNNAMED --sun-misc-unsafe-memory-access=allow --add-opens=java.base/jdk.internal.misc=ALL-UNNAMED"
cd jmh-benchmarks/target
exec "$JAVA_HOME/bin/java" $access -cp 'lib/*' io.redoubt.benchmarks.Main "$@" \
  -jvmArgs "$access -XX:+UseSerialGC -XX:+UseCompactObjectHeaders"
