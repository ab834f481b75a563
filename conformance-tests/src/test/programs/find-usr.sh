#!/bin/sh
# timeout: 120
LC_ALL=C
export LC_ALL
find /usr -xdev | sort | sha256sum
find /usr -xdev -type f -printf '%m %U %G %s %T@ %n %p\n' | sort | sha256sum
find /usr -xdev -type l -printf '%l %p\n' | sort | sha256sum
find /usr/lib -xdev -type d | wc -l
find /usr/share -xdev -name '*.so*' | wc -l
find /usr/include/linux -name '*.h' -print0 | sort -z | xargs -0 cat | sha256sum
find /etc -xdev -newer /etc/passwd -type d 2>/dev/null | wc -l
du -s --apparent-size -B1 /usr/include | cut -f1
