#!/bin/sh
# needs: tar gzip
# timeout: 120
cd "$(mktemp -d)" || exit 1
LC_ALL=C
export LC_ALL
sums() { (cd "$1" && find . -type f -print0 | sort -z | xargs -0 sha256sum | sha256sum); }
tar -C /usr -cf include.tar include && stat -c %s include.tar
gzip -1 -k include.tar && echo zipped
gunzip -c include.tar.gz | cmp - include.tar && echo same
mkdir out && tar -C out -xzf include.tar.gz
sums out/include
sums /usr/include
find out -type f -printf '%m %s %T@ %P\n' | sort | sha256sum
find /usr/include -type f -printf '%m %s %T@ include/%P\n' | sort | sha256sum
find out -type l | wc -l
tar -tf include.tar | wc -l
rm -r out && ls
