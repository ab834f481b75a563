#!/bin/bash
# needs: bash
set -u
cd "$(mktemp -d)" || exit 1
echo "one two three" | tr ' ' '\n' | sort -r | paste -sd,
seq 1 100000 | awk '{ s += $1 } END { print s }'
yes x | head -n 200000 | wc -l
set -o pipefail
false | true; echo "pipefail $?"
true | (exit 3) | true; echo "${PIPESTATUS[@]}"
set +o pipefail
cat <<END | grep two
one
two $((1 + 1))
END
cat <<'END'
not $expanded
END
while read -r a b; do echo "$b-$a"; done <<<"left right"
diff <(seq 1 5) <(seq 1 6); echo "diff $?"
exec 5>out; echo to five >&5; exec 5>&-; cat out
exec 6<out; read -r line <&6; echo "$line"; exec 6<&-
{ echo stdout; echo stderr >&2; } 2>&1 | sort
echo appended >>out; wc -l <out
coproc CAT { cat; }
echo "through the coprocess" >&"${CAT[1]}"
read -r line <&"${CAT[0]}"; echo "$line"
eval "exec ${CAT[1]}>&-"; wait "$CAT_PID"; echo "coproc $?"
mkfifo fifo
(for i in 1 2 3; do echo "fifo $i"; done >fifo) &
cat fifo
wait
f() { local x=$1; ((x <= 1)) && { echo 1; return; }; echo $((x * $(f $((x - 1))))); }
f 8
declare -A map=([a]=1 [b]=2); for k in $(printf '%s\n' "${!map[@]}" | sort); do echo "$k=${map[$k]}"; done
echo {a..e}{1,2}
shopt -s nullglob; touch f1 f2 f3; echo f? none*
x=$(printf 'many\nlines\n\n'); echo "[$x]"
(cd / && pwd); basename "$(dirname "$PWD/x")" | head -c 3; echo
exec 3<>/dev/null; echo ok >&3
printf '%s\n' "${BASH_VERSINFO[0]}" | grep -c .
ulimit -n | grep -c .
