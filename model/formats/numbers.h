/* The numbers of tensors in files: float32, float16, bfloat16 or float64, little-endian, not
   aligned. */
#ifndef MODEL_FORMATS_NUMBERS_H
#define MODEL_FORMATS_NUMBERS_H

#include <stdint.h>

#include "core/writer.h"

typedef enum { DTYPE_F32, DTYPE_F16, DTYPE_BF16, DTYPE_F64, DTYPE_OTHER } Dtype;
#define DTYPE_NAMES "f32|f16|bf16" /* that can be written */

/* Bytes of a number; not for DTYPE_OTHER. */
int64_t dtype_bytes(Dtype dtype);

/* out (n) = numbers at..at+n-1 of an array in a file. */
void numbers_read(Dtype dtype, const void *array, int64_t at, int64_t n, float *out);

/* Sets out (n) to the numbers at..at+n-1 of `from`. */
typedef void NumbersGet(const void *from, int64_t at, int64_t n, float *out);

/* The weights of a Param, in their order in memory; zeros if the model does not have it. */
NumbersGet numbers_of_param;

/* Writes `count` numbers in chunks, in order, and returns their CRC-32. */
uint32_t numbers_write(Writer *w, Dtype dtype, NumbersGet *get, const void *from, int64_t count);

#endif
