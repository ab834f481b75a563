#!/bin/bash
# needs: gcc
cd "$(mktemp -d)" || exit 1
cat >lib.c <<'END'
int triple(int x) { return 3 * x; }
END
cat >main.c <<'END'
#include <dlfcn.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
static void *work(void *p) { *(double *)p = sqrt(*(double *)p); return NULL; }
int main(int argc, char **argv)
{
    double d = 1764;
    pthread_t t;
    pthread_create(&t, NULL, work, &d);
    pthread_join(t, NULL);
    printf("%s %d %.0f\n", argv[0], argc, d);
    void *lib = dlopen("./libtriple.so", RTLD_NOW);
    if (lib == NULL) { puts(dlerror()); return 1; }
    int (*triple)(int) = (int (*)(int))dlsym(lib, "triple");
    printf("%d\n", triple(14));
    return 7;
}
END
gcc -O2 -shared -fPIC -o libtriple.so lib.c && gcc -O2 -o main main.c -lm -lpthread -ldl
./main a b; echo "exit $?"
gcc -static -O1 -x c -o static - <<'END'
#include <stdio.h>
int main(void) { puts("static"); return 0; }
END
./static
gcc -c -o broken.o -x c - <<<'int main(' 2>/dev/null; echo "broken $?"
gcc -E -x c - <<<'#include <stdio.h>' | grep -c printf
gcc -S -O1 -o - -x c - <<<'int f(void) { return 42; }' | grep -c 42
ar rcs libt.a main.o 2>/dev/null; gcc -c lib.c && ar rcs libt.a lib.o && ar t libt.a && nm libt.a | grep -c triple
objdump -f main 2>/dev/null | grep -c architecture; strip main && ./main; echo "exit $?"
