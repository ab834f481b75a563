#!/bin/bash
# needs: sqlite3
cd "$(mktemp -d)" || exit 1
sqlite3 db 'create table t(a integer primary key, b text); create index i on t(b);'
for i in 1 2 3 4 5; do sqlite3 db "insert into t(b) values('row $i');"; done
sqlite3 db 'select * from t;'
sqlite3 db <<'END'
begin;
with recursive n(x) as (select 1 union all select x + 1 from n where x < 20000) insert into t(b) select 'bulk ' || x from n;
commit;
select count(*), sum(a), max(b) from t;
begin; delete from t; rollback;
select count(*) from t;
pragma integrity_check;
END
sqlite3 db 'pragma journal_mode=wal; insert into t(b) values("wal"); select count(*) from t;'
(for i in $(seq 1 10); do sqlite3 -cmd '.timeout 20000' db "insert into t(b) values('a');"; done) &
(for i in $(seq 1 10); do sqlite3 -cmd '.timeout 20000' db "insert into t(b) values('b');"; done) &
wait
sqlite3 db 'select b, count(*) from t where b in ('\''a'\'', '\''b'\'') group by b;'
sqlite3 db 'pragma wal_checkpoint(truncate); pragma integrity_check;'
sqlite3 db 'delete from t where b in ('\''a'\'', '\''b'\'')'; sqlite3 db .dump | sha256sum
sqlite3 db 'select broken' 2>/dev/null; echo "exit $?"
sqlite3 -csv db 'select a, b from t limit 2'; ls
