#!/bin/sh
# ./redoubt bench: builds the overhead harness, and all that it measures, when sources are newer than the build, and runs it.
set -eu
root=$(cd "$(dirname "$(readlink -f "$0")")/.." && pwd)
build=$root/launcher/src/build
log=$root/jmh-benchmarks/target/build.log
stamp=$root/jmh-benchmarks/target/stamp
sources="pom.xml .mvn launcher/src/build seccomp-profiles/pom.xml gofer-io/pom.xml sentry/pom.xml launcher/pom.xml jmh-benchmarks/pom.xml
  seccomp-profiles/src/main gofer-io/src/main sentry/src/main launcher/src/main jmh-benchmarks/src/main"
. "$build/setup.sh"

build_harness() {
  [ -w . ] || die "the sources are newer than the build and $root is not writable: build it once as its owner"
  mkdir -p jmh-benchmarks/target launcher/target
  need_tools
  exec 9<pom.xml
  flock -n 9 || {
    say "waiting for another build"
    flock 9
  }
  if is_stale; then
    : >jmh-benchmarks/target/started
    # A jar of a version that is no longer asked for would stay on the class path.
    rm -rf jmh-benchmarks/target/lib
    say "building the harness (the first time takes a minute or two)"
    maven building "$log" package -pl jmh-benchmarks -am -Dmaven.test.skip=true || show_failure "$log"
    # The same build has made the distribution.
    touch -r jmh-benchmarks/target/started launcher/target/dist/stamp
    mv jmh-benchmarks/target/started "$stamp"
  fi
  exec 9<&-
}

if (cd "$root" && is_stale); then
  (cd "$root" && build_harness)
fi
find_jdk || die "no JDK 25: run ./redoubt do -- true once, which finds or installs one"

access="--enable-native-access=ALL-UNNAMED --sun-misc-unsafe-memory-access=allow --add-opens=java.base/jdk.internal.misc=ALL-UNNAMED"
terminal=false
[ ! -t 2 ] || terminal=true
set -- "$JAVA_HOME/bin/java" $access -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -cp "$root/jmh-benchmarks/target/lib/*" \
  "-Dredoubt.root=$root" "-Dredoubt.bench.terminal=$terminal" \
  "-Dredoubt.jmh.jvm=$access -XX:+UseSerialGC -XX:+UseCompactObjectHeaders" io.redoubt.overhead.Bench "$@"
# Mounts that the harness makes are in a namespace of its own, and go with its last process.
if [ "$(id -u)" = 0 ] && unshare --mount true 2>/dev/null; then
  set -- unshare --mount --propagation private -- "$@"
fi
exec "$@"
