/* The Sobol sequence of random trials. */
#include "tools/trials/sobol.h"

#include "tests/check.h"

/* Coordinates without the shift, times 64, of points 0 to 7 in natural order: those of
   torch.quasirandom.SobolEngine, which goes through them in Gray code. */
static const int expected[SOBOL_MAX][8] = {
    {0, 32, 16, 48, 8, 40, 24, 56},
    {0, 32, 48, 16, 40, 8, 24, 56},
    {0, 32, 48, 16, 24, 56, 40, 8},
    {0, 32, 48, 16, 8, 40, 56, 24},
    {0, 32, 16, 48, 8, 40, 24, 56},
    {0, 32, 16, 48, 24, 56, 8, 40},
    {0, 32, 48, 16, 40, 8, 24, 56},
    {0, 32, 16, 48, 40, 8, 56, 24},
    {0, 32, 16, 48, 40, 8, 56, 24},
    {0, 32, 16, 48, 56, 24, 40, 8},
    {0, 32, 16, 48, 40, 8, 56, 24},
    {0, 32, 16, 48, 8, 40, 24, 56},
};

static void test_values(void) {
  for (int i = 0; i < SOBOL_MAX; i++)
    for (int n = 0; n < 8; n++) {
      double origin = sobol(0, i), x = sobol(n, i); /* both have the shift: XOR removes it */
      uint32_t a = (uint32_t)(origin * 4294967296.0), b = (uint32_t)(x * 4294967296.0);
      check((int)((a ^ b) >> 26) == expected[i][n], "point %d, coordinate %d: %d", n, i,
            (int)((a ^ b) >> 26));
    }
}

/* One of 2^k points in each part, and in each square of pairs of the first dimensions. */
static void test_even(void) {
  for (int i = 0; i < SOBOL_MAX; i++)
    for (int count = 2; count <= 256; count *= 2) {
      int seen[256] = {0}, most = 0;
      for (int n = 0; n < count; n++) {
        int part = (int)(sobol(n, i) * count);
        if (++seen[part] > most) most = seen[part];
      }
      check(most == 1, "coordinate %d: %d of %d points in one part", i, most, count);
    }
  int cells[4][4] = {{0}};
  for (int n = 0; n < 16; n++) cells[(int)(sobol(n, 0) * 4)][(int)(sobol(n, 1) * 4)]++;
  for (int k = 0; k < 16; k++)
    check(cells[k / 4][k % 4] == 1, "square %d has %d points", k, cells[k / 4][k % 4]);
}

int main(void) {
  test_values();
  test_even();
  return check_report("sobol");
}
