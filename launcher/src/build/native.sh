#!/bin/sh
# Compiles the native half (src/main/native) into DIST/bin. Usage: native.sh JAVA_HOME DIST
set -eu
jdk=$1
dist=$2
source=$(dirname "$0")/../main/native
for tool in gcc make; do
  command -v "$tool" >/dev/null 2>&1 || {
    echo "redoubt: $tool is missing: install it with 'apt-get install gcc make libc6-dev' (or what your system calls them)" >&2
    exit 1
  }
done
[ -e "$jdk/include/jni.h" ] || {
  echo "redoubt: $jdk has no include/jni.h: it must be a whole JDK, such as openjdk-25-jdk-headless" >&2
  exit 1
}
mkdir -p "$dist/bin"
exec make --no-print-directory -s -C "$source" OUT="$dist/bin" JDK="$jdk" all
