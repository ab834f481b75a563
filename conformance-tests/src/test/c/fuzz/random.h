/* Numbers that depend on nothing but the seed: the same on Linux and in the sandbox. */
#ifndef RANDOM_H
#define RANDOM_H

#include <stdint.h>

static uint64_t random_state;

static uint64_t random_next(void) { /* splitmix64 */
  uint64_t z = (random_state += 0x9e3779b97f4a7c15ull);
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
  z = (z ^ z >> 27) * 0x94d049bb133111ebull;
  return z ^ z >> 31;
}

/* Neighbouring seeds must not give the same numbers one later. */
static void random_seed(uint64_t seed) {
  random_state = seed;
  random_state = random_next() ^ seed << 7;
}

/* From 0 to n - 1. */
static uint64_t below(uint64_t n) { return random_next() % n; }

static int one_in(uint64_t n) { return below(n) == 0; }

#endif
