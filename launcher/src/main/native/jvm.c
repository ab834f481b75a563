#include "jvm.h"

#include "output.h"
#include "seal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <linux/capability.h>
#include <linux/close_range.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define SENTRY_MAIN "io.redoubt.launcher.Main"
#define GOFER_MAIN "io.redoubt.gofer.GoferMain"

bool jvm_is_confined = true;

static char home[PATH_MAX]; /* the installation: what holds lib, etc, aot and runtime */

/*
 * Whether variables of the environment may name other programs than those beside this one: in a build tree alone, which says so by a
 * file. Who starts an installed front may have his environment from somebody else: from the job that he runs in.
 */
static bool is_development;

static char java[PATH_MAX + 32];
static char *class_path;

/* A growing argv or envp; this program is short-lived and frees nothing. */
struct list {
    char **items;
    size_t count;
};

static void add(struct list *list, char *item)
{
    if (list->count % 64 == 0)
        list->items = realloc(list->items, (list->count + 65) * sizeof(char *));
    if (!list->items)
        abort();
    list->items[list->count++] = item;
    list->items[list->count] = NULL;
}

static char *format2(const char *format, const char *first, const char *second)
{
    char *text;
    if (asprintf(&text, format, first, second) < 0)
        abort();
    return text;
}

/* A file of the installation as one string, or null. */
static char *read_text(const char *folder, const char *name)
{
    char *path = format2("%s/%s", home, format2("%s/%s", folder, name));
    FILE *file = fopen(path, "re");
    char *text = NULL;
    size_t size = 0;
    if (file && getdelim(&text, &size, 0, file) < 0)
        text = strdup("");
    if (file)
        fclose(file);
    return text;
}

/* Calls for every line that is neither empty nor a comment, without the space around it. */
static void add_lines(struct list *list, char *text)
{
    char *rest = text, *line;
    while (rest && (line = strsep(&rest, "\n"))) {
        line += strspn(line, " \t\r");
        size_t length = strlen(line);
        while (length && strchr(" \t\r", line[length - 1]))
            line[--length] = 0;
        if (length && *line != '#')
            add(list, line);
    }
}

static bool is_executable(const char *folder, const char *name)
{
    snprintf(java, sizeof java, "%s%s", folder, name);
    return access(java, X_OK) == 0;
}

static void find_home(void)
{
    ssize_t length = readlink("/proc/self/exe", home, sizeof home - 1);
    if (length < 0)
        length = 0;
    home[length] = 0;
    char *slash = strrchr(home, '/');
    if (slash)
        *slash = 0;
    slash = strrchr(home, '/');
    if (slash && strcmp(slash, "/bin") == 0)
        *slash = 0;
    is_development = access(format2("%s%s", home, "/etc/development"), F_OK) == 0;
    const char *given = getenv("REDOUBT_DIST");
    if (is_development && given)
        snprintf(home, sizeof home, "%s", given);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The order is part of the key of the ahead-of-time cache: either written down by the build, or sorted. */
static void find_class_path(void)
{
    struct list jars = {0};
    char *listed = read_text("etc", "classpath");
    if (listed) {
        add_lines(&jars, listed);
    } else {
        DIR *folder = opendir(format2("%s/%s", home, "lib"));
        struct dirent *entry;
        while (folder && (entry = readdir(folder))) {
            size_t length = strlen(entry->d_name);
            if (length > 4 && strcmp(entry->d_name + length - 4, ".jar") == 0)
                add(&jars, strdup(entry->d_name));
        }
        if (folder)
            closedir(folder);
        if (jars.count)
            qsort(jars.items, jars.count, sizeof(char *), by_name);
    }
    size_t size = 1;
    for (size_t i = 0; i < jars.count; i++)
        size += strlen(home) + strlen("/lib/") + strlen(jars.items[i]) + 1;
    char *at = class_path = calloc(1, size);
    for (size_t i = 0; at && i < jars.count; i++)
        at += sprintf(at, "%s%s%s%s", i ? ":" : "", *jars.items[i] == '/' ? "" : home, *jars.items[i] == '/' ? "" : "/lib/",
                      jars.items[i]);
}

bool jvm_is_replaced(void)
{
    const char *override = getenv("REDOUBT_JAVA");
    return is_development && override && *override;
}

bool jvm_find(void)
{
    find_home();
    const char *override = getenv("REDOUBT_JAVA"), *java_home = getenv("REDOUBT_JAVA_HOME");
    if (jvm_is_replaced()) {
        if (!is_executable(override, "")) {
            complain("REDOUBT_JAVA is not an executable file: %s", override);
            return false;
        }
    } else if (!is_executable(home, "/runtime/bin/java") && !is_development) {
        complain("no Java runtime: %s/runtime/bin/java is not there. Install Redoubt again, as a whole", home);
        return false;
    } else if (!is_executable(home, "/runtime/bin/java") && !(java_home && is_executable(java_home, "/bin/java"))) {
        complain("no Java 25 runtime: neither %s/runtime/bin/java nor $REDOUBT_JAVA_HOME/bin/java is there. Install one "
                 "(apt-get install openjdk-25-jre-headless) and set REDOUBT_JAVA_HOME to it",
                 home);
        return false;
    } else {
        /* Faster than the JDK's own: see java.c. */
        char found[sizeof java];
        strcpy(found, java);
        if (!is_executable(home, "/bin/redoubt-jvm"))
            strcpy(java, found);
    }
    find_class_path();
    return true;
}

static char **command_line(const char *name, bool below_front, char **arguments)
{
    bool is_gofer = strcmp(name, "gofer") == 0;
    struct list list = {0};
    add(&list, java);
    add_lines(&list, read_text("etc", format2("%s%s", name, ".jvmopts")));
    char *cache = format2("%s/aot/%s.aot", home, name);
    if (access(cache, R_OK) == 0)
        add(&list, format2("%s%s", "-XX:AOTCache=", cache));
    add(&list, format2("%s%s", "-Dredoubt.trap=", format2("%s%s", home, "/bin/libtrap.so")));
    if (below_front)
        add(&list, strdup("-Dredoubt.front=1"));
    if (!jvm_is_confined)
        add(&list, strdup("-Dredoubt.confinement=off"));
    add(&list, strdup("-cp"));
    add(&list, class_path);
    add(&list, strdup(is_gofer ? GOFER_MAIN : SENTRY_MAIN));
    for (; *arguments; arguments++)
        add(&list, *arguments);
    return list.items;
}

const char *jvm_home(void)
{
    if (!*home)
        find_home();
    return home;
}

char **jvm_cache_check(const char *name)
{
    char *none[] = {NULL}, **words = command_line(name, false, none);
    struct list list = {0};
    bool has_cache = false;
    add(&list, format2("%s%s", home, "/runtime/bin/java"));
    for (char **word = words + 1; *word && strcmp(*word, "-cp"); word++) {
        has_cache |= strncmp(*word, "-XX:AOTCache=", 13) == 0;
        add(&list, *word);
    }
    char mode[] = "-XX:AOTMode=on", cp[] = "-cp", version[] = "-version", *rest[] = {strdup(mode), strdup(cp), class_path, strdup(version)};
    for (size_t i = 0; i < sizeof rest / sizeof *rest; i++)
        add(&list, rest[i]);
    return has_cache ? list.items : NULL;
}

/* Filled in by the child, which alone knows. */
#define PROC_VARIABLE "REDOUBT_PROC="
static char proc_variable[sizeof PROC_VARIABLE + 16] = PROC_VARIABLE;

/* What the front tells its sentry; set by it alone, and so not to be had from the caller. */
static const char *const told[] = {"REDOUBT_NOFILE=", "REDOUBT_FDS=", "REDOUBT_LISTEN_FDS="};

void jvm_forget_told(void)
{
    for (size_t i = 0; i < sizeof told / sizeof *told; i++) {
        char name[32];
        snprintf(name, sizeof name, "%.*s", (int)strlen(told[i]) - 1, told[i]);
        unsetenv(name);
    }
}

static bool is_for_jvm(const char *variable)
{
    if (strncmp(variable, "PATH=", 5) == 0 || strncmp(variable, "HOME=", 5) == 0)
        return true;
    for (size_t i = 0; i < sizeof told / sizeof *told; i++)
        if (strncmp(variable, told[i], strlen(told[i])) == 0)
            return true;
    /* For scripts in place of the JVM. */
    return is_development && strncmp(variable, "REDOUBT_", 8) == 0 && strncmp(variable, PROC_VARIABLE, strlen(PROC_VARIABLE)) != 0;
}

/*
 * Little of the caller's environment reaches the JVMs: JAVA_TOOL_OPTIONS and its relatives add options (and a line on stderr),
 * LD_* adds code, and locale changes what the cache was trained with.
 */
static char **environment(void)
{
    struct list list = {0};
    for (char **variable = environ; *variable; variable++)
        if (is_for_jvm(*variable))
            add(&list, *variable);
    add(&list, proc_variable);
    /* One heap of malloc's for all threads: each that starts would map one of its own, and no thread is in malloc often. */
    add(&list, strdup("MALLOC_ARENA_MAX=1"));
    add(&list, strdup("MALLOC_TOP_PAD_=1048576"));
    add(&list, strdup("LANG=C.UTF-8"));
    add(&list, strdup("LC_ALL=C.UTF-8"));
    return list.items;
}

void jvm_exec_command(char **arguments)
{
    char **command = command_line("sentry", false, arguments);
    execve(java, command, environment());
    complain("cannot start %s: %s", java, strerror(errno));
}

/* What root's sentry keeps. That it may act on its guests needs none: it is of the user that owns their user namespace (capabilities(7)). */
static const unsigned sentry_capabilities[] = {
    CAP_DAC_OVERRIDE,     /* the bundle and the trace file, wherever they are; later it opens only below /proc and /sys */
    CAP_NET_BIND_SERVICE, /* ports of a network that is not the sandbox's own: the guest must have it in the sentry's books */
    CAP_SYS_RESOURCE,     /* a guest with that capability raises its own limits */
};

/* What root's gofer keeps: files of others, in the trees that were granted. */
static const unsigned gofer_capabilities[] = {CAP_CHOWN, CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH, CAP_FOWNER, CAP_FSETID};

/*
 * Root's capabilities after an exec are the inheritable and the bounding ones (capabilities(7)). Who may not take something out of the
 * bounding set is no root, or one without CAP_SETPCAP: the first has nothing to lose, the second keeps what little it has.
 */
static bool drop_capabilities(const unsigned *keep, size_t count)
{
    for (unsigned capability = 0; capability < 64; capability++) {
        bool is_kept = false;
        for (size_t i = 0; i < count; i++)
            is_kept |= keep[i] == capability;
        if (!is_kept && prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) && errno != EINVAL && errno != EPERM)
            return false;
    }
    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct sets[2];
    if (syscall(SYS_capget, &header, sets))
        return false;
    sets[0].inheritable = sets[1].inheritable = 0;
    return syscall(SYS_capset, &header, sets) == 0 && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0;
}

static bool confine(bool is_gofer)
{
    return is_gofer ? drop_capabilities(gofer_capabilities, sizeof gofer_capabilities / sizeof *gofer_capabilities)
                    : drop_capabilities(sentry_capabilities, sizeof sentry_capabilities / sizeof *sentry_capabilities);
}

/* In the child: what goes wrong is told on the pipe, the front prints it. */
static _Noreturn void become_jvm(char **command, char **envp, pid_t front, int error_pipe, const struct jvm_fd *fds, int count,
                                 int user_namespace, bool is_gofer)
{
    /* The caller's terminal must not send us its ^C, and we must not outlive the front. It may already be gone. */
    setsid();
    if (user_namespace >= 0 && (setns(user_namespace, CLONE_NEWUSER) || setgroups(0, NULL) || setresgid(0, 0, 0) || setresuid(0, 0, 0))) {
        dprintf(error_pipe, "redoubt: cannot enter the container's user namespace: %s\n", strerror(errno));
        _exit(1);
    }
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    if (getppid() != front)
        _exit(1);

    /*
     * The front keeps every descriptor of its own above all these targets, so none is overwritten before it is copied; 0, 1 and
     * 2 come last because they are the caller's, and among what is copied.
     */
    int first_free = 3;
    for (int i = 0; i < count; i++) {
        while (first_free < fds[i].to)
            close(first_free++);
        if (fds[i].from < 0)
            close(fds[i].to);
        else
            dup2(fds[i].from, fds[i].to);
        first_free = fds[i].to + 1;
    }
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    dup2(null, 0);
    dup2(null, 1);
    dup2(error_pipe, 2);
    syscall(SYS_close_range, (unsigned)first_free, ~0u, 0);

    /*
     * The front alone is asked to end, and asks the guest. A batch system signals every process of a job, and a JVM that ended by
     * itself would take the guest with it before its handler has run. The JVM leaves alone what is ignored.
     */
    sigset_t none;
    sigemptyset(&none);
    signal(SIGPIPE, SIG_DFL);
    signal(SIGHUP, SIG_IGN);
    signal(SIGINT, SIG_IGN);
    signal(SIGTERM, SIG_IGN);
    sigprocmask(SIG_SETMASK, &none, NULL);
    int proc = -1;
    if (jvm_is_confined && user_namespace < 0 && !jvm_is_replaced() && !seal_begin(is_gofer, &proc)) {
        dprintf(2, "redoubt: cannot give the %s a mount namespace: %s\n", is_gofer ? "gofer" : "sentry", strerror(errno));
        _exit(1);
    }
    if (proc >= 0)
        snprintf(proc_variable, sizeof proc_variable, PROC_VARIABLE "%d", proc);
    if (jvm_is_confined && !confine(is_gofer)) {
        dprintf(2, "redoubt: cannot drop the capabilities of the %s: %s\n", is_gofer ? "gofer" : "sentry", strerror(errno));
        _exit(1);
    }
    execve(command[0], command, envp);
    dprintf(2, "redoubt: cannot start %s: %s\n", command[0], strerror(errno));
    _exit(127);
}

bool jvm_start(struct jvm *jvm, const char *name, char **arguments, int error_pipe, const struct jvm_fd *fds, int fd_count,
               int user_namespace)
{
    char **command = command_line(name, true, arguments), **envp = environment();
    pid_t front = getpid();
    jvm->pid = fork();
    if (jvm->pid == 0)
        become_jvm(command, envp, front, error_pipe, fds, fd_count, user_namespace, strcmp(name, "gofer") == 0);
    if (jvm->pid > 0)
        jvm->pidfd = (int)syscall(SYS_pidfd_open, jvm->pid, 0);
    if (jvm->pid < 0 || jvm->pidfd < 0) {
        complain("cannot start the %s: %s", name, strerror(errno));
        return false;
    }
    return true;
}
