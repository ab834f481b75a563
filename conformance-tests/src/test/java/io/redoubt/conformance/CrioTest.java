package io.redoubt.conformance;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Path;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * CRI-O is no package of Debian's. This is what it calls, in its order and spelling
 * (internal/oci/runtime_oci.go), with the conmon that it would use: for runc and for redoubt.
 */
final class CrioTest {
  @TempDir static Path directory;

  @BeforeAll
  static void check() {
    Redoubt.assumeSandbox();
    Redoubt.assumeRoot();
    assumeTrue(Guests.isOnPath("conmon"), "conmon is not installed");
  }

  private static final String CALLS =
      """
      BIN=$(command -v ${RT%% *})
      rt() { $BIN --root $W/state "$@"; }
      mkdir -p $W/ended $W/sockets $W/persist
      monitor() { conmon -b $B -c c1 -n k8s_c1 -u c1 --exit-dir $W/ended --socket-dir-path $W/sockets --persist-dir $W/persist --log-level error -r $BIN --runtime-arg --root=$W/state "$@"; }
      till() { n=0; until "$@" >/dev/null 2>&1; do n=$((n+1)); [ $n -lt 200 ] || { echo "never: $*"; return; }; sleep 0.05; done; }
      word() { python3 -c 'import json, sys; print(json.load(sys.stdin)[sys.argv[1]])' $1; }
      create() { monitor -l $W/log.k8s -P $W/conmon.pid -p $W/pid </dev/null >/dev/null 2>&1; till test -s $W/pid; }
      """;

  @Test
  void versionAndFeatures() {
    OciRuntime.prints(
        directory,
        OciRuntime.bundle(directory, config -> config),
        "version 0\njson\n",
        CALLS
            + """
            rt --version 2>&1 | grep -c '^[a-z]* version ' >/dev/null; echo "version $?"
            case $BIN in */runc) echo json ;; *) rt features 2>&1 | python3 -c 'import json, sys; json.load(sys.stdin); print("json")' ;; esac
            """);
  }

  @Test
  void lifeOfAContainer() {
    OciRuntime.prints(
        directory,
        OciRuntime.bundle(
            directory,
            OciRuntime.runs(
                "trap 'echo asked; exit 7' TERM; echo up; while :; do sleep 0.1; done")),
        """
        created
        running
        in a foreground exec: word 3
        in a synchronous exec 4
        update 0
        7
        asked
        stopped
        0
        delete 0 1
        """,
        CALLS
            + """
            create
            rt state c1 | word status
            rt start c1
            till grep -q up $W/log.k8s
            rt state c1 | word status
            cat >$W/process <<'END'
            {"terminal": false, "user": {"uid": 0, "gid": 0}, "cwd": "/", "env": ["PATH=/bin"],
             "args": ["/bin/sh", "-c", "read word; echo in a foreground exec: $word; exit 3"]}
            END
            echo word | rt exec --process $W/process c1 | tr '\\n' ' '; echo word | rt exec --process $W/process c1 >/dev/null; echo $?
            sed -i 's/read word.*exit 3/echo in a synchronous exec; exit 4/' $W/process
            monitor -e --exec-process-spec $W/process -l $W/log.exec -p $W/exec.pid </dev/null >/dev/null 2>&1
            till grep -q synchronous $W/log.exec; sed 's/.* F //' $W/log.exec | tr '\\n' ' '
            till ls $W/ended/*; cat $W/ended/*; rm $W/ended/*; echo
            echo '{"memory": {"limit": 67108864}}' | rt update --resources - c1; echo "update $?"
            rt kill c1 15
            till test -s $W/ended/c1; cat $W/ended/c1; echo
            grep -o asked $W/log.k8s
            rt state c1 | word status; rt state c1 | word pid
            rt delete --force c1; echo "delete $? $(rt state c1 >/dev/null 2>&1; echo $?)"
            """);
  }

  /** A stop that the program does not heed: KILL in a loop, until there is no such process. */
  @Test
  void killedInALoop() {
    OciRuntime.prints(
        directory,
        OciRuntime.bundle(
            directory, OciRuntime.runs("trap '' TERM; echo up; while :; do sleep 0.1; done")),
        "137\nrefused\ndelete 0\n",
        CALLS
            + """
            create; rt start c1; till grep -q up $W/log.k8s
            rt kill c1 15; n=0
            while rt kill c1 KILL 2>$W/err && [ $n -lt 100 ]; do n=$((n+1)); sleep 0.05; done
            till test -s $W/ended/c1; cat $W/ended/c1; echo
            grep -qE 'no such process|container not running|process already finished|invalid process' $W/err && echo refused
            rt delete --force c1; echo "delete $?"
            """);
  }
}
