#!/bin/bash
# needs: dash
# The handler of SIGCHLD in dash has no SA_RESTART: an end of a child must never make another fork, open or close fail.
dash -c 'i=0; while [ $i -lt 150 ]; do true | : | (exit 3) | :; i=$((i+1)); done; echo pipelines $i'
dash -c 'i=0; while [ $i -lt 60 ]; do (exit $((i % 7))) & i=$((i+1)); x=$(echo $i); [ "$x" = $i ] || echo wrong; done; wait; echo jobs $i'
dash -c 'trap "echo caught" USR1; sleep 0.3 | (kill -USR1 $$; cat); echo after $?'
