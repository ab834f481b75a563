#!/bin/sh
# install.sh DIST [--prefix P]: copies the built distribution to P/lib/redoubt, which needs nothing but the kernel, a C library and a shell, and
# makes P/bin/redoubt. What is there is replaced as a whole; containers that run keep what they have open.
set -eu
dist=$1
shift
say() { printf 'redoubt: %s\n' "$*" >&2; }
die() {
  say "$@"
  exit 1
}
prefix=/usr/local
[ "$(id -u)" = 0 ] || prefix=${HOME:-/nonexistent}/.local
while [ $# -gt 0 ]; do
  case $1 in
    --prefix)
      [ $# -gt 1 ] || die "--prefix needs a folder"
      prefix=$2
      shift
      ;;
    --prefix=*) prefix=${1#*=} ;;
    -h | --help)
      echo 'Usage: ./redoubt install [--prefix P]    P is /usr/local for root, ~/.local for others'
      exit 0
      ;;
    *) die "install: unknown option: $1" ;;
  esac
  shift
done
case $prefix in
  /*) ;;
  *) prefix=$PWD/$prefix ;;
esac
umask 022
home=$prefix/lib/redoubt
[ ! -e "$home" ] || [ -e "$home/etc/installed" ] || die "$home is there and is no installation of redoubt: move it away, or choose another --prefix"
link=$(readlink "$prefix/bin/redoubt" 2>/dev/null) || link=
if [ -e "$prefix/bin/redoubt" ] && [ "$link" != ../lib/redoubt/bin/redoubt-front ]; then
  die "$prefix/bin/redoubt is there and was not installed by this: move it away, or choose another --prefix"
fi

# What is made here is removed by uninstall if nothing else is in it by then.
made=
[ ! -e "$home/etc/installed" ] || made=$(cat "$home/etc/installed")
folder=$prefix
missing=
while [ ! -d "$folder" ]; do
  missing="$missing$folder
"
  folder=$(dirname "$folder")
done
for folder in "$prefix/bin" "$prefix/lib"; do
  [ -d "$folder" ] || made="$made
$folder"
done
made="$made
$missing"
mkdir -p "$prefix/bin" "$prefix/lib" || die "cannot make $prefix: choose another with --prefix"

new=$prefix/lib/redoubt.new
trap 'rm -rf "$new"' EXIT
rm -rf "$new" "$prefix/lib/redoubt.old"
mkdir "$new" || die "cannot write to $prefix/lib: choose another folder with --prefix, or install as root"
# The times of the jars are part of the start-up cache's key; links to a JDK are followed, so that none is needed.
for part in bin lib etc runtime aot; do
  [ ! -e "$dist/$part" ] || cp -RL --preserve=mode,timestamps "$dist/$part" "$new/$part"
done
rm -f "$new"/aot/*.log "$new"/aot/*.args "$new"/aot/stamp "$new"/runtime/stamp
# Without it no variable of an environment names another program: src/main/native/jvm.c.
rm -f "$new"/etc/development
printf '%s\n' "$made" >"$new/etc/installed"
chmod -R u+w,a+rX "$new"
[ ! -e "$home" ] || mv "$home" "$prefix/lib/redoubt.old"
mv "$new" "$home"
rm -rf "$prefix/lib/redoubt.old"
ln -sfn ../lib/redoubt/bin/redoubt-front "$prefix/bin/redoubt"
say "installed: $prefix/bin/redoubt; check this machine with: $prefix/bin/redoubt check"
