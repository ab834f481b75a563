/*
 * leaves: a signal handler leaves the call that it has interrupted by siglongjmp, a thousand times, most of them in the trampoline of the ring
 * tier. Then come many calls, none of which is interrupted. Prints "good" when all returned what they should.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <sys/time.h>
#include <unistd.h>

enum { LEFT = 1000, AFTER = 40000 };

static sigjmp_buf loop;
static volatile sig_atomic_t left;

static void leave(__attribute__((unused)) int number)
{
    left++;
    siglongjmp(loop, 1);
}

int main(void)
{
    volatile int wrong = 0;
    signal(SIGALRM, leave);
    struct itimerval often = {{0, 500}, {0, 500}}, never = {{0, 0}, {0, 0}};
    sigsetjmp(loop, 1);
    if (left == 0)
        setitimer(ITIMER_REAL, &often, NULL);
    while (left < LEFT)
        wrong += lseek(1000, 0, SEEK_CUR) != -1;
    signal(SIGALRM, SIG_IGN);
    setitimer(ITIMER_REAL, &never, NULL);
    for (int i = 0; i < AFTER; i++)
        wrong += lseek(1000, 0, SEEK_CUR) != -1;
    return wrong ? 1 : puts("good") < 0;
}
