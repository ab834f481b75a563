#!/bin/sh
# needs: busybox
cd "$(mktemp -d)" || exit 1
cat >script <<'END'
mkdir -p a/b/c
for i in 1 2 3 4 5; do echo "line $i" >>a/b/c/file; done
cp a/b/c/file a/copy
ln -s copy a/link
grep -c line a/link
sed -n '2,3p' a/copy
awk '{ n += $2 } END { print n }' a/copy
find . -type f | sort
tar cf all.tar a && rm -rf a && tar xf all.tar && cat a/copy | wc -l
gzip -c all.tar | gunzip -c | cmp - all.tar && echo same
printf '3\n1\n2\n' | sort -n | tr '\n' ' '; echo
echo hello | md5sum
echo hello | sha256sum
seq 1 10 | head -n 3 | tail -n 1
x=$(echo nested $(echo deeper))
echo "$x" | cut -d' ' -f2
(exit 3); echo $?
false || echo or
cat <<TEXT
here $x
TEXT
expr 6 \* 7
test -L a/link && readlink a/link
stat -c '%a %s %n' a/copy
chmod 600 a/copy && stat -c '%a' a/copy
yes | head -n 2
dd if=/dev/zero bs=1k count=3 2>/dev/null | wc -c
echo a b c | xargs -n 1 echo item
sleep 0.05 & wait $! ; echo waited
kill -TERM $$ 2>/dev/null
echo not reached
END
busybox sh script
echo "exit $?"
busybox ash -c 'trap "echo got USR1" USR1; kill -USR1 $$; echo after'
busybox ash -c 'trap "echo leaving" EXIT; exit 5'
echo "exit $?"
