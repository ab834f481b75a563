#!/bin/bash
# needs: make gcc
cd "$(mktemp -d)" || exit 1
for i in $(seq 1 12); do
  echo "int f$i(int x) { return x + $i; }" >"f$i.c"
  echo "int f$i(int);" >>all.h
done
{
  echo '#include <stdio.h>'
  echo '#include "all.h"'
  echo 'int main(void) { int s = 0;'
  for i in $(seq 1 12); do echo "s = f$i(s);"; done
  echo 'printf("%d\n", s); return 0; }'
} >main.c
cat >Makefile <<'END'
OBJECTS := $(patsubst %.c,%.o,$(wildcard *.c))
sum: $(OBJECTS)
	@gcc -o $@ $^
%.o: %.c all.h
	@gcc -O1 -c -o $@ $<
clean:
	@rm -f $(OBJECTS) sum
.PHONY: clean
END
make -s -j2 && ./sum
make -j2 | grep -c 'up to date'
sleep 0.01; touch f3.c; make -n | grep -c 'gcc'
make -s -j2 && ./sum; make -s clean && ls
printf 'all:\n\t@exit 3\n' >bad.mk; make -s -f bad.mk 2>/dev/null; echo "make $?"
