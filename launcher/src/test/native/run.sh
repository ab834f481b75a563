#!/bin/sh
# Builds front and stub into a folder that everybody can read and tests them. Usage: REDOUBT_JDK=DIR run.sh [root|user] [TEST...]
# As root, "user" runs the tests as uid 1000.
set -eu
who=$1
shift
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/main" "$work/test"
cp -r "$here" "$work/test/native"
cp -r "$here/../../main/native" "$work/main/native"
make -s -C "$work/main/native" OUT="$work/bin" JDK="$REDOUBT_JDK"
mkdir "$work/etc" # a build tree: REDOUBT_JAVA may name another program
: >"$work/etc/development"
chmod -R a+rX "$work"
cd "$work/test/native"
if [ "$who" = user ] && [ "$(id -u)" = 0 ]; then
  PATH=/usr/sbin:/usr/bin:/sbin:/bin setpriv --reuid=1000 --regid=1000 --clear-groups \
    python3 front_test.py "$work/bin" "$@"
else
  python3 front_test.py "$work/bin" "$@"
fi
