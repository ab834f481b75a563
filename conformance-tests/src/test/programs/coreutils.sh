#!/bin/bash
# needs: bash
cd "$(mktemp -d)" || exit 1
umask 022
seq 1 20 >n; head -n 3 n; tail -n 2 n; tail -c 5 n; wc n; tac n | head -n 2; nl n | tail -n 1
sort -rn n | head -n 1; shuf -i 1-5 --random-source=/dev/zero | wc -l; split -l 7 n part; cat part?? | cmp - n && ls part??
cut -c1 n | uniq -c | sort -k2n | head -n 4; paste -d+ n n | tail -n 1; comm -12 <(sort n) <(seq 5 7 | sort)
join <(printf '1 a\n2 b\n') <(printf '1 x\n2 y\n'); tr a-z A-Z <<<hello; fold -w 3 <<<abcdefg; fmt -w 10 <<<"some words to fold"; expand <<<$'a\tb'
printf '%05d %s %x\n' 42 str 255; echo -e 'a\tb'; rev <<<abc 2>/dev/null
mkdir -p d/e/f; cp -r d d2; touch d/file; cp -a d d3; mv d3 d4; find d4 | sort; rmdir d2/e/f && rmdir d2/e && rmdir d2; ls
ln n hard; ln -s n soft; ls -1; stat -c '%h %F %s' hard soft; readlink soft; realpath --relative-to=. soft; test n -ef hard && echo same
chmod 640 n; stat -c %a n; chmod u+x,g-r,o=r n; stat -c %A n; install -m 700 n installed; stat -c '%a %s' installed
touch -d '2001-02-03 04:05:06.789 UTC' t; stat -c %Y t; touch -r t t2; stat -c '%Y' t2; date -u -d @1000000000 +%FT%TZ; date -u -r t +%F; test t2 -nt n || echo older
md5sum n | cut -c1-32; sha1sum n | cut -c1-40; sha256sum n | cut -c1-64; sha512sum n | cut -c1-20; cksum n; b2sum n | cut -c1-20; sum n
base64 <<<binary; base64 -d <<<YmluYXJ5Cg==; od -An -tx1 <<<AB; printf '\0\1\2' | od -An -c; xxd -p <<<AB 2>/dev/null
dd if=n of=dd.out bs=7 count=3 status=none; wc -c <dd.out; dd if=/dev/zero bs=1k count=1 seek=3 of=sparse conv=notrunc status=none; stat -c %s sparse
truncate -s 1M big; stat -c %s big; truncate -s 10 big; stat -c %s big; cmp n hard; cmp n big; echo "cmp $?"
tee a b <n | wc -l; cat a b | wc -l; split -b 10 n s; ls s?? | wc -l; rm -f s??; csplit -s n 5 10; wc -l xx0?
env -i A=1 env; env A=2 printenv A; nice -n 5 nice; id -u; id -gn; whoami; groups | wc -l; logname 2>/dev/null | wc -l; arch; uname -s; nproc | grep -c '[0-9]'
expr 3 + 4; factor 360; seq -s, 1 3 10; numfmt --to=iec 123456; yes | head -n 1; true; echo $?; false; echo $?; test -d d && echo dir; [ -x installed ] && echo exec
basename /a/b.c .c; dirname /a/b.c; pathchk -p good/name; echo $?; mktemp -u XXXXXX | wc -c; pwd -P | wc -l; sleep 0.01; printenv HOME; hostid | wc -c
du -b n | cut -f1; du -s --apparent-size -B1 n | cut -f1; df -P . | wc -l; sync; link n l2; unlink l2; mkfifo p; test -p p && echo fifo; mknod c p; ls -l c | cut -c1
tsort <<<$'a b\nb c'; ptx <<<word 2>/dev/null | wc -l; shred -n 1 -u dd.out; test -e dd.out; echo $?; vdir -d d | cut -c1-10; dircolors -b | wc -l | grep -c .; stty -a </dev/null 2>/dev/null; echo "stty $?"; tty -s </dev/null; echo "tty $?"
cp n n2; chmod 400 n2; rm -f n2; ls n2 2>/dev/null; echo "ls $?"; mkdir full; touch full/x; rmdir full 2>/dev/null; echo "rmdir $?"; cp missing x 2>/dev/null; echo "cp $?"; cat d 2>/dev/null; echo "cat $?"
ls -la d | tail -n +2 | awk '{ print $1, $NF }'; ls -R d; ls -t n t | head -n 1; timeout 5 true; echo $?; stdbuf -oL echo buffered; chroot / /bin/echo chrooted 2>/dev/null; echo "$?"; chown 12:34 t && stat -c '%u:%g' t
