/*
 * redoubt-jvm: the java command for the JVMs of a sandbox: the same arguments (options, -cp PATH, a class, its arguments), in place
 * of the JDK's own, which this one is faster than where a page fault is dear. A JVM that starts has some thousands of them,
 * and half of those are the first writes to the pages of its ahead-of-time cache. Here mmap(2), which the JVM finds in this program before it
 * finds it in the C library, has the kernel make those pages at once (MAP_POPULATE).
 *
 * The class is found by the system class loader, and its main runs in a thread of its own: who called may have a stack of any size.
 */
#include <dlfcn.h>
#include <jni.h>
#include <limits.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MAIN_STACK (1ul << 20)
#define POPULATE_MOST (64ul << 20)

struct start {
    jint (*create)(JavaVM **, void **, void *);
    JavaVMInitArgs init;
    const char *class;
    char **arguments;
    int count, code;
};

/* A private copy of a file at an address that is given: a region of the cache, which the JVM writes to as it links classes. */
void *mmap(void *at, size_t length, int protection, int flags, int fd, off_t offset)
{
    bool is_cache = fd >= 0 && (flags & MAP_PRIVATE) && (flags & MAP_FIXED) && length <= POPULATE_MOST;
    return (void *)syscall(SYS_mmap, at, length, protection, is_cache ? flags | MAP_POPULATE : flags, fd, offset);
}

void *mmap64(void *at, size_t length, int protection, int flags, int fd, off_t offset) __attribute__((alias("mmap")));

static _Noreturn void fail(const char *what, const char *why)
{
    fprintf(stderr, "redoubt: %s: %s\n", what, why);
    _exit(1);
}

static jobjectArray strings(JNIEnv *env, char **words, int count)
{
    jclass string = (*env)->FindClass(env, "java/lang/String");
    jobjectArray array = string ? (*env)->NewObjectArray(env, count, string, NULL) : NULL;
    for (int i = 0; array && i < count; i++) {
        /*
         * The bytes are in /proc/self/cmdline for who wants them (which is this very memory: so a copy). Here only the number of words
         * matters, and that they are valid.
         */
        char *valid = strdup(words[i]);
        for (char *c = valid; c && *c; c++)
            if (*c & 0x80)
                *c = '?';
        jstring word = valid ? (*env)->NewStringUTF(env, valid) : NULL;
        free(valid);
        if (!word)
            return NULL;
        (*env)->SetObjectArrayElement(env, array, i, word);
        (*env)->DeleteLocalRef(env, word);
    }
    return array;
}

/* The exit code is that of the java command: 1 for an exception that main did not catch. */
static void run(JNIEnv *env, struct start *start)
{
    char name[256];
    snprintf(name, sizeof name, "%s", start->class);
    for (char *c = name; *c; c++)
        if (*c == '.')
            *c = '/';
    jclass class = (*env)->FindClass(env, name);
    jmethodID method = class ? (*env)->GetStaticMethodID(env, class, "main", "([Ljava/lang/String;)V") : NULL;
    jobjectArray arguments = method ? strings(env, start->arguments, start->count) : NULL;
    if (arguments)
        (*env)->CallStaticVoidMethod(env, class, method, arguments);
    if ((*env)->ExceptionCheck(env)) {
        (*env)->ExceptionDescribe(env);
        start->code = 1;
    }
}

static void *run_vm(void *argument)
{
    struct start *start = argument;
    JavaVM *vm;
    void *env;
    if (start->create(&vm, &env, &start->init) != JNI_OK)
        fail("the JVM did not start", "see the line before");
    run(env, start);
    (*vm)->DetachCurrentThread(vm);
    (*vm)->DestroyJavaVM(vm); /* waits for other threads */
    exit(start->code);
}

/* Next to this program, ../runtime; or the runtime that is named: of an installation the front lets no such variable through. */
static void *load_vm(void)
{
    char path[PATH_MAX + 64], *given = getenv("REDOUBT_JAVA_HOME");
    ssize_t length = readlink("/proc/self/exe", path, PATH_MAX);
    path[length < 0 ? 0 : length] = 0;
    for (int i = 0; i < 2; i++) {
        char *slash = strrchr(path, '/');
        if (slash)
            *slash = 0;
    }
    strcat(path, "/runtime/lib/server/libjvm.so");
    if (access(path, R_OK) && given)
        snprintf(path, sizeof path, "%s/lib/server/libjvm.so", given);
    void *vm = dlopen(path, RTLD_NOW | RTLD_GLOBAL);
    if (!vm)
        fail("cannot load the Java runtime", dlerror());
    return vm;
}

int main(int argc, char **argv)
{
    struct start start = {.init = {.version = JNI_VERSION_10}};
    JavaVMOption *options = calloc((size_t)argc + 1, sizeof *options);
    int i = 1, count = 0;
    for (; options && i < argc && argv[i][0] == '-'; i++) {
        if (strcmp(argv[i], "-cp") == 0 && i + 1 < argc) {
            if (asprintf(&options[count++].optionString, "-Djava.class.path=%s", argv[++i]) < 0)
                abort();
        } else {
            options[count++].optionString = argv[i];
        }
    }
    if (!options || i == argc)
        fail("usage", "redoubt-jvm [OPTION ...] -cp PATH CLASS [ARGUMENT ...]");
    start.init.options = options;
    start.init.nOptions = count;
    start.class = argv[i];
    start.arguments = argv + i + 1;
    start.count = argc - i - 1;
    start.create = (jint (*)(JavaVM **, void **, void *))dlsym(load_vm(), "JNI_CreateJavaVM");

    pthread_t thread;
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, MAIN_STACK);
    int error = pthread_create(&thread, &attributes, run_vm, &start);
    if (error)
        fail("cannot start a thread", strerror(error));
    pthread_join(thread, NULL);
    return start.code;
}
