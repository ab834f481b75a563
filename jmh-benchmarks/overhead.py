#!/usr/bin/env python3
"""Measures what a sandbox costs against bare Linux; started by overhead.sh, which builds what it needs.

Method: every workload runs in every runtime once a round, in turn, so that what else the machine does hits
all of them. The time is taken inside, by the same static program in every runtime (`micro`): starting the
sandbox is a row of its own and in no other. Each run is a fresh sandbox with a cold sentry. A cell is the
median over the rounds; a ratio is the median of the ratios within the rounds.
"""

import argparse
import json
import os
import platform
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
MICRO = str(HERE / "target" / "micro")
FLOOR = str(HERE / "target" / "notify-floor")
RUN_TIMEOUT = 180  # seconds for one run of one workload

# Name, text, target of the ratio.
MICROS = [
    ("trap", "trapped call that does no work, against a supervisor in C", 1.15),
    ("mmap", "anonymous mmap + touch + munmap, 64 KiB", 1.05),
    ("futex", "futex ping-pong of two threads", 1.05),
    ("cpu", "CPU loop", 1.05),
    ("memory", "memory loop", 1.05),
    ("fork", "fork + exit + wait", 1.5),
    ("exec", "fork + exec + wait of a static program", 4),
]

SHELL = "i=0; while [ $i -lt 500 ]; do /bin/true; i=$((i+1)); done"
PYTHON = "import asyncio, sqlite3, ssl, http.server, xml.dom.minidom, unittest.mock, multiprocessing.pool, email.mime.multipart"
GCC = "mkdir out && for i in 1 2 3 4 5 6; do gcc -O1 -c -o out/$i.o source/$i.c || exit 1; done"
GIT = (
    "git init -q repository && cp -r source repository && cd repository && git add . && "
    "git -c user.name=Nobody -c user.email=nobody@example.org -c commit.gpgsign=false commit -qm first"
)
TAR = "mkdir out && tar -xf include.tar -C out"
FIND = "find /usr -xdev >/dev/null"


def apps(python):
    sysbench = "sysbench --time=0 %s run >/dev/null"
    return [
        ("true", "500 x /bin/true from a shell", 3.5, SHELL, "sh"),
        ("python", "import of eight heavy Python modules", 2, f"{python} -I -c '{PYTHON}'", python),
        ("gcc", "gcc of six small files", 2, GCC, "gcc"),
        ("git", "git init + add + commit", 2.5, GIT, "git"),
        ("tar", "tar extract of /usr/include", 5, TAR, "tar"),
        ("find", "find /usr", 2, FIND, "find"),
        ("sb-cpu", "sysbench cpu", 1.03, sysbench % "--events=4000 cpu", "sysbench"),
        ("sb-memory", "sysbench memory", 1.03, sysbench % "--memory-total-size=10G memory", "sysbench"),
        ("sb-threads", "sysbench threads", 1.03, sysbench % "--events=2000 --threads=4 threads", "sysbench"),
    ]


class Failure(Exception):
    """A run that gave no figure, with its reason in a few words."""


def prefix(runtime):
    """The words in front of a command that make it run in a runtime."""
    if runtime == "redoubt":
        return [os.environ.get("REDOUBT", str(ROOT / "redoubt")), "do", "--"]
    if runtime == "runsc":
        return [os.environ.get("RUNSC", "runsc"), "--platform=systrap", "--network=none", "do"]
    return []


def run(words, cwd):
    """Runs a command in a process group of its own; its output. All of it is killed at the end of its time."""
    with subprocess.Popen(
        words, cwd=cwd, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
    ) as p:
        try:
            out, err = p.communicate(timeout=RUN_TIMEOUT)
        except subprocess.TimeoutExpired as e:
            os.killpg(p.pid, signal.SIGKILL)
            p.communicate()
            raise Failure(f"no end after {RUN_TIMEOUT} s") from e
        except BaseException:  # Ctrl-C: leave nothing behind
            os.killpg(p.pid, signal.SIGKILL)
            raise
    if p.returncode != 0:
        lines = err.decode(errors="replace").strip().splitlines()
        raise Failure(f"exit code {p.returncode}" + (f": {lines[-1][:80]}" if lines else ""))
    return out.decode(errors="replace")


def figure(words, cwd):
    out = run(words, cwd).split()
    try:
        return float(out[-1])
    except (IndexError, ValueError) as e:
        raise Failure("no figure in its output") from e


class Progress:
    """One line on a terminal that says what runs; nothing elsewhere."""

    def __init__(self, total):
        self.total = total
        self.done = 0
        self.begun = time.monotonic()
        self.shown = sys.stderr.isatty()

    def step(self, text):
        if self.shown:
            spent = time.monotonic() - self.begun
            left = spent / self.done * (self.total - self.done) if self.done else 0
            bar = "#" * (20 * self.done // self.total)
            sys.stderr.write(f"\r\033[K[{bar:<20}] {self.done}/{self.total} {int(left)} s left  {text}")
            sys.stderr.flush()
        self.done += 1

    def end(self):
        if self.shown:
            sys.stderr.write("\r\033[K")


def prepare(work):
    """What the workloads read: six C files, 100 text files, a tarball."""
    source = work / "source"
    source.mkdir()
    for i in range(1, 7):
        body = "".join(f"int f{i}_{k}(int x) {{ printf(\"%d\", x); return x * {k} + (int)strlen(\"{k}\"); }}\n" for k in range(40))
        (source / f"{i}.c").write_text("#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>\n#include <unistd.h>\n" + body)
    for i in range(100):
        (source / f"text{i}").write_text(f"file {i}\n" * 100)
    subprocess.run(["tar", "-cf", str(work / "include.tar"), "-C", "/usr", "include"], check=True)


def clean(work):
    for name in ("out", "repository"):
        shutil.rmtree(work / name, ignore_errors=True)


# ---- the table of ratios ----


def measure_ratios(options, runtimes, work, results):
    python = "/usr/bin/python3" if os.path.exists("/usr/bin/python3") else sys.executable
    jobs = [(key, text, target, [MICRO, key]) for key, text, target in MICROS]
    for key, text, target, command, needs in apps(python):
        jobs.append((key, text, target, [MICRO, "time", "sh", "-c", command] if shutil.which(needs) else None))
    jobs = [j for j in jobs if not options.only or j[0] in options.only]
    for key, text, target, words in jobs:  # in the order of the table
        results[key] = {"what": text, "target": target, "samples": {}, "failed": {}}
        if words is None:
            results[key]["skipped"] = f"{text.split()[0]} is not installed"
    jobs = [j for j in jobs if j[3] is not None]
    progress = Progress(options.rounds * len(jobs) * len(runtimes))
    for round_number in range(options.rounds):
        for key, text, target, words in jobs:
            row = results[key]
            for runtime in runtimes:
                progress.step(f"round {round_number + 1}: {text}, {runtime}")
                if runtime in row["failed"]:
                    continue
                # For the trap, bare Linux is the supervisor in C: there nothing traps by itself.
                front = [FLOOR] if key == "trap" and runtime == "bare" else prefix(runtime)
                try:
                    row["samples"].setdefault(runtime, []).append(figure(front + words, work))
                except Failure as e:
                    row["failed"][runtime] = str(e)
                finally:
                    clean(work)
    progress.end()
    for row in results.values():
        summarize(row)


def summarize(row):
    samples = row.get("samples", {})
    row["medians"] = {r: statistics.median(s) for r, s in samples.items() if s}
    row["ratios"] = {}
    bare = samples.get("bare", [])
    for runtime, mine in samples.items():
        pairs = [m / b for m, b in zip(mine, bare)]
        if runtime != "bare" and pairs and runtime not in row["failed"]:
            row["ratios"][runtime] = {"median": statistics.median(pairs), "min": min(pairs), "max": max(pairs)}


# ---- single figures ----


def start_up(runtime, work, n):
    """Wall time of `do -- /bin/true` in ms, from outside."""
    times = []
    for _ in range(n):
        begun = time.monotonic()
        run(prefix(runtime) + ["/bin/true"], work)
        times.append((time.monotonic() - begun) * 1000)
    return {"median": statistics.median(times), "min": min(times), "max": max(times), "n": n}


def children(pid):
    found = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            found += [int(child)] + children(int(child))
    return found


def cpu_nanos(pids):
    total = 0
    for pid in pids:
        for task in Path(f"/proc/{pid}/task").iterdir():
            total += int((task / "schedstat").read_text().split()[0])
    return total


def cpu_ticks(pids):
    total = 0
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        total += int(fields[11]) + int(fields[12])
    return total


def pss_kib(pid):
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1])
    raise Failure("no Pss in smaps_rollup")


def idle(work, seconds):
    """An idle sandbox: memory of sentry and gofer, CPU time of all its processes."""
    command = prefix("redoubt") + ["/bin/sh", "-c", "echo ready; exec sleep 120"]
    with subprocess.Popen(
        command, cwd=work, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True
    ) as p:
        try:
            timer = time.monotonic()
            os.set_blocking(p.stdout.fileno(), False)
            while not (p.stdout.read() or b"").startswith(b"ready"):
                if p.poll() is not None or time.monotonic() - timer > 60:
                    raise Failure("the idle sandbox did not start")
                time.sleep(0.05)
            time.sleep(3)  # compilers of the JVMs come to rest
            pids = [p.pid] + children(p.pid)
            memory = {}
            for pid in pids:
                words = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")
                for name, main in (("sentry", "io.redoubt.launcher.Main"), ("gofer", "io.redoubt.gofer.GoferMain")):
                    if main in words:
                        memory[name] = pss_kib(pid) / 1024
            if len(memory) != 2:
                raise Failure("sentry and gofer were not found")
            ticks, nanos = cpu_ticks(pids), cpu_nanos(pids)
            time.sleep(seconds)
            return {
                "pssMiB": memory | {"sum": sum(memory.values())},
                "seconds": seconds,
                "cpuTicks": cpu_ticks(pids) - ticks,
                "cpuMillis": (cpu_nanos(pids) - nanos) / 1e6,
            }
        finally:
            os.killpg(p.pid, signal.SIGKILL)


def ring(work):
    """Median round trip of the bare ring in ns, from JMH."""
    out = work / "ring.json"
    run([str(HERE / "run.sh"), "RingBenchmark.bare", "-rf", "json", "-rff", str(out)], work)
    metric = json.loads(out.read_text())[0]["primaryMetric"]
    return {"ns": metric["score"], "error": metric["scoreError"]}


def single(results, key, measure):
    try:
        results[key] = measure()
    except Failure as e:
        results[key] = {"failed": str(e)}


# ---- output ----


def duration(key, nanos):
    if key in ("cpu", "memory"):
        return f"{nanos:.1f} ns"
    for unit, size in (("s", 1e9), ("ms", 1e6), ("us", 1e3)):
        if nanos >= size:
            return f"{nanos / size:.2f} {unit}"
    return f"{nanos:.0f} ns"


def cell(key, row, runtime):
    if runtime in row["failed"]:
        return "failed: " + row["failed"][runtime].replace("|", "/")
    ratio = row["ratios"].get(runtime)
    if ratio is None:
        return "-"
    spread = f" ({ratio['min']:.2f} to {ratio['max']:.2f})"
    return f"**{ratio['median']:.2f}**{spread}, {duration(key, row['medians'][runtime])}"


def markdown(report):
    rows, runtimes = report["ratios"], [r for r in report["runtimes"] if r != "bare"]
    titles = {"redoubt": "Redoubt", "runsc": "gVisor (runsc, systrap)"}
    lines = [
        "| what | bare Linux | target |" + "".join(f" {titles[r]} |" for r in runtimes),
        "|---|---|---|" + "---|" * len(runtimes),
    ]
    for key, row in rows.items():
        if "skipped" in row:
            lines.append(f"| {row['what']} | {row['skipped']} | {row['target']} |" + " |" * len(runtimes))
            continue
        bare = row["medians"].get("bare")
        text = duration(key, bare) if bare else "failed: " + row["failed"].get("bare", "").replace("|", "/")
        lines.append(f"| {row['what']} | {text} | {row['target']} |" + "".join(f" {cell(key, row, r)} |" for r in runtimes))
    lines += ["", "| what | target | measured |", "|---|---|---|"]

    def line(what, target, key, text):
        value = report.get(key)
        if value is not None:
            lines.append(f"| {what} | {target} | {'failed: ' + value['failed'] if 'failed' in value else text(value)} |")

    line("`do -- /bin/true`, from command to exit", "400 ms", "startUp", lambda v: f"{v['median']:.0f} ms ({v['min']:.0f} to {v['max']:.0f}, n={v['n']})")
    line("the same with runsc", "", "startUpRunsc", lambda v: f"{v['median']:.0f} ms ({v['min']:.0f} to {v['max']:.0f}, n={v['n']})")
    line("round trip between sentry and gofer, both awake", "1 us", "ring", lambda v: f"{v['ns']:.0f} ns")
    line(
        "memory of an idle sandbox, sentry and gofer (PSS)", "150 MB", "idle",
        lambda v: "{sum:.0f} MiB (sentry {sentry:.0f}, gofer {gofer:.0f})".format(**v["pssMiB"]),
    )
    line(
        "CPU time of an idle sandbox in 10 s", "0", "idle",
        lambda v: f"{v['cpuTicks']} ticks of 10 ms ({v['cpuMillis']:.1f} ms)",
    )
    m = report["machine"]
    lines += [
        "",
        f"{m['cpus']} CPUs ({m['cpu']}), Linux {m['kernel']}, {report['rounds']} rounds, load before {m['load']}. "
        "Ratios to bare Linux in the same round: median (least to greatest), then the median itself. Each run in a fresh sandbox, without its start.",
    ]
    return "\n".join(lines) + "\n"


def machine():
    model = "unknown"
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.split(":", 1)[1].strip()
            break
    return {
        "cpus": len(os.sched_getaffinity(0)),
        "cpu": model,
        "kernel": platform.release(),
        "load": Path("/proc/loadavg").read_text().split()[0],
    }


def write_readme(text):
    readme = ROOT / "README.md"
    old = readme.read_text()
    begin, end = old.index("<!-- overhead:begin"), old.index("<!-- overhead:end")
    begin = old.index("\n", begin) + 1
    readme.write_text(old[:begin] + text + old[end:])


def main():
    parser = argparse.ArgumentParser(prog="overhead.sh", description="Ratios of Redoubt to bare Linux.")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--starts", type=int, default=15, help="how many starts for the start-up row")
    parser.add_argument("--only", type=lambda s: s.split(","), default=None, help="keys of rows, such as trap,git; or startup, idle, ring")
    parser.add_argument("--runtimes", default=None, help="of bare,redoubt,runsc; default: those that are there")
    parser.add_argument("--no-jmh", action="store_true", help="leave the ring's row out")
    parser.add_argument("--readme", action="store_true", help="put the tables into README.md")
    options = parser.parse_args()
    if options.rounds < 1 or options.starts < 1:
        parser.error("--rounds and --starts are at least 1")
    if options.runtimes:
        runtimes = options.runtimes.split(",")
    else:
        runtimes = ["bare", "redoubt"] + (["runsc"] if shutil.which(os.environ.get("RUNSC", "runsc")) else [])
    if not set(runtimes) <= {"bare", "redoubt", "runsc"}:
        parser.error(f"--runtimes: one of {options.runtimes} is none of bare, redoubt, runsc")

    def wanted(key):
        return not options.only or key in options.only

    report = {"rounds": options.rounds, "runtimes": runtimes, "machine": machine(), "ratios": {}}
    work = Path(tempfile.mkdtemp(prefix="redoubt-overhead-"))
    try:
        prepare(work)
        if "redoubt" in runtimes:
            try:
                run(prefix("redoubt") + ["/bin/true"], work)  # builds what is out of date
            except Failure as e:
                print(f"overhead: redoubt does not run: {e}", file=sys.stderr)
        measure_ratios(options, runtimes, work, report["ratios"])
        if "redoubt" in runtimes and wanted("startup"):
            single(report, "startUp", lambda: start_up("redoubt", work, options.starts))
        if "runsc" in runtimes and wanted("startup"):
            single(report, "startUpRunsc", lambda: start_up("runsc", work, options.starts))
        if wanted("ring") and not options.no_jmh:
            single(report, "ring", lambda: ring(work))
        if "redoubt" in runtimes and wanted("idle"):
            single(report, "idle", lambda: idle(work, 10))
    except KeyboardInterrupt:
        print("\noverhead: interrupted; what was measured so far:", file=sys.stderr)
        for row in report["ratios"].values():
            summarize(row)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    text = markdown(report)
    (HERE / "target" / "overhead.json").write_text(json.dumps(report, indent=2) + "\n")
    (HERE / "target" / "overhead.md").write_text(text)
    if options.readme:
        write_readme(text)
    sys.stdout.write(text)


if __name__ == "__main__":
    main()
