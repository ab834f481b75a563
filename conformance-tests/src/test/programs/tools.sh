#!/bin/bash
cd "$(mktemp -d)" || exit 1
seq 1 1000 | xargs -P 4 -n 50 echo | wc -w
seq 1 50000 | sort -R --random-source=/dev/zero | sort -n | sha256sum
sort -S 1M -T . <(seq 100000 -1 1) | head -n 1
grep -rl 'define' /usr/include/linux | wc -l
sed -i 's/a/b/' <(echo a) 2>/dev/null; echo aaa >f; sed -i 's/a/b/' f; cat f
awk 'BEGIN { "date -u -d @0 +%Y" | getline y; print y; print "to sort 2\nto sort 1" | "sort"; close("sort"); system("exit 3") }'; echo "$?"
flock lockfile -c 'echo locked'; (flock -n 9 && flock -n lockfile2 true && echo nested) 9>lockfile2
find . -maxdepth 1 -type f -exec wc -c {} + | tail -n 1; find . -name f -delete; ls
patch --version >/dev/null 2>&1 && { printf 'a\n' >x; printf 'b\n' >y; diff -u x y >p; patch -s x p && cat x; }
openssl version >/dev/null 2>&1 && openssl dgst -sha256 /etc/passwd | cut -d= -f2 | wc -c
for z in "gzip -c" "bzip2 -c" "xz -c"; do command -v "${z%% *}" >/dev/null && seq 1 10000 | $z | ${z} -d | sha256sum; done
cpio --version >/dev/null 2>&1 && (cd /usr/include/linux && ls *.h | cpio -o 2>/dev/null) | wc -c
rsync --version >/dev/null 2>&1 && rsync -a /usr/include/linux . && diff -r linux /usr/include/linux && echo rsynced
iconv -f latin1 -t utf8 <<<$'\xe4' ; bc -l <<<'2^64' 2>/dev/null; dc -e '5 3 + p' 2>/dev/null; m4 -P <<<'m4_eval(6*7)' 2>/dev/null
mkdir -p a/b && touch a/b/{1,2,3} && tar cf - a | (mkdir -p c && cd c && tar xf -) && find c | sort; chmod 000 a/b/1; cat a/b/1 | wc -c
script -qec 'echo in a terminal; tty >/dev/null && echo yes' /dev/null </dev/null 2>/dev/null | tr -d '\r'
dpkg-query -W -f '${Package}\n' coreutils bash 2>/dev/null | sort; ldconfig -p | grep -c libc.so; localedef --help >/dev/null 2>&1; getent passwd root | cut -d: -f1; getent hosts localhost | wc -l | grep -c .
(ulimit -n 20; exec 3</dev/null 4</dev/null; ls /proc/self/fd | wc -l); (ulimit -f 1; head -c 5000 /dev/zero >limited; echo "$?") 2>/dev/null; su -s /bin/sh nobody -c 'id -un; cat /etc/shadow 2>/dev/null; echo $?' 2>/dev/null; setpriv --reuid=1000 --clear-groups id -u 2>/dev/null
