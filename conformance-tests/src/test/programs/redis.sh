#!/bin/bash
# needs: redis-server redis-cli
# timeout: 90
cd "$(mktemp -d)" || exit 1
port=$((20000 + $$ % 20000))
redis-server --port $port --bind 127.0.0.1 --save '' --appendonly no >log 2>&1 &
for _ in $(seq 1 200); do
  redis-cli -p $port ping 2>/dev/null | grep -q PONG && break
  sleep 0.05
done
redis-cli -p $port set key value
redis-cli -p $port get key
for i in $(seq 1 2000); do echo "RPUSH list item$i"; done | redis-cli -p $port --pipe | tail -n 1
redis-cli -p $port llen list
redis-cli -p $port lrange list 0 -1 | sha256sum
redis-cli -p $port eval 'return redis.call("incrby", KEYS[1], 41) + 1' 1 counter
(timeout 30 redis-cli -p $port blpop queue 20 | tail -n 1) &
redis-cli -p $port --raw rpush queue woken >/dev/null
wait %2
redis-cli -p $port shutdown nosave
wait
