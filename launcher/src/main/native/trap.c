/*
 * The system call instruction for Java: io.redoubt.host.Syscall.trap(). A JNI function in a library without libc, because linking
 * the same through java.lang.foreign costs each JVM 40 ms at its start. The kernel's answer is already the value or -errno.
 */
typedef long long jlong;

jlong Java_io_redoubt_host_Syscall_trap(void *env, void *class, jlong nr, jlong a, jlong b, jlong c, jlong d, jlong e, jlong f);

jlong Java_io_redoubt_host_Syscall_trap(void *env, void *class, jlong nr, jlong a, jlong b, jlong c, jlong d, jlong e, jlong f)
{
    (void)env;
    (void)class;
    jlong result;
    register jlong r10 __asm__("r10") = d;
    register jlong r8 __asm__("r8") = e;
    register jlong r9 __asm__("r9") = f;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "0"(nr), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return result;
}
