# Shared by ./redoubt and ./test, read with `.` from the root of the tree: finds or installs the tools, and builds with progress.
# Everything goes to standard error: standard output is the guest's.

say() { printf 'redoubt: %s\n' "$*" >&2; }
die() {
  say "$@"
  exit 1
}

# Prints the major version of the JDK in $1, or nothing if it is none.
jdk_version() {
  [ -x "$1/bin/javac" ] && [ -r "$1/release" ] || return 0
  sed -n 's/^JAVA_VERSION="\([0-9]*\).*/\1/p' "$1/release"
}

# Sets and exports JAVA_HOME to a JDK of at least 25; fails if there is none.
find_jdk() {
  on_path=$(command -v javac 2>/dev/null) && on_path=$(dirname "$(dirname "$(readlink -f "$on_path")")")
  for candidate in "${JAVA_HOME:-}" "$on_path" /usr/lib/jvm/*25* /usr/lib/jvm/*; do
    [ -n "$candidate" ] || continue
    version=$(jdk_version "$candidate")
    if [ "${version:-0}" -ge 25 ]; then
      export JAVA_HOME="$candidate"
      return 0
    fi
  done
  return 1
}

# apt_install PACKAGE...: 0 if all are installed now. Says nothing when it may not try.
apt_updated=
apt_install() {
  [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1 || return 1
  if [ -z "$apt_updated" ]; then
    say "apt-get update"
    apt-get update -qq >"$log.apt" 2>&1 </dev/null || true
    apt_updated=1
  fi
  say "apt-get install $*"
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >>"$log.apt" 2>&1 </dev/null
}

# What the build needs, installed where that is possible; otherwise one line that says what to install.
need_tools() {
  packages=
  hint=
  for pair in mvn:maven gcc:gcc make:make flock:util-linux; do
    command -v "${pair%%:*}" >/dev/null 2>&1 || packages="$packages ${pair#*:}"
  done
  [ -e /usr/include/stdio.h ] && [ -e /usr/include/linux/seccomp.h ] || packages="$packages libc6-dev linux-libc-dev"
  if [ -n "$packages" ] && ! apt_install $packages; then
    die "missing:$packages; install them with 'apt-get install$packages' as root, or the same from your system's packages"
  fi
  find_jdk && return 0
  if apt_install openjdk-25-jdk-headless && find_jdk; then
    return 0
  fi
  die "no JDK 25: install openjdk-25-jdk-headless (Debian 13 and newer) or any other JDK 25 (such as temurin-25-jdk), under /usr/lib/jvm or named by JAVA_HOME"
}

# watch PID LOG: shows how far Maven has come until PID ends, and returns its exit code.
# On a terminal one line that is rewritten; elsewhere one line a module and a test class.
watch() {
  watched=$1
  begun=$(date +%s)
  seen=0
  while kill -0 "$watched" 2>/dev/null; do
    sleep 0.2
    if [ -t 2 ]; then
      step=$(sed -n -e 's/^\[INFO\] Building \([^ ]*\) .*\[\(.*\)\]$/\1 (\2)/p' -e 's/^\[INFO\] Running \(.*\.\)*/test /p' "$2" | tail -n 1)
      printf '\r\033[Kredoubt: %s %s %ss' "$3" "$step" $(($(date +%s) - begun)) >&2
    fi
    lines=$(wc -l <"$2")
    if [ "$lines" -gt "$seen" ]; then
      if [ -t 2 ]; then
        shown=$(sed -n "$((seen + 1)),${lines}p" "$2" | sed -n -f "$build/results.sed")
        [ -z "$shown" ] || printf '\r\033[K%s\n' "$shown" >&2
      else
        sed -n "$((seen + 1)),${lines}p" "$2" | sed -n -f "$build/results.sed" -f "$build/modules.sed" >&2
      fi
      seen=$lines
    fi
  done
  [ ! -t 2 ] || printf '\r\033[K' >&2
  wait "$watched"
}

# maven LABEL LOG ARGUMENT...: runs Maven under watch.
maven() {
  label=$1
  maven_log=$2
  shift 2
  : >"$maven_log"
  MAVEN_OPTS="${MAVEN_OPTS:-} --sun-misc-unsafe-memory-access=allow --enable-native-access=ALL-UNNAMED" \
    mvn -B -ntp -Dstyle.color=never "$@" >"$maven_log" 2>&1 </dev/null 9<&- &
  maven_pid=$!
  trap 'kill "$maven_pid" 2>/dev/null; exit 130' INT TERM HUP
  code=0
  watch "$maven_pid" "$maven_log" "$label" || code=$?
  trap - INT TERM HUP
  return "$code"
}

# Of a failed build: the first errors Maven names, without its advice, and where the rest is.
show_failure() {
  grep -E '^\[ERROR\]|^\[WARNING\].*\.java:\[|^redoubt: |: (fatal )?error: |undefined reference' "$1" | grep -vE '\[Help|-e switch|-X switch|re-run Maven|For more information|After correcting|mvn <args>|^\[ERROR\] *$|^\[ERROR\]   location:' |
    awk '!known[$0]++' | head -n 20 >&2
  die "the build failed; all of it is in $1"
}

# True if a source that goes into the distribution is newer than the last build of it. Folders count: a file was deleted.
is_stale() {
  [ ! -e "$stamp" ] || [ -n "$(find $sources -newer "$stamp" -print -quit)" ]
}

# Builds the distribution if it is stale; one invocation at a time, the others wait and then find it built.
build_distribution() {
  [ -w . ] || die "the sources are newer than the build and $root is not writable: build it once as its owner"
  mkdir -p launcher/target
  need_tools
  exec 9<pom.xml
  flock -n 9 || {
    say "waiting for another build"
    flock 9
  }
  if is_stale; then
    : >launcher/target/started
    # A jar of a version that is no longer asked for would stay on the class path.
    if [ ! -e "$stamp" ] || [ -n "$(find pom.xml */pom.xml -newer "$stamp" -print -quit)" ]; then
      rm -rf launcher/target/dist/lib
    fi
    say "building (the first time takes a minute or two)"
    maven building "$log" package -pl launcher -am -Dmaven.test.skip=true || show_failure "$log"
    mv launcher/target/started "$stamp"
    grep '^redoubt: ' "$log" >&2 || true
  fi
  exec 9<&-
}
