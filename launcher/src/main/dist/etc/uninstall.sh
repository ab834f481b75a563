#!/bin/sh
# Removes an installation: redoubt uninstall [--prefix P]. Without a prefix the one that this file belongs to.
set -eu
home=$(cd "$(dirname "$(readlink -f "$0")")/.." && pwd)
say() { printf 'redoubt: %s\n' "$*" >&2; }
while [ $# -gt 0 ]; do
  case $1 in
    --prefix)
      [ $# -gt 1 ] || { say "--prefix needs a folder"; exit 1; }
      home=$2/lib/redoubt
      shift
      ;;
    --prefix=*) home=${1#*=}/lib/redoubt ;;
    -h | --help)
      echo 'Usage: redoubt uninstall [--prefix P]'
      exit 0
      ;;
    *)
      say "uninstall: unknown option: $1"
      exit 1
      ;;
  esac
  shift
done
[ -e "$home/etc/installed" ] || {
  say "no installation at $home; which one is it? redoubt uninstall --prefix P removes P/lib/redoubt and P/bin/redoubt"
  exit 1
}
home=$(cd "$home" && pwd)
prefix=${home%/lib/redoubt}
# Folders that the installation made, innermost first, go when nothing else is in them.
made=$(cat "$home/etc/installed")
link=$(readlink "$prefix/bin/redoubt" 2>/dev/null) || link=
[ "$link" != ../lib/redoubt/bin/redoubt-front ] || rm -f "$prefix/bin/redoubt"
rm -rf "$home"
printf '%s\n' "$made" | while IFS= read -r folder; do
  [ -z "$folder" ] || rmdir "$folder" 2>/dev/null || true
done
