package io.redoubt.conformance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** linux.seccomp: what becomes of calls, with runc, where it is installed, and with redoubt. */
final class OciSeccompTest {
  private static final String ALL =
      "\"defaultAction\": \"SCMP_ACT_ALLOW\", \"architectures\": [\"SCMP_ARCH_X86_64\"]";

  /** The profile of Debian's Podman, which is that of Docker and containerd but for details. */
  private static final Path PODMANS = Path.of("/usr/share/containers/seccomp.json");

  @TempDir static Path directory;
  private static Path program;

  @BeforeAll
  static void check() {
    Redoubt.assumeSandbox();
    Redoubt.assumeRoot();
    assumeTrue(Guests.isOnPath("gcc"), "gcc is missing");
    program = directory.resolve("calls");
    Outcome outcome =
        Command.of(
                "gcc",
                "-O1",
                "-Wall",
                "-Werror",
                "-static",
                "-pthread",
                "-o",
                program.toString(),
                Guests.MODULE.resolve("src/test/oci/calls.c").toString())
            .run();
    assertEquals(0, outcome.exit(), outcome::describe);
  }

  private static Path bundle(String seccomp, String calls) throws IOException {
    Path bundle =
        OciRuntime.bundle(
            directory,
            config ->
                config
                    .replace("\"linux\": {", "\"linux\": {\"seccomp\": {" + seccomp + "}, ")
                    .replace(
                        "[\"/bin/sh\", \"-c\", \"sleep 100\"]",
                        "[\"/bin/sh\", \"-c\", " + OciRuntime.quoted(calls) + "]"));
    Files.copy(program, bundle.resolve("rootfs/bin/calls"), StandardCopyOption.COPY_ATTRIBUTES);
    return bundle;
  }

  private static String entry(String names, String action, String rest) {
    return "{\"names\": [\""
        + names.replace(" ", "\", \"")
        + "\"], \"action\": \"SCMP_ACT_"
        + action
        + "\""
        + rest
        + "}";
  }

  private static String profile(String entries) {
    return ALL + ", \"syscalls\": [" + entries + "]";
  }

  private static void prints(String expected, String seccomp, String calls) throws IOException {
    OciRuntime.prints(
        directory, bundle(seccomp, "calls " + calls), expected, "$RT run -b $B c1 </dev/null");
  }

  /**
   * getpriority and uname are served by the sentry, times and sched_yield are the host kernel's.
   */
  private static final String FOUR = "getpriority:140 uname:63 times:100 sched_yield:24";

  @ParameterizedTest(name = "{0}")
  @CsvSource({
    "ERRNO, EPERM",
    "KILL, signal 31",
    "KILL_THREAD, signal 31",
    "KILL_PROCESS, signal 31",
    "TRAP, signal 31",
    "TRACE, ENOSYS"
  })
  void action(String action, String becomes) throws IOException {
    prints(
        "getpriority " + becomes + "\nuname EFAULT\ntimes " + becomes + "\nsched_yield ok\n",
        profile(entry("getpriority times", action, "")),
        FOUR);
  }

  @Test
  void errnoRet() throws IOException {
    prints(
        "getpriority EXDEV\nuname EXDEV\ntimes EXDEV\nsched_yield ok\n",
        profile(entry("getpriority uname times", "ERRNO", ", \"errnoRet\": 18")),
        FOUR);
  }

  @Test
  void errnoZeroIsSuccessWithoutDoing() throws IOException {
    prints(
        "getpriority ok\nuname ok\ntimes ok\nsched_yield ok\n",
        profile(entry("getpriority uname times", "ERRNO", ", \"errnoRet\": 0")),
        FOUR);
  }

  @Test
  void logIsLetThrough() throws IOException {
    prints(
        "getpriority ok\nuname EFAULT\ntimes ok\nsched_yield ok\n",
        profile(entry("getpriority times", "LOG", "")),
        FOUR);
  }

  @Test
  void threadDies() throws IOException {
    prints(
        "getpriority lives\ntimes lives\nsysinfo signal 31\nrt_tgsigqueueinfo signal 31\n",
        profile(
            entry("getpriority times", "KILL_THREAD", "")
                + ","
                + entry("sysinfo rt_tgsigqueueinfo", "KILL_PROCESS", "")),
        "getpriority:thread:140 times:thread:100 sysinfo:thread:99 rt_tgsigqueueinfo:thread:297:-1:1");
  }

  @Test
  void handlerIsTold() throws IOException {
    prints(
        "getpriority code 1 call 140 ok\ntimes code 1 call 100 ok\n",
        profile(entry("getpriority times", "TRAP", "")),
        "getpriority:handler:140 times:handler:100");
  }

  /** Calls that the sentry also has threads run in place of others. */
  @ParameterizedTest(name = "{0}")
  @CsvSource({"ERRNO, EPERM, EPERM", "KILL_PROCESS, signal 31, signal 31"})
  void callsThatAreMadeInPlaceOfOthers(String action, String tgkill, String execveat)
      throws IOException {
    prints(
        "rt_tgsigqueueinfo " + tgkill + "\nexecveat " + execveat + "\nexec ok\n",
        profile(entry("rt_tgsigqueueinfo execveat", action, "")),
        "rt_tgsigqueueinfo:297:-1:1 execveat:322:-1:0:0:0:0 exec:exec");
  }

  @ParameterizedTest(name = "{0} {1}")
  @CsvSource({
    "EQ, 40, EPERM EPERM ok",
    "NE, 40, ok ok EPERM",
    "LT, 41, EPERM EPERM ok",
    "LE, 40, EPERM EPERM ok",
    "GT, 40, ok ok EPERM",
    "GE, 41, ok ok EPERM"
  })
  void operator(String operator, int value, String becomes) throws IOException {
    String[] b = becomes.split(" ");
    // getsid(2) and getpgid(2) of 40 and 41: nobody. ESRCH stands for "ok".
    prints(
        ("a " + b[0] + "\nb " + b[1] + "\nc " + b[2] + "\n").replace("ok", "ESRCH"),
        profile(
            entry(
                "getsid getpgid",
                "ERRNO",
                ", \"args\": [{\"index\": 0, \"value\": "
                    + value
                    + ", \"op\": \"SCMP_CMP_"
                    + operator
                    + "\"}]")),
        "a:124:40 b:121:40 c:124:41");
  }

  @Test
  void maskedAndSeveralArguments() throws IOException {
    prints(
        "a EPERM\nb EINVAL\nc EPERM\nd ok\n",
        profile(
            entry(
                    "unshare",
                    "ERRNO",
                    ", \"args\": [{\"index\": 0, \"value\": 240, \"valueTwo\": 16, \"op\": \"SCMP_CMP_MASKED_EQ\"}]")
                + ","
                + entry(
                    "madvise",
                    "ERRNO",
                    ", \"args\": [{\"index\": 1, \"value\": 4096, \"op\": \"SCMP_CMP_EQ\"}, {\"index\": 2, \"value\": 4, \"op\": \"SCMP_CMP_EQ\"}]")),
        "a:272:0x13 b:272:0x23 c:28:0:4096:4 d:28:0:0:4");
  }

  /** A profile that lists what it allows, and what is newer than all that it lists is ENOSYS. */
  @ParameterizedTest(name = "{0}")
  @ValueSource(strings = {"\"SCMP_ACT_ERRNO\"", "\"SCMP_ACT_ERRNO\", \"defaultErrnoRet\": 6"})
  void defaultAction(String action) throws IOException {
    String seccomp =
        "\"defaultAction\": "
            + action
            + ", \"architectures\": [\"SCMP_ARCH_X86_64\"], \"syscalls\": ["
            + entry(ALLOWED, "ALLOW", "")
            + "]";
    String errno = action.contains("6") ? "ENXIO" : "EPERM";
    prints(
        "getpriority "
            + errno
            + "\nuname EFAULT\ntimes "
            + errno
            + "\nsched_yield ok\nmseal ENOSYS\n",
        seccomp,
        FOUR + " mseal:462:1");
  }

  /** What runc and a static program need. */
  private static final String ALLOWED =
      "read write open openat close fstat newfstatat stat lseek mmap mprotect munmap brk rt_sigaction rt_sigprocmask"
          + " rt_sigreturn ioctl pread64 access pipe pipe2 dup dup2 nanosleep getpid socket connect sendto recvfrom sendmsg"
          + " recvmsg clone fork vfork execve exit wait4 kill uname fcntl getdents64 chdir fchdir readlink umask"
          + " gettimeofday getuid setuid setgid getgid geteuid getegid setgroups capget capset prctl arch_prctl gettid"
          + " futex sched_getaffinity set_tid_address exit_group epoll_wait epoll_ctl epoll_create1 epoll_pwait tgkill"
          + " set_robust_list prlimit64 getrandom rseq sched_yield sigaltstack statfs fstatfs getgroups setresuid"
          + " setresgid madvise readlinkat mknodat clock_gettime clock_nanosleep poll ppoll waitid faccessat faccessat2"
          + " close_range seccomp setsid getcwd getppid pselect6 eventfd2 inotify_init1 rt_sigsuspend setpgid getpgrp";

  @Test
  void defaultActionKills() throws IOException {
    String seccomp =
        "\"defaultAction\": \"SCMP_ACT_KILL_PROCESS\", \"architectures\": [\"SCMP_ARCH_X86_64\"], \"syscalls\": ["
            + entry(ALLOWED, "ALLOW", "")
            + "]";
    prints(
        "getpriority signal 31\nuname EFAULT\ntimes signal 31\nsched_yield ok\nexecveat signal 31\nexec ok\n",
        seccomp,
        FOUR + " execveat:322:-1:0:0:0:0 exec:exec");
  }

  @Test
  void isShown() throws IOException {
    OciRuntime.prints(
        directory,
        bundle(profile(entry("getpriority", "ERRNO", "")), "grep Seccomp: /proc/self/status"),
        "Seccomp:\t2\n",
        "$RT run -b $B c1 </dev/null");
  }

  @Test
  void ofAnExec() throws IOException {
    OciRuntime.prints(
        directory,
        bundle(profile(entry("getpriority times", "ERRNO", "")), "sleep 100"),
        "getpriority EPERM\nuname EFAULT\ntimes EPERM\nsched_yield ok\n",
        "$RT run -d -b $B c1 </dev/null >/dev/null 2>&1; $RT exec c1 calls "
            + FOUR
            + "; $RT delete -f c1");
  }

  /**
   * The real one, as Podman makes config.json of it for a container with its usual capabilities.
   */
  @Test
  void profileOfPodman() throws IOException {
    assumeTrue(Files.exists(PODMANS), "Podman's seccomp.json is missing");
    assumeTrue(Guests.isOnPath("python3"), "python3 is missing");
    Outcome made =
        Command.of(
                "python3",
                Guests.MODULE.resolve("src/test/oci/profile.py").toString(),
                PODMANS.toString())
            .run();
    assertEquals(0, made.exit(), made::describe);
    // Without what no guest of a sandbox has, and so gets an error of its own.
    String calls =
        "getcwd:79 personality:135:0xffffffff personality:135:0x40000 mount:165 "
            + " kexec_load:246 init_module:175 delete_module:176 reboot:169 swapon:167"
            + " acct:163 bpf:321 clock_settime:227 settimeofday:164 iopl:172 ioperm:173 kcmp:312"
            + " sethostname:170 setdomainname:171 chroot:161 quotactl:179 mknod:133 open_by_handle_at:304"
            + " move_pages:279 socket:41:16:3:9 socket:41:1:1:0"
            + " add_key:248 request_key:249 vhangup:153 sched_yield:24 exec:exec";
    Outcome runc = null;
    Path bundle = bundle(made.out().strip().replaceAll("^\\{|\\}$", ""), "calls " + calls);
    OciRuntime reference = OciRuntime.runc(directory);
    if (reference != null) {
      runc = reference.run(bundle, "$RT run -b $B c1 </dev/null");
    }
    Outcome ours = OciRuntime.redoubt(directory).run(bundle, "$RT run -b $B c1 </dev/null");
    assertEquals(0, ours.exit(), ours::describe);
    if (runc != null) {
      assertEquals(runc.out(), ours.out(), ours::describe);
    }
  }

  @ParameterizedTest(name = "{0}")
  @CsvSource(
      delimiter = '|',
      value = {
        "\"defaultAction\": \"SCMP_ACT_DANCE\" | string SCMP_ACT_DANCE is not a valid action for seccomp",
        "\"defaultAction\": \"SCMP_ACT_ALLOW\", \"architectures\": [\"VAX\"] | string VAX is not a valid arch for seccomp",
      })
  void malformed(String seccomp, String phrase) throws IOException {
    OciRuntime.refuses(
        directory, bundle(seccomp, "true"), 1, phrase, "$RT run -b $B c1 </dev/null");
  }

  @ParameterizedTest(name = "{0}")
  @CsvSource(
      delimiter = '|',
      value = {
        "getpriority | NOTIFY | SCMP_ACT_NOTIFY is not supported",
        "mmap | ERRNO | refuses mmap, by which programs are loaded here",
      })
  void whatCannotBeEnforced(String name, String action, String phrase) throws IOException {
    Outcome outcome =
        OciRuntime.redoubt(directory)
            .run(
                bundle(profile(entry(name, action, "")), "true"),
                "$RT run -b $B c1 </dev/null; echo $?; phrase");
    assertEquals(true, outcome.out().startsWith("1\n"), outcome::describe);
    assertEquals(true, outcome.out().contains(phrase), outcome::describe);
  }
}
