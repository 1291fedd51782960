#include "tools/problems/student.h"

#include <math.h>

void student_numbers(Random *random, double degrees, float *x, int64_t n) {
  const double turn = 2 * 3.14159265358979323846;
  if (isinf(degrees)) {
    random_normals(random, x, n);
    return;
  }
  for (int64_t i = 0; i < n; i++) {
    double u = random_uniform(random), v = random_uniform(random);
    x[i] = (float)(sqrt(degrees * (pow(u, -2 / degrees) - 1)) * cos(turn * v));
  }
}
