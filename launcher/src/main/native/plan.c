#include "plan.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

struct entry {
    const char *key, *value;
};

/* Steps over the next pair of NUL-terminated strings; false at the end or when one is cut short. */
static bool next_entry(const char **at, const char *end, struct entry *entry)
{
    const char *key_end = memchr(*at, 0, (size_t)(end - *at));
    const char *value_end = key_end ? memchr(key_end + 1, 0, (size_t)(end - key_end - 1)) : NULL;
    if (!value_end)
        return false;
    *entry = (struct entry){*at, key_end + 1};
    *at = value_end + 1;
    return true;
}

static bool is(const struct entry *entry, const char *key)
{
    return strcmp(entry->key, key) == 0;
}

static bool truth(const struct entry *entry)
{
    return strcmp(entry->value, "1") == 0;
}

static char *share(struct stage *stage, const char *string)
{
    size_t length = strlen(string) + 1;
    char *copy = stage_alloc(stage, length);
    return copy ? memcpy(copy, string, length) : NULL;
}

/* ------------------------------------------------------------------------------------------------------------ environment */

/* The index of the variable that entry ("K=V" or "K") names, or count. */
static size_t find_variable(char **envp, size_t count, const char *entry)
{
    size_t name = strcspn(entry, "=");
    for (size_t i = 0; i < count; i++)
        if (strncmp(envp[i], entry, name) == 0 && envp[i][name] == '=')
            return i;
    return count;
}

/* Later entries win, in place, so that the order is the caller's own and new variables come last. */
static bool put_variable(struct stage *stage, char **envp, size_t *count, const char *entry)
{
    size_t at = find_variable(envp, *count, entry);
    envp[at] = share(stage, entry);
    if (at == *count)
        ++*count;
    return envp[at] != NULL;
}

/* --------------------------------------------------------------------------------------------------------------- rlimits */

/*
 * "NUMBER:SOFT:HARD", set by prlimit(2) from here: only a process with capabilities outside may raise a hard limit, and the
 * stage has none. Its children inherit.
 */
static const char *set_rlimit(const struct stage *stage, const char *value)
{
    static char problem[128];
    unsigned resource;
    unsigned long long soft, hard;
    char more;
    if (sscanf(value, "%u:%llu:%llu%c", &resource, &soft, &hard, &more) != 3 || resource >= RLIM_NLIMITS)
        return "an rlimit is not NUMBER:SOFT:HARD";
    struct rlimit limit = {soft, hard};
    if (prlimit(stage->pid, resource, &limit, NULL) == 0)
        return NULL;
    snprintf(problem, sizeof problem, "cannot set rlimit %s: %s", value, strerror(errno));
    return problem;
}

/* ------------------------------------------------------------------------------------------------------------------ plan */

const char *plan_read(struct stage *stage, const char *payload, size_t length, bool *wants_tty)
{
    static const char no_memory[] = "the plan is too large";
    struct stage_plan *plan = &stage->page->plan;
    const char *at = payload, *end = payload + length;
    struct entry entry;
    size_t arguments = 0, variables = 0;
    bool inherits = false;

    while (next_entry(&at, end, &entry)) {
        arguments += is(&entry, "arg");
        variables += is(&entry, "env");
        if (is(&entry, "env.inherit"))
            inherits = truth(&entry);
    }
    if (at != end)
        return "the plan is cut short";
    if (arguments == 0)
        return "the plan names no program";
    for (char **variable = environ; inherits && *variable; variable++)
        variables++;
    plan->argv = stage_alloc(stage, (arguments + 1) * sizeof(char *));
    plan->envp = stage_alloc(stage, (variables + 1) * sizeof(char *));
    if (!plan->argv || !plan->envp)
        return no_memory;

    size_t count = 0;
    for (char **variable = environ; inherits && *variable; variable++)
        if (!(plan->envp[count++] = share(stage, *variable)))
            return no_memory;

    arguments = 0;
    for (at = payload; next_entry(&at, end, &entry);) {
        const char *problem = NULL;
        bool fits = true;
        if (is(&entry, "arg")) {
            fits = (plan->argv[arguments++] = share(stage, entry.value)) != NULL;
        } else if (is(&entry, "exec")) {
            fits = (plan->path = share(stage, entry.value)) != NULL;
        } else if (is(&entry, "env")) {
            fits = put_variable(stage, plan->envp, &count, entry.value);
        } else if (is(&entry, "env.unset")) {
            size_t gone = find_variable(plan->envp, count, entry.value);
            if (gone < count)
                memmove(plan->envp + gone, plan->envp + gone + 1, (count-- - gone) * sizeof(char *));
        } else if (is(&entry, "hostname")) {
            fits = (plan->hostname = share(stage, entry.value)) != NULL;
        } else if (is(&entry, "shim")) {
            plan->has_shim = truth(&entry);
        } else if (is(&entry, "tty")) {
            *wants_tty = truth(&entry);
        } else if (is(&entry, "rlimit")) {
            problem = set_rlimit(stage, entry.value);
        } else if (!is(&entry, "env.inherit") && !is(&entry, "network.raw") && !plan_other(entry.key, entry.value)) {
            problem = "the plan has a key that this front does not know: front and sentry are of different builds";
        }
        if (problem)
            return problem;
        if (!fits)
            return no_memory;
    }
    if (!plan->path)
        plan->path = plan->argv[0];
    return NULL;
}

const char *plan_next(const char *payload, size_t length, const char *key, const char *last)
{
    const char *at = last ? last + strlen(last) + 1 : payload;
    struct entry entry;
    while (next_entry(&at, payload + length, &entry))
        if (is(&entry, key))
            return entry.value;
    return NULL;
}

static const char *copy_filter(struct stage *stage, const char *payload, size_t length, struct sock_fprog *program)
{
    size_t size = sizeof(struct sock_filter), count = length / size;
    if (count == 0 || length % size != 0 || count > BPF_MAXINSNS)
        return "the filter has a wrong length";
    struct sock_filter *copy = stage_alloc(stage, length);
    if (!copy)
        return "the filter is too large";
    memcpy(copy, payload, length);
    *program = (struct sock_fprog){.len = (unsigned short)count, .filter = copy};
    return NULL;
}

const char *plan_filter(struct stage *stage, const char *payload, size_t length)
{
    return copy_filter(stage, payload, length, &stage->page->plan.filter);
}

const char *plan_profile(struct stage *stage, const char *payload, size_t length)
{
    uint32_t *flags = &stage->page->plan.profile_flags;
    if (length < sizeof *flags)
        return "the filter has a wrong length";
    memcpy(flags, payload, sizeof *flags);
    return copy_filter(stage, payload + sizeof *flags, length - sizeof *flags, &stage->page->plan.profile);
}
