/* What the fuzzer of exec runs: says what it was called with, and leaves with 7. */
#include <stdio.h>
#include <sys/auxv.h>

static void show(const char *s) {
  putchar('[');
  for (; *s; s++)
    if (*s > ' ' && *s < 127 && *s != '\\')
      putchar(*s);
    else
      printf("\\%02x", (unsigned char)*s);
  putchar(']');
}

int main(int argc, char **argv) {
  printf("%d ", argc);
  for (int i = 0; i < argc; i++)
    show(argv[i]);
  const char *name = (const char *)getauxval(AT_EXECFN);
  show(name ? name : "-");
  fflush(stdout);
  return 7;
}
