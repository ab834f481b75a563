package io.redoubt.conformance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Jobs of an ordinary user on a Slurm cluster of this machine alone, which each test has for
 * itself. What stands between the markers in docs/operations/slurm.md is what these tests use.
 */
final class SlurmTest {
  private static final String AS_USER =
      "as() { setpriv --reuid nobody --regid nogroup --clear-groups \"$@\"; }\n"
          + "gone() { n=0; while pgrep -u nobody redoubt >/dev/null && [ $n -lt 100 ]; do n=$((n+1)); sleep 0.1; done; "
          + "pgrep -u nobody -c redoubt; }\n";

  @TempDir static Path directory;
  private static int count;

  @BeforeAll
  static void check() throws IOException {
    Redoubt.assumeSandbox();
    Redoubt.assumeRoot();
    Guests.assumeInstalled("slurmctld", "slurmd", "srun", "munged", "python3", "setpriv");
    Command.of("chmod", "755", directory.toString()).run();
    assumeTrue(
        Command.of("/bin/sh", "-c", AS_USER + "as " + Redoubt.front() + " do -- " + "/bin/true")
                .run()
                .exit()
            == 0,
        "an ordinary user cannot reach " + Redoubt.front());
  }

  /** The lines of the documented oci.conf, for this installation. */
  private static String ociConf(Path root) throws IOException {
    String page = Files.readString(Redoubt.ROOT.resolve("docs/operations/slurm.md"));
    int begin = page.indexOf("```", page.indexOf("oci.conf:begin"));
    String text = page.substring(page.indexOf('\n', begin) + 1, page.indexOf("```", begin + 3));
    return text.replace("/usr/bin/redoubt", Redoubt.front().toString())
        .replace("/run/user/%U/redoubt", root.toString())
        .replace("%U", "%u")
        // Only 23.02 and later know these.
        .replaceAll("(?m)^(EnvExclude|RunTimeEnvExclude).*\n", "");
  }

  private record Job(Path work, Outcome outcome) {}

  /** Runs a script with a cluster around it, in a folder of the user's, with a bundle in $B. */
  private static Job run(UnaryOperator<String> change, String script) throws IOException {
    return run(change, 30, script);
  }

  /**
   * @param killWait seconds from SIGTERM to SIGKILL at a time limit
   */
  private static Job run(UnaryOperator<String> change, int killWait, String script)
      throws IOException {
    Path base = directory.resolve("slurm" + count++);
    Path work = Files.createDirectories(base.resolve("work"));
    Path bundle =
        OciRuntime.bundle(
            base,
            c -> change.apply(c).replace("\"CAP_KILL\", \"CAP_CHOWN\"", "\"CAP_DAC_OVERRIDE\""));
    Path root = Files.createDirectories(base.resolve("root"));
    Files.writeString(base.resolve("oci.conf"), ociConf(root));
    Command.of("chown", "-R", "nobody:nogroup", work.toString(), root.toString(), bundle.toString())
        .run();
    Files.writeString(base.resolve("script"), AS_USER + script);
    Outcome outcome =
        Command.of(
                Guests.MODULE.resolve("src/test/slurm/cluster.sh").toString(),
                base.resolve("cluster").toString(),
                base.resolve("oci.conf").toString(),
                "sh",
                base.resolve("script").toString())
            .in(work)
            .environment("B", bundle.toString())
            .environment("ROOT", root.toString())
            .environment("RT", Redoubt.front().toString())
            .environment("KILL_WAIT", Integer.toString(killWait))
            .timeout(Duration.ofSeconds(120))
            .run();
    return new Job(work, outcome);
  }

  @Test
  void srunInAContainer() throws IOException {
    Job job =
        run(
            UnaryOperator.identity(),
            """
            echo input | as srun --container $B sh -c 'id -u; cat; echo $SLURM_JOB_NAME; exit 5'
            echo "exit $?"
            ls $ROOT
            """);
    assertEquals("0\ninput\nsh\nexit 5\n", job.outcome.out(), job.outcome::describe);
  }

  @Test
  void sbatchInAContainer() throws IOException {
    Job job =
        run(
            UnaryOperator.identity(),
            """
            printf '#!/bin/sh\\nhostname; echo $SLURM_JOB_NAME; exit 6\\n' >job.sh
            as sbatch --wait --container $B -o out.txt -J boxed job.sh >/dev/null; echo "exit $?"
            cat out.txt
            """);
    String out = job.outcome.out().replaceAll("(?m)^slurmstepd.*\n", "");
    assertEquals("exit 6\nbox\nboxed\n", out, job.outcome::describe);
  }

  /**
   * The job's user is root in the container: his script is then his own there too, and takes no
   * capability to read.
   */
  @Test
  void sbatchWithIdMaps() throws IOException {
    Job job =
        run(
            c ->
                c.replace("\"CAP_KILL\", \"CAP_CHOWN\"", "\"CAP_KILL\"")
                    .replace(
                        "\"linux\": {\"namespaces\": [",
                        "\"linux\": {\"uidMappings\": [{\"containerID\": 0, \"hostID\": 65534, \"size\": 1}],"
                            + " \"gidMappings\": [{\"containerID\": 0, \"hostID\": 65534, \"size\": 1}],"
                            + " \"namespaces\": [{\"type\": \"user\"}, "),
            """
            printf '#!/bin/sh\\nid -u; grep CapEff /proc/self/status; head -n 1 $0; touch /made; exit 6\\n' >job.sh
            as sbatch --wait --container $B -o out.txt job.sh >/dev/null; echo "exit $?"
            cat out.txt; stat -c %U $B/rootfs/made
            """);
    String out = job.outcome.out().replaceAll("(?m)^slurmstepd.*\n", "");
    assertEquals(
        "exit 6\n0\nCapEff:\t0000000000000020\n#!/bin/sh\nnobody\n", out, job.outcome::describe);
  }

  /**
   * scancel sends SIGTERM to all processes of the step, the sleep too: the guest's handler decides.
   */
  @Test
  void scancel() throws IOException {
    Job job =
        run(
            UnaryOperator.identity(),
            """
            as srun -J one --container $B sh -c 'trap "trap : TERM; echo told; exit 9" TERM; echo begun; while :; do sleep 100 & wait; done' >out 2>err &
            n=0; until grep -q begun out || [ $n -gt 300 ]; do n=$((n+1)); sleep 0.1; done
            as scancel -n one; wait $!
            cat out; cat err >&2; grep redoubt err; ls $ROOT; gone
            """);
    assertEquals("begun\ntold\n0\n", job.outcome.out(), job.outcome::describe);
  }

  /** Slurm looks at limits once a minute, and then does what scancel does. */
  @Test
  void timeLimit() throws IOException {
    Job job =
        run(
            UnaryOperator.identity(),
            """
            as srun -t 0:05 --container $B sh -c 'trap "trap : TERM; echo told; exit 9" TERM; echo begun; while :; do sleep 300 & wait; done' 2>err
            grep -o 'DUE TO TIME LIMIT' err | head -n 1; gone
            """);
    assertEquals("begun\ntold\nDUE TO TIME LIMIT\n0\n", job.outcome.out(), job.outcome::describe);
  }

  private static final String AWAIT_EMPTY =
      "n=0; while [ -n \"$(ls $ROOT)\" ] && [ $n -lt 100 ]; do n=$((n+1)); sleep 0.1; done; ls $ROOT\n";

  /**
   * SIGKILL to all processes of a step leaves none that could clean up: what Slurm asks as root,
   * when the step has ended, does.
   */
  @Test
  void scancelThatKills() throws IOException {
    Job job =
        run(
            UnaryOperator.identity(),
            """
            as srun -J one --container $B sh -c 'echo begun; sleep 100' >out 2>err &
            n=0; until grep -q begun out || [ $n -gt 300 ]; do n=$((n+1)); sleep 0.1; done
            ls $ROOT | grep -c .
            as scancel -s KILL -n one; wait $!
            gone
            """
                + AWAIT_EMPTY);
    assertEquals("1\n0\n", job.outcome.out(), job.outcome::describe);
  }

  /** The same, KillWait after SIGTERM. */
  @Test
  @Tag("slow")
  void guestThatIgnoresTheTimeLimit() throws IOException {
    Job job =
        run(
            UnaryOperator.identity(),
            3,
            """
            as srun -t 0:05 --container $B sh -c 'trap "" TERM; echo begun; sleep 300' 2>err
            grep -o 'DUE TO TIME LIMIT' err | head -n 1; gone
            """
                + AWAIT_EMPTY);
    assertEquals("begun\nDUE TO TIME LIMIT\n0\n", job.outcome.out(), job.outcome::describe);
  }

  /** After a step Slurm asks as root, in the user's folder: nothing there may be believed. */
  @Test
  void rootAsksForTheState() throws IOException {
    Job job =
        run(
            UnaryOperator.identity(),
            """
            as srun --container $B sh -c 'echo begun; sleep 100' >out 2>/dev/null &
            n=0; until grep -q begun out || [ $n -gt 300 ]; do n=$((n+1)); sleep 0.1; done
            id=$(ls $ROOT)
            $RT --rootless=true --root=$ROOT state $id | grep -o '"status": .*"'
            $RT --rootless=true --root=$ROOT kill -a $id KILL; echo "kill $?"
            wait $!; echo "exit $?"
            $RT --rootless=true --root=$ROOT state $id 2>&1 | grep -o 'does not exist'
            """);
    assertEquals(
        "\"status\": \"running\"\nkill 0\nexit 137\ndoes not exist\n",
        job.outcome.out(),
        job.outcome::describe);
  }

  /** No configuration of the site: one word in front of the program. */
  @Test
  void oneWordInFrontOfAProgram() throws IOException {
    Job job =
        run(
            UnaryOperator.identity(),
            """
            printf '#!/bin/sh\\nid -u; pwd -P; echo "job $SLURM_JOB_ID task $SLURM_PROCID"; ulimit -n; cat >written; exit 4\\n' >program
            chmod 755 program; ulimit -n 777
            echo input | as srun $RT do --bind $PWD -- ./program >out; echo "exit $?"
            sed "s:$PWD:PWD:" out; cat written; stat -c %U written
            as srun -t 0:05 -n 2 $RT do -- sh -c 'echo $SLURM_PROCID' | sort
            as srun $RT do -- sh -c 'echo x >outside' && test ! -e outside && echo 'nothing outside'
            """);
    assertEquals(
        "exit 4\n65534\nPWD\njob 1 task 0\n777\ninput\nnobody\n0\n1\nnothing outside\n",
        job.outcome.out(),
        job.outcome::describe);
  }

  /** The documented batch script, with its line and without. */
  @Test
  void oneLineInABatchScript() throws IOException {
    String page = Files.readString(Redoubt.ROOT.resolve("docs/operations/slurm.md"));
    int begin = page.indexOf("```", page.indexOf("batch:begin"));
    String text = page.substring(page.indexOf('\n', begin) + 1, page.indexOf("```", begin + 3));
    String on = text.replace("/usr/bin/redoubt", Redoubt.front().toString());
    Files.writeString(directory.resolve("on.sh"), on);
    Files.writeString(directory.resolve("off.sh"), on.replaceAll("(?m)^wall=.*\n", ""));
    Job job =
        run(
            UnaryOperator.identity(),
            "D="
                + directory
                + """

                printf '#!/bin/sh\\ngrep -c redoubt@ /proc/version; echo "$1" >>result\\n' >program; chmod 755 program
                as sbatch --wait -o on.txt $D/on.sh >/dev/null; echo "exit $?"; cat on.txt
                as sbatch --wait -o off.txt $D/off.sh >/dev/null; echo "exit $?"; cat off.txt
                cat result
                """);
    assertEquals(
        "exit 0\n1\nexit 0\n0\ninput.dat\ninput.dat\n", job.outcome.out(), job.outcome::describe);
  }
}
