/*
 * The commands of an OCI runtime. This file: the command line and the words in which a command fails; the commands themselves are
 * a file each or a few.
 */
#ifndef REDOUBT_OCI_H
#define REDOUBT_OCI_H

#include <stdbool.h>
#include <stddef.h>

#define REDOUBT_VERSION "0.1.0"
#define OCI_VERSION "1.2.1"
#define MAX_PRESERVED 1000

/* Everything that was on the command line; strings are null where the option was not given. */
extern struct oci {
    const char *command;
    char **words; /* what is no option, from the container id on */
    int word_count;
    /* before the command */
    const char *root, *config, *audit_log, *log, *log_format, *rootless, *ignored;
    bool debug, systemd_cgroup;
    /* after it */
    const char *bundle, *pid_file, *console_socket, *preserve_fds;
    const char *process, *cwd, *user, *cgroup, *format, *resources, *interval;
    const char **lists[3]; /* repeated options: LIST_ENV and so on, each ended by null */
    const char *update[16]; /* see update_names */
    bool detach, tty, force, all, quiet, stats, keep, no_new_privs, ignore_paused, help;
    int failed;    /* exit code of a failure; 0 stands for 1 */
    int preserved; /* --preserve-fds, and LISTEN_FDS, as a number */
} oci;

enum { LIST_ENV, LIST_GIDS, LIST_CAPS };

/* Options of update that are one resource each, in the order of oci.update, ended by null. */
extern const char *const update_names[];

/*
 * Reads the command line. Returns false if the words are not those of an OCI command; ends the program for one that is wrong, and
 * for --version and --help.
 */
bool oci_parse(int argc, char **argv);

/* Runs the command that oci_parse found; returns the exit code. run in the foreground returns -1: the front does that. */
int oci_command(void);

/* Checks the container id, and that there are no more words than that; ends the program otherwise. */
const char *oci_id(void);

/* Makes the paths of --config and --audit-log absolute: who reads them is in another directory. */
void oci_operator(void);

/* Opens --log, so that the file is there whatever happens. */
void oci_log_open(void);

/* A process that stays does not keep the file, which may be on something that is to be unmounted. */
void oci_log_close(void);

/* One line in the log and, unless it is standard error itself, on standard error. */
void oci_log(const char *level, const char *message);

/* The same as an error, and the end of the program with exit code 1. */
__attribute__((format(printf, 1, 2))) _Noreturn void oci_fail(const char *format, ...);
__attribute__((format(printf, 2, 3))) _Noreturn void oci_fail_with(int code, const char *format, ...);

/* Whether control groups, and the system's folders, are likely to be somebody else's. */
bool oci_is_rootless(void);

/* The state root: --root or the default. */
const char *oci_root(void);

/* Ends the program for what no container of ours can have. */
void oci_check_globals(void);

/* Seen from where the command was started. */
char *oci_absolute(const char *path);

/* The number of a signal by number or name, with or without SIG; -1 if there is none. 0 is kill(2)'s question. */
int oci_signal(const char *text);

/* Writes FILE as a whole, without a newline: who sees it sees all of it. */
void oci_write_pid_file(const char *path, int pid);

/* The commands. */
int command_create(void);
int command_start(void);
int command_state(void);
int command_kill(void);
int command_delete(void);
int command_list(void);
int command_ps(void);
int command_pause(void);
int command_resume(void);
int command_update(void);
int command_events(void);
int command_exec(void);
int command_features(void);
int command_spec(void);

/* Reads --process, before descriptors that it may name are closed. */
void exec_read_process(void);

#endif
