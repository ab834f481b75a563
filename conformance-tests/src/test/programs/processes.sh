#!/bin/bash
# needs: ps
cd "$(mktemp -d)" || exit 1
sleep 50 & p=$!
until [ "$(cat /proc/$p/comm)" = sleep ]; do sleep 0.01; done # it has been executed
ps -o comm= -p "$p"; ps -o args= -p "$p"; ps -o stat= -p "$p" | cut -c1; ps -o ppid= -p "$p" | tr -d ' ' | grep -cx $$
ps -o ni=,user= -p "$p"; ps --ppid $$ -o comm= | grep -cx sleep; ps -ef | grep -c '[s]leep 50' | grep -c '[1-9]'
cat /proc/$p/cmdline | tr '\0' ' '; echo; readlink /proc/$p/cwd | grep -cx "$PWD"; basename "$(readlink /proc/$p/exe)"; grep -c . /proc/$p/maps | grep -c .
kill "$p"; wait "$p" 2>/dev/null; echo "$?"
top -bn1 2>/dev/null | head -n 1 | cut -c1-3; uptime | grep -c load; free | wc -l; pgrep -f 'no such process anywhere'; echo "$?"
vmstat 2>/dev/null | wc -l; pidof nothing_like_this; echo $?; renice -n 3 -p $$ >/dev/null && nice; taskset -p $$ 2>/dev/null | wc -l; lscpu 2>/dev/null | grep -c Architecture
w -h 2>/dev/null | wc -l | grep -c .; nproc | grep -c .; getconf PAGE_SIZE; getconf _NPROCESSORS_ONLN | grep -c .; ldd /bin/true | grep -c libc; file /bin/true 2>/dev/null | wc -l
