#include "model/formats/numbers.h"

#include <string.h>
#include <zlib.h>

#include "core/half.h"
#include "core/int64.h"
#include "core/param.h"

enum { CHUNK = 1 << 14 }; /* numbers written at once */

int64_t dtype_bytes(Dtype dtype) {
  static const int64_t bytes[] = {[DTYPE_F32] = 4, [DTYPE_F16] = 2, [DTYPE_BF16] = 2,
                                  [DTYPE_F64] = 8};
  return bytes[dtype];
}

void numbers_read(Dtype dtype, const void *array, int64_t at, int64_t n, float *out) {
  const char *bytes = (const char *)array + at * dtype_bytes(dtype);
  for (int64_t i = 0; i < n; i++, bytes += dtype_bytes(dtype)) {
    double wide;
    uint16_t half;
    switch (dtype) {
      case DTYPE_F32: memcpy(&out[i], bytes, sizeof *out); break;
      case DTYPE_F64: memcpy(&wide, bytes, sizeof wide), out[i] = (float)wide; break;
      default:
        memcpy(&half, bytes, sizeof half);
        out[i] = dtype == DTYPE_F16 ? float_from_f16(half) : float_from_bf16(half);
    }
  }
}

void numbers_of_param(const void *from, int64_t at, int64_t n, float *out) {
  const Param *p = from;
  for (int64_t i = 0; i < n; i++) out[i] = p->w ? (float)p->w[at + i] : 0;
}

uint32_t numbers_write(Writer *w, Dtype dtype, NumbersGet *get, const void *from, int64_t count) {
  float numbers[CHUNK];
  uint16_t halves[CHUNK];
  uLong crc = 0;
  for (int64_t at = 0; at < count; at += CHUNK) {
    int64_t n = i64_min(count - at, CHUNK);
    get(from, at, n, numbers);
    for (int64_t i = 0; i < n && dtype != DTYPE_F32; i++)
      halves[i] = dtype == DTYPE_F16 ? f16_from_float(numbers[i]) : bf16_from_float(numbers[i]);
    const void *bytes = dtype == DTYPE_F32 ? (void *)numbers : (void *)halves;
    size_t size = (size_t)(n * dtype_bytes(dtype));
    crc = crc32_z(crc, bytes, size);
    writer_put(w, bytes, size);
  }
  return (uint32_t)crc;
}
