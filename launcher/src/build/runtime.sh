#!/bin/sh
# Links the smallest JDK runtime that runs sentry and gofer into DIST/runtime. Usage: runtime.sh JAVA_HOME DIST
# Does nothing when the one that is there came from the same JDK and the same options.
set -eu
jdk=$1
dist=$2
modules=java.base,jdk.unsupported
forms=$(dirname "$0")/lambda-forms.txt
stamp="$(cat "$jdk/release") $modules $(cat "$0" "$forms" | cksum)"
if [ -x "$dist/runtime/bin/java" ] && [ "$(cat "$dist/runtime/stamp" 2>/dev/null)" = "$stamp" ]; then
  exit 0
fi
new=$dist/runtime.new
log=$dist/jlink.log
rm -rf "$new" "$dist/runtime" "$dist/aot"
mkdir -p "$dist"
if "$jdk/bin/jlink" --add-modules "$modules" --vm server --strip-debug --no-man-pages --no-header-files \
  --output "$new" >"$log" 2>&1; then
  # Shapes of method handles that java.lang.foreign makes at its first memory access, and that no archive would hold: without them
  # each JVM writes and loads a class for every one, 20 ms in all. What -Djava.lang.invoke.MethodHandle.TRACE_RESOLVE=true says "fail" of.
  cat "$forms" >>"$new/lib/classlist"
  # The default archive of the JDK's own classes, for the runs without an AOT cache: training, and a machine that cannot train.
  "$new/bin/java" -XX:+UseSerialGC -XX:+UseCompactObjectHeaders -Xshare:dump >>"$log" 2>&1 ||
    echo "redoubt: no default class archive, starts will be slower: see $log" >&2
else
  # A JDK that cannot link itself (no jmods and files that were changed since it was packaged) serves as it is.
  echo "redoubt: jlink failed, using $jdk as it is (bigger and slower to start); see $log" >&2
  rm -rf "$new"
  mkdir -p "$new"
  for part in bin conf lib release; do
    ln -s "$jdk/$part" "$new/$part"
  done
fi
printf '%s\n' "$stamp" >"$new/stamp"
mv "$new" "$dist/runtime"
