/* The precision of matrix products (core/blas.h), and the path that computes reduced ones:
     fp32    float32
     bf16    operands rounded to bfloat16 (nearest, ties to even), sums in float32
     bf16x3  operands split into a high and a low bfloat16 number; high*high, high*low and low*high,
             sums in float32
   The precision is one setting of the process, like the number of threads: layers and methods do
   not depend on it. Everything that is not a matrix product stays in float32 or double. */
#ifndef CORE_PRECISION_H
#define CORE_PRECISION_H

#include "core/error.h"
#include "core/option.h"

#define PRECISIONS(X) X(PRECISION_FP32, "fp32") X(PRECISION_BF16, "bf16") \
  X(PRECISION_BF16X3, "bf16x3")
typedef enum { PRECISIONS(CHOICE_NAME) } Precision;

/* The row of an option table for `field` of Options, an int. */
#define PRECISION_OPTION(Options, field, ...)                                                      \
  {.name = "precision",                                                                            \
   .help = "Matrix products: float32, bfloat16 operands, or each split into two bfloat16 numbers " \
           "(nearly float32). Faster on AMD Zen 4 and later and on Intel CPUs with AMX, not on "   \
           "others",                                                                               \
   .type = OPTION_CHOICE, .at = offsetof(Options, field), .fallback = "fp32",                      \
   .choices = PRECISIONS(CHOICE_WORD), __VA_ARGS__}

/* The ways to compute bf16 and bf16x3. Their results agree to float32's rounding. */
#define PRECISION_PATHS(X) X(PATH_SGEMM, "sgemm") X(PATH_AVX512_BF16, "avx512-bf16") \
  X(PATH_AMX, "amx")
typedef enum { PRECISION_PATHS(CHOICE_NAME) } PrecisionPath;

/* Chooses the path, once: the fastest that the CPU and the system allow, or the one that
   POLAR_PRECISION_PATH names. Call it after startup, before the first product that is not fp32.
   Error: POLAR_PRECISION_PATH is unknown, or this computer cannot execute it. */
int precision_start(Err *err);

/* Sets the precision of the products from now on, and returns the previous one. Call it outside of
   parallel regions. */
Precision precision_set(Precision precision);
Precision precision_now(void);

PrecisionPath precision_path(void);
const char *precision_path_name(void);

/* Why the path is not the one that the CPU would be fastest on; "" if there is nothing to say. */
const char *precision_note(void);

#endif
