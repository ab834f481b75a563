/* The command line of the OCI commands, as runc reads it: options may come before or after the container id. */
#include "oci.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct oci oci;

enum kind { FLAG, VALUE, LIST, IGNORED_FLAG, IGNORED_VALUE };

struct option {
    const char *name;
    char letter;
    enum kind kind;
    void *into;
    const char *help;
};

static bool wants_help, wants_version;

static const struct option global_options[] = {
    {"root", 0, VALUE, &oci.root, "DIR: where the state of containers is kept (default /run/redoubt)"},
    {"config", 0, VALUE, &oci.config, "FILE: the operator's configuration (default /etc/redoubt/redoubt.json)"},
    {"audit-log", 0, VALUE, &oci.audit_log, "FILE or unix:SOCKET: what sandboxes were denied, as lines of JSON"},
    {"log", 0, VALUE, &oci.log, "FILE: where errors are logged as well"},
    {"log-format", 0, VALUE, &oci.log_format, "text or json"},
    {"debug", 0, FLAG, &oci.debug, "warnings too: in the log, or on standard error"},
    {"systemd-cgroup", 0, FLAG, &oci.systemd_cgroup, "cgroupsPath is slice:prefix:name of systemd"},
    {"rootless", 0, VALUE, &oci.rootless, "true, false or auto: go on where cgroups may not be changed"},
    {"criu", 0, IGNORED_VALUE, NULL, NULL},
    {"cgroup-manager", 0, IGNORED_VALUE, NULL, NULL},
    {"version", 'v', FLAG, &wants_version, "print the version"},
    {"help", 'h', FLAG, &wants_help, "print this"},
    {0},
};

#define HELP {"help", 'h', FLAG, &oci.help, "print this"}

static const struct option create_options[] = {
    {"bundle", 'b', VALUE, &oci.bundle, "DIR: the bundle, with config.json (default: here)"},
    {"console-socket", 0, VALUE, &oci.console_socket, "PATH: an AF_UNIX socket that is sent the terminal's master"},
    {"pid-file", 0, VALUE, &oci.pid_file, "FILE: write the process id of the container there"},
    {"preserve-fds", 0, VALUE, &oci.preserve_fds, "N: hand on so many descriptors after stdio"},
    {"no-pivot", 0, IGNORED_FLAG, NULL, NULL},
    {"no-new-keyring", 0, IGNORED_FLAG, NULL, NULL},
    HELP,
    {0},
};

static const struct option run_options[] = {
    {"bundle", 'b', VALUE, &oci.bundle, "DIR: the bundle, with config.json (default: here)"},
    {"console-socket", 0, VALUE, &oci.console_socket, "PATH: an AF_UNIX socket that is sent the terminal's master"},
    {"detach", 'd', FLAG, &oci.detach, "do not wait for the end"},
    {"keep", 0, FLAG, &oci.keep, "do not delete the container when it has ended"},
    {"pid-file", 0, VALUE, &oci.pid_file, "FILE: write the process id of the container there"},
    {"preserve-fds", 0, VALUE, &oci.preserve_fds, "N: hand on so many descriptors after stdio"},
    {"no-subreaper", 0, IGNORED_FLAG, NULL, NULL},
    {"no-pivot", 0, IGNORED_FLAG, NULL, NULL},
    {"no-new-keyring", 0, IGNORED_FLAG, NULL, NULL},
    HELP,
    {0},
};

static const struct option exec_options[] = {
    {"process", 'p', VALUE, &oci.process, "FILE: the process as JSON"},
    {"detach", 'd', FLAG, &oci.detach, "do not wait for the end"},
    {"tty", 't', FLAG, &oci.tty, "give the command a terminal of its own"},
    {"console-socket", 0, VALUE, &oci.console_socket, "PATH: an AF_UNIX socket that is sent the terminal's master"},
    {"pid-file", 0, VALUE, &oci.pid_file, "FILE: write the process id of the command there"},
    {"cwd", 0, VALUE, &oci.cwd, "DIR: start there"},
    {"env", 'e', LIST, &oci.lists[LIST_ENV], "K=V: set an environment variable, may be repeated"},
    {"user", 'u', VALUE, &oci.user, "UID[:GID]: run as this user"},
    {"additional-gids", 'g', LIST, &oci.lists[LIST_GIDS], "GID: a supplementary group, may be repeated"},
    {"cap", 'c', LIST, &oci.lists[LIST_CAPS], "CAP: one more capability, may be repeated"},
    {"no-new-privs", 0, FLAG, &oci.no_new_privs, "no exec gives privileges"},
    {"cgroup", 0, VALUE, &oci.cgroup, "[CONTROLLER:]PATH: in this control group below the container's"},
    {"preserve-fds", 0, VALUE, &oci.preserve_fds, "N: hand on so many descriptors after stdio"},
    {"ignore-paused", 0, FLAG, &oci.ignore_paused, "in a paused container too"},
    {"process-label", 0, IGNORED_VALUE, NULL, NULL},
    {"apparmor", 0, IGNORED_VALUE, NULL, NULL},
    {"no-subreaper", 0, IGNORED_FLAG, NULL, NULL},
    HELP,
    {0},
};

static const struct option plain_options[] = {HELP, {0}};
static const struct option kill_options[] = {
    {"all", 'a', FLAG, &oci.all, "every process of the container"},
    HELP,
    {0},
};
static const struct option delete_options[] = {
    {"force", 'f', FLAG, &oci.force, "kill it first if it still runs; nothing to delete is fine"},
    HELP,
    {0},
};
static const struct option ps_options[] = {
    {"format", 'f', VALUE, &oci.format, "table or json"},
    HELP,
    {0},
};
static const struct option list_options[] = {
    {"format", 'f', VALUE, &oci.format, "table or json"},
    {"quiet", 'q', FLAG, &oci.quiet, "container ids only"},
    HELP,
    {0},
};
static const struct option events_options[] = {
    {"stats", 0, FLAG, &oci.stats, "print the figures once and end"},
    {"interval", 0, VALUE, &oci.interval, "DURATION: how often to print them (default 5s)"},
    HELP,
    {0},
};
static bool is_rootless_spec;
static const struct option spec_options[] = {
    {"bundle", 'b', VALUE, &oci.bundle, "DIR: write it there"},
    {"rootless", 0, FLAG, &is_rootless_spec, "for an ordinary user"},
    HELP,
    {0},
};

const char *const update_names[] = {"blkio-weight",       "cpu-period",  "cpu-quota",   "cpu-share",  "cpu-rt-period", "cpu-rt-runtime",
                                    "cpuset-cpus",        "cpuset-mems", "memory",      "memory-swap", "memory-reservation",
                                    "pids-limit",         NULL};

static const struct option update_options[] = {
    {"resources", 'r', VALUE, &oci.resources, "FILE: LinuxResources as JSON, - is standard input"},
    {"blkio-weight", 0, VALUE, &oci.update[0], "10 to 1000"},
    {"cpu-period", 0, VALUE, &oci.update[1], "microseconds"},
    {"cpu-quota", 0, VALUE, &oci.update[2], "microseconds in a period, -1 for no limit"},
    {"cpu-share", 0, VALUE, &oci.update[3], "weight against other containers"},
    {"cpu-rt-period", 0, VALUE, &oci.update[4], "microseconds"},
    {"cpu-rt-runtime", 0, VALUE, &oci.update[5], "microseconds"},
    {"cpuset-cpus", 0, VALUE, &oci.update[6], "processors"},
    {"cpuset-mems", 0, VALUE, &oci.update[7], "memory nodes"},
    {"memory", 0, VALUE, &oci.update[8], "bytes"},
    {"memory-swap", 0, VALUE, &oci.update[9], "bytes of memory and swap, -1 for no limit"},
    {"memory-reservation", 0, VALUE, &oci.update[10], "bytes"},
    {"pids-limit", 0, VALUE, &oci.update[11], "processes and threads"},
    {"kernel-memory", 0, IGNORED_VALUE, NULL, NULL},
    {"kernel-memory-tcp", 0, IGNORED_VALUE, NULL, NULL},
    {"l3-cache-schema", 0, IGNORED_VALUE, NULL, NULL},
    {"mem-bw-schema", 0, IGNORED_VALUE, NULL, NULL},
    HELP,
    {0},
};

static int command_run(void)
{
    return oci.detach ? command_create() : -1;
}

static int command_absent(void)
{
    oci_fail("%s is not supported: a sandbox cannot be saved to disk and brought back", oci.command);
}

static const struct command {
    const char *name;
    const struct option *options;
    int (*run)(void);
    const char *words, *help;
    bool stops_at_word; /* options end at the first word after the id: the rest is a command line */
} commands[] = {
    {"create", create_options, command_create, "ID", "make a container of a bundle; start runs its program", false},
    {"start", plain_options, command_start, "ID", "start the program of a container that was created", false},
    {"run", run_options, command_run, "ID", "create and start; waits for the end unless --detach", false},
    {"state", plain_options, command_state, "ID", "print the state of a container as JSON", false},
    {"kill", kill_options, command_kill, "ID [SIGNAL]", "send a signal to a container (default TERM)", false},
    {"delete", delete_options, command_delete, "ID", "remove what is left of a container", false},
    {"list", list_options, command_list, "", "list containers", false},
    {"exec", exec_options, command_exec, "ID [COMMAND [ARGUMENT ...]]", "run another program in a container", true},
    {"ps", ps_options, command_ps, "ID [PS OPTION ...]", "list the processes of a container", true},
    {"pause", plain_options, command_pause, "ID", "stop all processes of a container", false},
    {"resume", plain_options, command_resume, "ID", "let them go on", false},
    {"update", update_options, command_update, "ID", "change the limits of a container", false},
    {"events", events_options, command_events, "ID", "print figures of what a container uses", false},
    {"features", plain_options, command_features, "", "print what this runtime can do as JSON", false},
    {"spec", spec_options, command_spec, "", "write a config.json to start from", false},
    {"checkpoint", NULL, command_absent, "ID", NULL, false},
    {"restore", NULL, command_absent, "ID", NULL, false},
    {0},
};

static const struct command *command;

static _Noreturn void print_options(const struct option *options)
{
    for (; options->name; options++) {
        char name[40];
        if (!options->help)
            continue;
        if (options->letter)
            snprintf(name, sizeof name, "-%c, --%s", options->letter, options->name);
        else
            snprintf(name, sizeof name, "--%s", options->name);
        printf("  %-24s %s\n", name, options->help);
    }
    exit(0);
}

static _Noreturn void print_command_help(void)
{
    printf("Usage: redoubt [GLOBAL OPTION ...] %s [OPTION ...] %s\n%s\n\n", command->name, command->words, command->help);
    print_options(command->options);
}

static _Noreturn void print_help(void)
{
    printf("Usage: redoubt [GLOBAL OPTION ...] COMMAND [OPTION ...]\n\n"
           "  do         run a program of this machine in a sandbox: redoubt do -- make test\n");
    for (const struct command *c = commands; c->name; c++)
        if (c->help)
            printf("  %-10s %s\n", c->name, c->help);
    printf("  profile    print what the guest's seccomp filter lets through, denies and traps\n"
           "  syscalls   print which system calls the sandbox serves, and how far\n"
           "  help       print this, or the options of a command: redoubt help create\n\nGlobal options:\n");
    print_options(global_options);
}

static void append(const char ***list, const char *value)
{
    size_t count = 0;
    while (*list && (*list)[count])
        count++;
    *list = realloc(*list, (count + 2) * sizeof **list);
    if (!*list)
        abort();
    (*list)[count] = value;
    (*list)[count + 1] = NULL;
}

static bool truth(const char *name, const char *value)
{
    if (!value || strcasecmp(value, "true") == 0 || strcmp(value, "1") == 0 || strcasecmp(value, "t") == 0)
        return true;
    if (strcasecmp(value, "false") == 0 || strcmp(value, "0") == 0 || strcasecmp(value, "f") == 0)
        return false;
    oci_fail("option --%s: %s is neither true nor false", name, value);
}

static const struct option *find(const struct option *options, const char *word, size_t length)
{
    for (; options->name; options++)
        if ((strlen(options->name) == length && strncmp(options->name, word, length) == 0) ||
            (length == 1 && options->letter == *word))
            return options;
    return NULL;
}

/* argv[*at] is an option: takes it and its value. */
static void take(const struct option *options, char **argv, int *at)
{
    const char *word = argv[*at] + (argv[*at][1] == '-' ? 2 : 1), *equals = strchr(word, '=');
    const struct option *option = find(options, word, equals ? (size_t)(equals - word) : strlen(word));
    if (!option)
        oci_fail("flag provided but not defined: %s; redoubt %s --help lists the options", argv[*at],
                 oci.command ? oci.command : "");
    const char *value = equals ? equals + 1 : NULL;
    bool is_flag = option->kind == FLAG || option->kind == IGNORED_FLAG;
    if (!is_flag && !value && !(value = argv[++*at]))
        oci_fail("option --%s needs a value", option->name);
    if (option->kind == FLAG)
        *(bool *)option->into = truth(option->name, value);
    else if (option->kind == VALUE)
        *(const char **)option->into = value;
    else if (option->kind == LIST)
        append(option->into, value);
}

static void read_words(char **argv)
{
    bool only_words = false;
    int at = 0;
    oci.words = argv; /* words move to the front of what they were among */
    for (; argv[at]; at++) {
        if (!only_words && strcmp(argv[at], "--") == 0)
            only_words = true;
        else if (!only_words && argv[at][0] == '-' && argv[at][1])
            take(command->options, argv, &at);
        else
            oci.words[oci.word_count++] = argv[at];
        if (command->stops_at_word && oci.word_count == 1)
            break;
    }
    if (command->stops_at_word && oci.word_count) {
        at++;
        if (argv[at] && strcmp(argv[at], "--") == 0)
            at++;
        while (argv[at])
            oci.words[oci.word_count++] = argv[at++];
    }
    oci.words[oci.word_count] = NULL;
}

bool oci_parse(int argc, char **argv)
{
    int at = 1;
    bool has_global = false;
    for (; at < argc && argv[at][0] == '-' && argv[at][1]; at++) {
        take(global_options, argv, &at);
        has_global = true;
    }
    if (wants_version) {
        printf("redoubt version %s\nspec: %s\n", REDOUBT_VERSION, OCI_VERSION);
        exit(0);
    }
    const char *word = at < argc ? argv[at] : NULL;
    bool asks_help = word && strcmp(word, "help") == 0;
    const char *topic = asks_help ? argv[at + 1] : word;
    for (command = commands; topic && command->name && strcmp(command->name, topic); command++)
        ;
    if (wants_help || (asks_help && !topic))
        print_help();
    if (!topic || !command->name) {
        if (has_global && word)
            oci_fail("unknown command %s after global options; redoubt --help lists the commands", word);
        return false;
    }
    oci.command = command->name;
    if (asks_help && command->options)
        print_command_help();
    if (command->options)
        read_words(argv + at + 1);
    if (oci.help)
        print_command_help();
    if (oci.preserve_fds) {
        char *end;
        long count = strtol(oci.preserve_fds, &end, 10);
        if (*end || count < 0 || count > MAX_PRESERVED)
            oci_fail("option --preserve-fds: %s is not a number of descriptors", oci.preserve_fds);
        oci.preserved = (int)count;
    }
    /* sd_listen_fds(3): they come first, and whoever started us meant them for the container; unless he meant another process. */
    const char *listen_pid = getenv("LISTEN_PID");
    if (listen_pid && atol(listen_pid) != getpid())
        unsetenv("LISTEN_FDS");
    const char *listen_fds = getenv("LISTEN_FDS");
    int count = listen_fds ? atoi(listen_fds) : 0;
    if (count > 0 && oci.preserved + count <= MAX_PRESERVED)
        oci.preserved += count;
    return true;
}

int oci_command(void)
{
    return command->run();
}

int oci_signal(const char *text)
{
    char *end;
    long number = strtol(text, &end, 10);
    if (*text && !*end)
        return number >= 0 && number <= 64 ? (int)number : -1;
    if (strncasecmp(text, "SIG", 3) == 0)
        text += 3;
    for (int signal_number = 1; signal_number < 32; signal_number++) {
        const char *name = sigabbrev_np(signal_number);
        if (name && strcasecmp(name, text) == 0)
            return signal_number;
    }
    int offset = 0;
    if (sscanf(text, "RTMIN+%d", &offset) == 1 && offset >= 0 && offset <= 30)
        return 34 + offset;
    return -1;
}
