#!/bin/bash
# timeout: 120
cd "$(mktemp -d)" || exit 1
dd if=/dev/zero of=big bs=1M count=1024 status=none && stat -c %s big
cmp -n 1073741824 big /dev/zero && echo zeroes
printf marker | dd of=big bs=1 seek=536870912 conv=notrunc status=none
dd if=big bs=1M count=1 skip=512 status=none | head -c 6; echo
dd if=big of=/dev/null bs=64k status=none; echo "read $?"
truncate -s 100 big && stat -c %s big
