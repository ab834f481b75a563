package io.redoubt.seccomp;

import io.redoubt.seccomp.Action.Errno;
import java.util.ArrayList;
import java.util.List;

/**
 * The calls that no guest can ever have. The filter answers them itself, so that neither the host
 * kernel nor the sentry has any code for them that a guest can reach. The error is what Linux
 * answers an ordinary user, or what a kernel without the feature answers: programs are prepared for
 * those two.
 */
final class DeniedCalls {
  private static final Errno EPERM = new Errno(1);
  private static final Errno EACCES = new Errno(13);
  private static final Errno ENOSYS = new Errno(38);

  static final List<Rule> RULES = rules();

  private DeniedCalls() {}

  private static List<Rule> rules() {
    var rules = new ArrayList<Rule>();

    deny(
        rules,
        ENOSYS,
        "flags in memory; libc falls back to clone, whose flags are in a register",
        "clone3");
    deny(
        rules,
        ENOSYS,
        "libc uses futex; these take their futexes from memory or add nothing",
        "futex_waitv",
        "futex_wake",
        "futex_wait",
        "futex_requeue");

    deny(
        rules,
        EPERM,
        "code in the host kernel",
        "bpf",
        "init_module",
        "finit_module",
        "delete_module",
        "kexec_load",
        "kexec_file_load");
    deny(
        rules,
        EPERM,
        "state of the whole host",
        "reboot",
        "swapon",
        "swapoff",
        "acct",
        "settimeofday",
        "vhangup");
    deny(rules, EPERM, "the host's I/O ports", "iopl", "ioperm");
    deny(rules, EPERM, "opens files past every mount", "open_by_handle_at");
    deny(
        rules,
        EACCES,
        "counters that see other tenants; as perf_event_paranoid forbids it",
        "perf_event_open");

    deny(
        rules,
        ENOSYS,
        "runs calls that no filter sees",
        "io_uring_setup",
        "io_uring_enter",
        "io_uring_register");
    deny(
        rules,
        ENOSYS,
        "stops the kernel in the middle of a copy, a tool of exploits",
        "userfaultfd");
    deny(rules, ENOSYS, "keyrings have no namespace", "add_key", "request_key", "keyctl");
    deny(
        rules,
        ENOSYS,
        "segments in the host's descriptor tables",
        "modify_ldt",
        "set_thread_area",
        "get_thread_area");
    deny(
        rules,
        ENOSYS,
        "needs a kernel or CPU feature that the sandbox does not show",
        "pkey_alloc",
        "pkey_free",
        "pkey_mprotect",
        "map_shadow_stack",
        "mseal",
        "memfd_secret");
    deny(
        rules,
        ENOSYS,
        "security modules of the host",
        "landlock_create_ruleset",
        "landlock_add_rule",
        "landlock_restrict_self",
        "lsm_get_self_attr",
        "lsm_set_self_attr",
        "lsm_list_modules");
    deny(rules, ENOSYS, "watches file systems of the host", "fanotify_init", "fanotify_mark");
    // since 6.14 seccomp lets these two pass unseen; outside of a probe they raise SIGILL
    deny(
        rules,
        ENOSYS,
        "made only by code that the kernel itself has put in place",
        "uretprobe",
        "uprobe");

    deny(
        rules,
        ENOSYS,
        "Linux has no such call any more, or never had",
        "create_module",
        "get_kernel_syms",
        "query_module",
        "lookup_dcookie",
        "nfsservctl",
        "uselib",
        "_sysctl",
        "sysfs",
        "afs_syscall",
        "tuxcall",
        "security",
        "vserver",
        "getpmsg",
        "putpmsg",
        "epoll_ctl_old",
        "epoll_wait_old");
    return List.copyOf(rules);
  }

  private static void deny(List<Rule> rules, Errno errno, String reason, String... names) {
    for (String name : names) {
      rules.add(Rule.on(name, errno, reason));
    }
  }
}
