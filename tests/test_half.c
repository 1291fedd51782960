/* 16-bit floating-point numbers. */
#include "core/half.h"

#include <math.h>

#include "tests/check.h"

static void test_halves(void) {
  int wrong_f16 = 0, wrong_bf16 = 0;
  for (unsigned h = 0; h < 0x10000; h++) {
    float f = float_from_f16((uint16_t)h), b = float_from_bf16((uint16_t)h);
    int exponent = (int)(h >> 10 & 31), fraction = (int)(h & 1023);
    double want = exponent ? ldexp(1024 + fraction, exponent - 25) : ldexp(fraction, -24);
    if (h >> 15) want = -want;
    if (exponent < 31) wrong_f16 += (double)f != want;
    else wrong_f16 += fraction ? !isnan(f) : !isinf(f);
    if (isnan(f)) wrong_f16 += !isnan(float_from_f16(f16_from_float(f)));
    else wrong_f16 += f16_from_float(f) != h;
    if (isnan(b)) wrong_bf16 += !isnan(float_from_bf16(bf16_from_float(b)));
    else wrong_bf16 += bf16_from_float(b) != h;
  }
  check(wrong_f16 == 0, "binary16: %d of 65536 are wrong", wrong_f16);
  check(wrong_bf16 == 0, "bfloat16: %d of 65536 are wrong", wrong_bf16);
  /* Ties are rounded to even; numbers that are too large become infinite. */
  check(f16_from_float(1 + 0x1p-11f) == 0x3C00 && f16_from_float(1 + 0x3p-11f) == 0x3C02, "ties");
  check(f16_from_float(0x1p-25f) == 0 && f16_from_float(0x3p-25f) == 2, "subnormal ties");
  check(f16_from_float(65519.9f) == 0x7BFF && f16_from_float(-65520) == 0xFC00, "overflow");
  check(bf16_from_float(1 + 0x1p-8f) == 0x3F80 && bf16_from_float(1 + 0x3p-8f) == 0x3F82, "ties");
}

int main(void) {
  test_halves();
  return check_report("half");
}
