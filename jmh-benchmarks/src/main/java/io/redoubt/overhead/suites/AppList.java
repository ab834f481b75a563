package io.redoubt.overhead.suites;

import java.util.List;

/**
 * The whole programs. $INPUT holds what AppInput makes; the working directory is empty and
 * writable.
 */
final class AppList {
  private static final String PYTHON =
      "/usr/bin/python3 -I -c 'import asyncio, sqlite3, ssl, http.server, xml.dom.minidom, unittest.mock,"
          + " multiprocessing.pool, email.mime.multipart'";

  private static final String SQLITE =
      "{ echo 'create table t(a integer primary key, b text);'; i=0; while [ $i -lt 300 ]; do"
          + " echo \"insert into t(b) values('row $i');\"; i=$((i+1)); done; } >commits.sql";

  /** Waits for a server by trying COMMAND, for at most 15 seconds. */
  private static String untilReady(String command) {
    return "i=0; until "
        + command
        + " >/dev/null 2>&1; do i=$((i+1)); [ $i -lt 150 ] || exit 1; sleep 0.1; done";
  }

  private static final String REDIS_UNIX =
      "redis-server --port 0 --unixsocket \"$PWD/redis.sock\" --save '' --appendonly no >redis.log 2>&1 & "
          + untilReady("redis-cli -s redis.sock ping");
  private static final String REDIS_TCP =
      "redis-server --port 16379 --bind 127.0.0.1 --save '' --appendonly no >redis.log 2>&1 & "
          + untilReady("redis-cli -p 16379 ping");
  private static final String NGINX =
      "mkdir -p logs tmp html && echo hello >html/index.html && cat >nginx.conf <<END\n"
          + "daemon off; master_process off; error_log stderr; pid nginx.pid;\n"
          + "events { worker_connections 256; }\n"
          + "http { access_log off; client_body_temp_path tmp; proxy_temp_path tmp; fastcgi_temp_path tmp; uwsgi_temp_path tmp;"
          + " scgi_temp_path tmp; server { listen 127.0.0.1:18080; root html; } }\n"
          + "END\n"
          + "nginx -p \"$PWD\" -c nginx.conf -e stderr & "
          + untilReady("test -s nginx.pid");
  private static final String POSTGRES =
      "mkdir pg && cd pg && cp -r $INPUT/pgdata . && chmod 700 pgdata && AS=; [ $(id -u) != 0 ] || { chown -R 65534:65534 . ;"
          + " AS='setpriv --reuid 65534 --regid 65534 --clear-groups'; }; PATH=$PATH:$(echo /usr/lib/postgresql/*/bin); "
          + "$AS postgres -D pgdata -k \"$PWD\" -c listen_addresses= >postgres.log 2>&1 & "
          + untilReady("$(echo /usr/lib/postgresql/*/bin)/pg_isready -h \"$PWD\"");
  private static final String NODE =
      "node $INPUT/server.js \"$PWD/node.sock\" & " + untilReady("test -S node.sock");

  static final List<App> ALL =
      List.of(
          App.of(
                  "true",
                  "500 x /bin/true from a shell",
                  "sh",
                  "i=0; while [ $i -lt 500 ]; do /bin/true; i=$((i+1)); done")
              .quickly()
              .target(3.5),
          App.of(
                  "python-import",
                  "import of eight heavy Python modules",
                  "/usr/bin/python3",
                  PYTHON)
              .quickly()
              .target(2),
          App.of(
              "tar-create",
              "tar create of /usr/include",
              "tar",
              "tar -cf include.tar -C /usr include"),
          App.of(
                  "tar-extract",
                  "tar extract of /usr/include",
                  "tar",
                  "tar --no-same-owner -xf $INPUT/include.tar")
              .target(5),
          // One folder of /usr is for another user's eyes only, which root of a user namespace is
          // not.
          App.of(
                  "find",
                  "find /usr",
                  "find",
                  "find /usr -xdev -path /usr/share/polkit-1 -prune -o -print")
              .target(2),
          App.of(
              "grep",
              "grep -r of /usr/include",
              "grep",
              "grep -rc no-such-word /usr/include || true"),
          App.of(
                  "git",
                  "git add + commit + status",
                  "git",
                  "git init -q r && cp -r $INPUT/source r && cd r && git add . && git -c user.name=Nobody -c user.email=nobody@example.org"
                      + " -c commit.gpgsign=false commit -qm first && git status")
              .quickly()
              .target(2.5),
          App.of("sqlite", "sqlite, 300 commits", "sqlite3", "sqlite3 base.db <commits.sql")
              .after(SQLITE),
          App.of(
                  "gcc",
                  "gcc of six small files",
                  "gcc",
                  "for i in 1 2 3 4 5 6; do gcc -O1 -c -o $i.o $INPUT/source/$i.c || exit 1; done")
              .quickly()
              .target(2),
          App.of(
                  "make",
                  "make -j2 of bzip2",
                  "make gcc input/bzip2/Makefile",
                  "make -s -j2 libbz2.a bzip2 CFLAGS=-O2")
              .after("cp -r $INPUT/bzip2/. ."),
          App.of("rm", "rm -rf of /usr/include, copied", "rm", "rm -rf include")
              .after("tar --no-same-owner -xf $INPUT/include.tar"),
          App.of(
              "dd-write",
              "dd, write 16,384 x 4 KiB",
              "dd",
              "dd if=/dev/zero of=file bs=4k count=16384"),
          App.of(
                  "dd-read",
                  "dd, read 16,384 x 4 KiB",
                  "dd",
                  "dd if=$INPUT/large of=/dev/null bs=4k count=16384")
              .quickly(),
          App.of("sha256sum", "sha256sum of 256 MiB", "sha256sum", "sha256sum $INPUT/large"),
          App.of(
              "pipeline",
              "head | tr | wc of 64 MiB",
              "tr",
              "head -c 67108864 $INPUT/large | tr a-z A-Z | wc -c"),
          App.of(
                  "redis-unix",
                  "redis, 10,000 GET and SET over AF_UNIX",
                  "redis-server redis-benchmark redis-cli",
                  "redis-benchmark -s redis.sock -q -c 10 -n 5000 -t get,set")
              .after(REDIS_UNIX),
          App.of(
                  "redis-tcp",
                  "redis, 10,000 GET and SET over loopback",
                  "redis-server redis-benchmark redis-cli",
                  "redis-benchmark -p 16379 -q -c 10 -n 5000 -t get,set")
              .after(REDIS_TCP),
          App.of(
                  "nginx",
                  "nginx, one request of wrk with 8 connections",
                  "nginx wrk",
                  "wrk -t1 -c8 -d1 http://127.0.0.1:18080/ | awk '/^Requests.sec/ { print 1e9 / $2 }'")
              .after(NGINX)
              .printingItsFigure(),
          App.of(
                  "pgbench",
                  "pgbench, 200 transactions of 2 clients",
                  "pgbench input/pgdata",
                  "pgbench -h \"$PWD\" -U bench -n -c 2 -t 100 bench")
              .after(POSTGRES),
          App.of(
                  "node-http",
                  "node, 2,000 HTTP requests over AF_UNIX",
                  "node",
                  "node $INPUT/client.js \"$PWD/node.sock\" 2000")
              .after(NODE),
          App.of(
                  "sysbench-cpu",
                  "sysbench cpu",
                  "sysbench",
                  "sysbench --time=0 --events=1000 cpu run")
              .quickly()
              .target(1.03),
          App.of(
                  "sysbench-memory",
                  "sysbench memory",
                  "sysbench",
                  "sysbench --time=0 --memory-total-size=4G memory run")
              .target(1.03),
          App.of(
                  "sysbench-threads",
                  "sysbench threads",
                  "sysbench",
                  "sysbench --time=0 --events=100 --threads=4 threads run")
              .target(1.03),
          App.of(
              "fio-random",
              "fio, 4 KiB random reads and writes",
              "fio",
              "fio --name=f --size=32m --rw=randrw --bs=4k --ioengine=psync --fallocate=none --unlink=1"),
          App.of(
              "fio-sequential",
              "fio, 1 MiB sequential writes and reads",
              "fio",
              "fio --name=f --size=256m --rw=rw --bs=1m --ioengine=psync --fallocate=none --unlink=1"));

  private AppList() {}
}
