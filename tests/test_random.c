/* Random numbers. */
#include "core/random.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/check.h"

#define COUNT(array) ((int)(sizeof(array) / sizeof *(array)))

/* The known answers that come with Random123, Philox4x32-10. */
static void test_philox(void) {
  static const struct {
    uint32_t counter[4], key[2], want[4];
  } known[] = {
      {{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
      {{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
       {0xffffffff, 0xffffffff},
       {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
      {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
       {0xa4093822, 0x299f31d0},
       {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
  };
  for (int k = 0; k < COUNT(known); k++) {
    Random r = {.left = 0};
    memcpy(r.counter, known[k].counter, sizeof r.counter);
    memcpy(r.key, known[k].key, sizeof r.key);
    for (int i = 0; i < 4; i++) {
      uint32_t got = random_u32(&r);
      check(got == known[k].want[i], "Philox vector %d, word %d is %08x, not %08x", k, i, got,
            known[k].want[i]);
    }
  }
}

static void test_streams(void) {
  Random a = random_stream(0x123456789abcdef0u, RANDOM_OPTIMIZER, 77, 88);
  check(a.key[0] == 0x9abcdef0u && a.key[1] == 0x12345678u, "the key is not the seed");
  check(a.counter[0] == 0 && a.counter[1] == 77 && a.counter[2] == 88 &&
            a.counter[3] == RANDOM_OPTIMIZER, "the counter is not (0, index, step, purpose)");
  Random others[] = {
      random_stream(1, RANDOM_INIT, 0, 0), random_stream(2, RANDOM_INIT, 0, 0),
      random_stream(1, RANDOM_DATA, 0, 0), random_stream(1, RANDOM_INIT, 1, 0),
      random_stream(1, RANDOM_INIT, 0, 1), random_stream(1ull << 32, RANDOM_INIT, 0, 0),
  };
  uint32_t first[COUNT(others)];
  for (int i = 0; i < COUNT(others); i++) {
    first[i] = random_u32(&others[i]);
    for (int j = 0; j < i; j++)
      check(first[i] != first[j], "streams %d and %d begin with the same number", i, j);
  }
  Random again = random_stream(1, RANDOM_INIT, 0, 0);
  for (int i = 0; i < 8; i++) random_u32(&again); /* two blocks on, the counter has moved */
  check(again.counter[0] == 2, "8 numbers moved the counter to %u, not 2", again.counter[0]);
}

static void test_uniform(void) {
  enum { N = 200000 };
  Random r = random_stream(1, RANDOM_TEST, 0, 0);
  double sum = 0, squares = 0, least = 1, most = 0;
  for (int i = 0; i < N; i++) {
    double u = random_uniform(&r);
    sum += u;
    squares += u * u;
    least = fmin(least, u);
    most = fmax(most, u);
  }
  check(least > 0 && most < 1, "random_uniform reaches from %g to %g", least, most);
  check_near(sum / N, 0.5, 4 * sqrt(1 / 12. / N), "mean of random_uniform");
  check_near(squares / N, 1 / 3., 4 * 0.3 / sqrt(N), "mean square of random_uniform");
}

/* Chi-square of counts (n) that should be equal, as standard deviations from its mean. */
static double chi_square(const int *counts, int n) {
  double total = 0, sum = 0;
  for (int i = 0; i < n; i++) total += counts[i];
  for (int i = 0; i < n; i++) sum += pow(counts[i] - total / n, 2) / (total / n);
  return (sum - (n - 1)) / sqrt(2. * (n - 1));
}

static void test_below(void) {
  enum { N = 70000 };
  Random r = random_stream(2, RANDOM_TEST, 0, 0);
  int counts[7] = {0};
  uint32_t most = 0, beyond = 0;
  for (int i = 0; i < N; i++) {
    uint32_t x = random_below(&r, 7);
    if (x < 7) counts[x]++;
    else beyond = x;
  }
  check(beyond == 0, "random_below(7) is %u", beyond);
  check(fabs(chi_square(counts, 7)) < 5, "random_below(7): chi-square off by %.2g deviations",
        chi_square(counts, 7));
  for (int i = 0; i < 100; i++) {
    check(random_below(&r, 1) == 0, "random_below(1) is not 0");
    uint32_t x = random_below(&r, 0xffffffffu);
    most = x > most ? x : most;
  }
  check(most > 0xf0000000u && most < 0xffffffffu, "random_below(2^32 - 1) reaches %u", most);
}

static void test_normals(void) {
  enum { N = 400000 };
  float *z = malloc(N * sizeof *z), odd[7], even[8];
  double moments[5] = {0}, pairs = 0;
  Random r = random_stream(3, RANDOM_TEST, 0, 0);
  random_normals(&r, z, N);
  for (int i = 0; i < N; i++)
    for (int k = 1; k <= 4; k++) moments[k] += pow(z[i], k) / N;
  for (int i = 0; i < N; i += 2) pairs += (double)z[i] * z[i + 1] / (N / 2);
  check_near(moments[1], 0, 4 / sqrt(N), "mean of the normals");
  check_near(moments[2], 1, 4 * sqrt(2. / N), "variance of the normals");
  check_near(moments[3], 0, 4 * sqrt(15. / N), "third moment of the normals");
  check_near(moments[4] - 3, 0, 4 * sqrt(96. / N), "fourth moment of the normals, less 3");
  check_near(pairs, 0, 4 / sqrt(N / 2), "correlation inside the pairs of normals");
  r = random_stream(3, RANDOM_TEST, 0, 0);
  random_normals(&r, odd, 7);
  r = random_stream(3, RANDOM_TEST, 0, 0);
  random_normals(&r, even, 8);
  check(memcmp(odd, even, sizeof odd) == 0, "7 normals are not the first 7 of 8");
  check(memcmp(even, z, sizeof even) == 0, "8 normals are not the first 8 of many");
  check(r.counter[0] == 2 && r.left == 0, "8 normals did not take two blocks");
  free(z);
}

static void test_distinct_case(int k, int n) {
  enum { ROUNDS = 20000, MOST = 12 };
  int scratch[MOST], out[MOST], first[MOST] = {0}, last[MOST] = {0}, any[MOST] = {0};
  Random r = random_stream(4, RANDOM_TEST, (uint32_t)n, (uint32_t)k);
  int distinct = 1;
  for (int round = 0; round < ROUNDS; round++) {
    int seen[MOST] = {0};
    random_distinct(&r, k, n, scratch, out);
    for (int i = 0; i < k; i++) {
      int x = out[i];
      distinct &= x >= 0 && x < n && !seen[x];
      if (x < 0 || x >= n) continue;
      seen[x] = 1;
      any[x]++;
    }
    first[out[0]]++;
    last[out[k - 1]]++;
  }
  check(distinct, "random_distinct(%d of %d) repeats a number or leaves the range", k, n);
  if (n == 1) return;
  check(fabs(chi_square(first, n)) < 5, "random_distinct(%d of %d): the first is not uniform", k,
        n);
  check(fabs(chi_square(last, n)) < 5, "random_distinct(%d of %d): the last is not uniform", k, n);
  check(k < n ? chi_square(any, n) < 5 : any[0] == ROUNDS && any[n - 1] == ROUNDS,
        "random_distinct(%d of %d): the numbers are not alike", k, n);
}

int main(void) {
  test_philox();
  test_streams();
  test_uniform();
  test_below();
  test_normals();
  test_distinct_case(1, 1);
  test_distinct_case(1, 5);
  test_distinct_case(3, 10);
  test_distinct_case(7, 7);
  test_distinct_case(11, 12);
  return check_report("random");
}
