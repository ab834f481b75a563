#!/bin/bash
# needs: bash
cd "$(mktemp -d)" || exit 1
for i in 3 1 2; do (sleep 0.0$i; exit "$i") & pids+=($!); done
for p in "${pids[@]}"; do wait "$p"; echo "job ended with $?"; done
sleep 100 & p=$!
kill "$p"; wait "$p" 2>/dev/null; echo "killed: $?"
sleep 100 & p=$!
kill -STOP "$p"; kill -CONT "$p"; kill -KILL "$p"; wait "$p" 2>/dev/null; echo "killed: $?"
(trap 'echo child got TERM; exit 9' TERM; echo ready >ready; while :; do sleep 0.01; done) & p=$!
while [ ! -s ready ]; do sleep 0.01; done
kill -TERM "$p"; wait "$p"; echo "trapped: $?"
trap 'echo USR1 here' USR1
kill -USR1 $$
trap '' USR2; kill -USR2 $$; echo "ignored"
(trap 'echo bye' EXIT; echo hello)
bash -c 'trap "echo exit trap" EXIT; kill -TERM $$; echo not reached'; echo "$?"
bash -c 'exit 300'; echo "$?"
wait -n 2>/dev/null; echo "no jobs $?"
(sleep 0.2; exit 4) & (sleep 0.02; exit 5) &
wait -n; echo "first $?"; wait -n; echo "second $?"
timeout 0.1 sleep 10; echo "timeout $?"
timeout -s KILL 0.1 sleep 10; echo "timeout $?"
set -m
sleep 0.05 & jobs | sed 's/ *$//'; wait; set +m
for i in $(seq 1 50); do (exit 0) & done; wait; echo "fifty"
true & true & wait; echo "$!" | grep -c '^[0-9][0-9]*$'
time_taken=$SECONDS; [ "$time_taken" -lt 60 ] && echo "in time"
command_not_there 2>/dev/null; echo "$?"
/etc/passwd 2>/dev/null; echo "$?"
bash -c 'kill -SEGV $$' 2>/dev/null; echo "$?"
nohup echo nohup works 2>/dev/null
