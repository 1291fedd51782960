/* The safetensors format: u64 N, N bytes of JSON with the position of each tensor, the tensors.
   Everything is little-endian; there are no gaps or overlaps between tensors.

   Our writer adds the CRC-32 of each tensor and of the header to the metadata, so that damage to
   any byte is detected. Other readers ignore them. */
#ifndef MODEL_FORMATS_SAFETENSORS_H
#define MODEL_FORMATS_SAFETENSORS_H

#include <stddef.h>
#include <stdint.h>

#include "core/error.h"
#include "core/json.h"
#include "core/map.h"
#include "model/formats/numbers.h"

enum { TENSOR_RANK = 8, TENSOR_NAME = 128 };

typedef struct {
  const char *name;
  Dtype dtype;
  int rank;
  int64_t shape[TENSOR_RANK];
  int64_t count; /* number of elements: the product of the shape */
  size_t first, bytes; /* position in the file's data, and size */
  const unsigned char *data; /* (count) numbers, not aligned */
} Tensor;

typedef struct SafetensorsPart SafetensorsPart;

typedef struct {
  const char *path;
  const unsigned char *bytes; /* (size) the file; NULL when there are parts */
  size_t size;
  Map map; /* of the file, unless the bytes are the caller's */
  JsonDocument header;
  Tensor *tensors; /* (count) sorted by name */
  int64_t count;
  SafetensorsPart *parts; /* (part_count) the files that an index names, or NULL */
  int64_t part_count;
} Safetensors;

struct SafetensorsPart {
  char path[2048];
  Safetensors file;
};

/* Opens a file and checks its header. `path` must stay valid until safetensors_close. Errors:
   another format (the message names it); a header that is too long or not strict JSON; gaps,
   overlaps or offsets outside the file; sizes that do not match shape and type. */
int safetensors_open(Safetensors *s, const char *path, Err *err);
void safetensors_close(Safetensors *s);

/* The same for bytes in memory, which the caller keeps and frees. */
int safetensors_parse(Safetensors *s, const char *name, const void *bytes, size_t size, Err *err);

/* Opens all files listed in model.safetensors.index.json as one. Errors: those of the files; an
   index that is not strict JSON, names a file outside its folder, or does not match the files. */
int safetensors_open_index(Safetensors *s, const char *path, Err *err);

/* Sorts the tensors by name. Error: two have the same name. */
int safetensors_sort(Safetensors *s, Err *err);

/* Removes the prefixes (a list that ends with NULL) from the tensors' names, as often as they
   occur. Error: two tensors have the same name then. Afterwards the sums cannot be verified. */
int safetensors_strip(Safetensors *s, const char *const *prefixes, Err *err);

/* Verifies the CRC-32 of every tensor and of the header. Errors: damage, or no checksums. */
int safetensors_verify(const Safetensors *s, Err *err);

/* Whether the file has these checksums, as all files of our writer do. */
int safetensors_has_sums(const Safetensors *s);

/* The tensor or metadata value with that name, or NULL. */
const Tensor *safetensors_find(const Safetensors *s, const char *name);
const char *safetensors_metadata(const Safetensors *s, const char *key);

/* out (n) = numbers at..at+n-1 of a tensor whose type is not DTYPE_OTHER. */
static inline void tensor_read(const Tensor *t, int64_t at, int64_t n, float *out) {
  numbers_read(t->dtype, t->data, at, n, out);
}

/* A tensor to write, with its numbers in order. */
typedef struct {
  char name[TENSOR_NAME];
  int rank;
  int64_t shape[TENSOR_RANK];
  NumbersGet *get;
  const void *from;
} TensorSource;

typedef struct {
  const char *key, *value;
} Metadata;

/* Writes a file; the tensors are put into the order of their names. `metadata` ends with a row of
   NULLs. Error: the file cannot be written. */
int safetensors_write(const char *path, Dtype dtype, TensorSource *tensors, int64_t count,
                      const Metadata *metadata, Err *err);

#endif
