#!/bin/sh
# What the wall costs: ratios of Redoubt to bare Linux (and of gVisor's runsc where it is installed), measured in interleaved
# rounds. Prints Markdown; also target/overhead.md and target/overhead.json in this folder.
#   jmh-benchmarks/overhead.sh [--rounds N] [--only WORD,...] [--runtimes bare,redoubt,runsc] [--no-jmh] [--readme]
# Needs gcc and Python 3. The machine should be otherwise idle. About 10 minutes.
set -eu
here=$(cd "$(dirname "$(readlink -f "$0")")" && pwd)
command -v python3 >/dev/null || {
  echo "overhead: needs python3; install it with: apt-get install python3" >&2
  exit 1
}
mkdir -p "$here/target"
for program in micro notify-floor; do
  if [ ! -e "$here/target/$program" ] || [ "$here/src/main/c/$program.c" -nt "$here/target/$program" ]; then
    gcc -O2 -Wall -Wextra -Werror -static -pthread -o "$here/target/$program" "$here/src/main/c/$program.c"
  fi
done
exec python3 "$here/overhead.py" "$@"
