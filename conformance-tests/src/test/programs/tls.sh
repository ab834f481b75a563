#!/bin/bash
# needs: openssl curl
# timeout: 90
cd "$(mktemp -d)" || exit 1
port=$((20000 + $$ % 20000))
openssl req -x509 -newkey rsa:2048 -nodes -keyout key -out cert -days 1 -subj /CN=localhost >/dev/null 2>&1
seq 1 200000 >numbers
openssl s_server -accept 127.0.0.1:$port -key key -cert cert -WWW -quiet >/dev/null 2>&1 &
curl -s --retry 50 --retry-connrefused --retry-delay 1 --cacert cert "https://localhost:$port/numbers" | sha256sum
curl -s "https://localhost:$port/numbers" >/dev/null
echo "unknown certificate: $?"
kill %1
curl -s "http://localhost:1/"
echo "nobody: $?"
