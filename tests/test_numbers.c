/* Numbers of tensors in files: every type, positions that are not aligned, sums, absent
   parameters. */
#include "model/formats/numbers.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "core/half.h"
#include "core/param.h"
#include "tests/check.h"
#include "tests/program.h"

enum { N = 40000 }; /* more than are written at once */

static float rounded(float x, Dtype dtype) {
  if (dtype == DTYPE_F16) return float_from_f16(f16_from_float(x));
  return dtype == DTYPE_BF16 ? float_from_bf16(bf16_from_float(x)) : x;
}

static void test_type(Dtype dtype, Param *p) {
  Writer w;
  Err err = {""};
  char path[PATH_SIZE];
  size_t size;
  float back[7];
  if (writer_open(&w, program_path(path, "numbers"), &err)) return check(0, "%s", err.text);
  writer_put(&w, "x", 1);
  uint32_t sum = numbers_write(&w, dtype, numbers_of_param, p, N);
  check(writer_close(&w, 0, &err) == 0, "%s", err.text);
  char *bytes = program_read(path, &size);
  check(size == 1 + N * (size_t)dtype_bytes(dtype), "type %d: %d bytes", dtype, (int)size);
  check(sum == crc32_z(0, (unsigned char *)bytes + 1, size - 1), "type %d: CRC-32", dtype);
  for (int64_t at = 0; at + 7 <= N; at += 7) {
    int wrong = 0;
    numbers_read(dtype, bytes + 1, at, 7, back);
    for (int i = 0; i < 7; i++)
      wrong += back[i] != (p->w ? rounded((float)p->w[at + i], dtype) : 0.0f);
    check(wrong == 0, "type %d: %d numbers from %d on", dtype, wrong, (int)at);
  }
  free(bytes);
}

static void test_double(void) {
  const double x[] = {0, 1.5, -2.25};
  float back[2];
  numbers_read(DTYPE_F64, x, 1, 2, back);
  check(back[0] == 1.5f && back[1] == -2.25f, "float64: %g %g", (double)back[0], (double)back[1]);
}

int main(void) {
  real *w = calloc(N, sizeof *w);
  Param p = {.rows = 1, .cols = N, .w = w};
  program_folder("test-numbers");
  for (int i = 0; i < N; i++) w[i] = (real)check_value(7, (uint64_t)i);
  for (Dtype dtype = DTYPE_F32; dtype <= DTYPE_BF16; dtype++) test_type(dtype, &p);
  p.w = NULL;
  test_type(DTYPE_F16, &p);
  test_double();
  free(w);
  return check_report("numbers");
}
