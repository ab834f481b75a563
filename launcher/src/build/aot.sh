#!/bin/sh
# Makes the ahead-of-time caches DIST/aot/{sentry,gofer}.aot: loaded and linked classes, and method profiles, of one sandbox
# that runs train-guest.sh; and DIST/aot/*.bpf, the filters. Usage: aot.sh DIST
#
# Records and assembles in two steps, because the JVM writes a record when it exits by itself, and the front kills its JVMs:
# REDOUBT_JAVA makes the front start this script in their place (second half below), so that it is the script that is killed
# while the JVM behind it sees its sockets close, leaves by itself, and writes.
set -eu

if [ -n "${REDOUBT_TRAIN:-}" ]; then
  # In place of java. The command line is kept for the second step: a cache is only valid for the same flags and class path.
  for argument; do
    case $argument in
      io.redoubt.launcher.Main) name=sentry ;;
      io.redoubt.gofer.GoferMain) name=gofer ;;
    esac
  done
  printf '%s\n' "$@" >"$REDOUBT_TRAIN/$name.args"
  (
    set -- "-Dredoubt.train=$REDOUBT_TRAIN/bundle" "$@"
    "$REDOUBT_TRAIN/../bin/redoubt-jvm" -XX:AOTMode=record "-XX:AOTConfiguration=$REDOUBT_TRAIN/$name.record" \
      "-XX:SharedBaseAddress=$REDOUBT_TRAIN_BASE" "$@" \
      >"$REDOUBT_TRAIN/$name.log" || true
    touch "$REDOUBT_TRAIN/$name.done"
  ) &
  wait
  exit 0
fi

dist=$(cd "$1" && pwd)
here=$(cd "$(dirname "$0")" && pwd)
out=$dist/aot
java=$dist/runtime/bin/java

if [ ! -x "$dist/bin/redoubt-front" ]; then
  exit 0
fi
if [ -e "$out/stamp" ] &&
  [ -z "$(find "$dist/lib" "$dist/etc" "$dist/bin" "$dist/runtime/stamp" "$here" -newer "$out/stamp" -print -quit)" ]; then
  exit 0
fi

warn() {
  echo "redoubt: no ahead-of-time cache, sandboxes will start slower: $1" >&2
  rm -rf "$out/bundle"
  touch "$out/stamp"
  exit 0
}

rm -rf "$out"
mkdir -p "$out"
chmod 755 "$out"
# What io.redoubt.launcher.Training reads.
mkdir "$out/bundle"
cp "$here/train-config.json" "$out/bundle/config.json"
cp "$here/train-process.json" "$out/bundle/process.json"
mkdir "$out/bundle/bound"
# Not a JVM's cache, but of the same kind: the filters, compiled.
"$java" -cp "$dist/lib/*" io.redoubt.seccomp.WriteProgram "$out" guest sentry sentry-net-raw sentry-host-network gofer ||
  warn "the filters could not be compiled"

# The address that the caches are mapped at: one for each build, so that nobody who attacks a sandbox knows it.
base=$((32 + $(od -An -N2 -tu2 /dev/urandom)))g

# The script goes in as an argument, and from the root: this folder may be out of the guest's reach.
(
  cd /
  REDOUBT_TRAIN=$out REDOUBT_TRAIN_BASE=$base REDOUBT_JAVA=$here/aot.sh timeout -k 5 120 \
    "$dist/bin/redoubt-front" do --bind "$out/bundle/bound:/tmp/bound" -- /bin/sh -c "$(cat "$here/train-guest.sh")" >"$out/guest.log" 2>&1 </dev/null
) ||
  warn "the training sandbox failed, see $out/guest.log"

# The JVMs write their records after the front has gone.
tries=0
while [ ! -e "$out/sentry.done" ] || [ ! -e "$out/gofer.done" ]; do
  tries=$((tries + 1))
  [ "$tries" -le 200 ] || warn "a JVM of the training run did not end, see $out/guest.log"
  sleep 0.1
done

for name in sentry gofer; do
  [ -s "$out/$name.record" ] || warn "the training run left no record of the $name, see $out/guest.log"
  # Flags up to the class path, as the front gave them; one argument a line.
  set --
  previous=
  while IFS= read -r argument; do
    case $argument in -XX:AOTCache=*) continue ;; esac
    set -- "$@" "$argument"
    [ "$previous" != -cp ] || break
    previous=$argument
  done <"$out/$name.args"
  "$java" -XX:AOTMode=create "-XX:AOTConfiguration=$out/$name.record" "-XX:AOTCache=$out/$name.aot" "$@" \
    >"$out/$name.log" 2>&1 || warn "the cache could not be assembled, see $out/$name.log"
  rm -f "$out/$name.record" "$out/$name.done"
done
rm -rf "$out/bundle"
touch "$out/stamp"
