#!/bin/bash
# timeout: 180
cd "$(mktemp -d)" || exit 1
mkdir d && cd d || exit 1
seq -f 'file%06.0f' 1 100000 | xargs touch
ls -f | wc -l
ls | head -n 2; ls | tail -n 1
find . -name '*99999' | sort
stat -c '%s %h' file050000
ls | sha256sum
seq -f 'file%06.0f' 1 2 100000 | xargs rm
ls -f | wc -l
cd .. && rm -r d && ls
