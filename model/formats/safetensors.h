/* The safetensors format: u64 N, N bytes of JSON that say where each tensor stands, the tensors.
   Everything is little-endian; tensors follow each other without holes or overlaps.

   Our writer adds a CRC-32 of each tensor and one of the header to the metadata, so that damage to
   any byte of the file is found. Other readers pass over them. */
#ifndef MODEL_FORMATS_SAFETENSORS_H
#define MODEL_FORMATS_SAFETENSORS_H

#include <stddef.h>
#include <stdint.h>

#include "core/error.h"
#include "core/json.h"
#include "core/map.h"

enum { TENSOR_RANK = 8, TENSOR_NAME = 128 };

typedef enum { DTYPE_F32, DTYPE_F16, DTYPE_BF16, DTYPE_F64, DTYPE_OTHER } Dtype;
#define DTYPE_NAMES "f32|f16|bf16" /* that can be written */

typedef struct {
  const char *name;
  Dtype dtype;
  int rank;
  int64_t shape[TENSOR_RANK];
  int64_t count; /* of numbers: the product of the shape */
  size_t first, bytes; /* in the file's data */
  const unsigned char *data; /* (count) numbers, not aligned */
} Tensor;

typedef struct SafetensorsPart SafetensorsPart;

typedef struct {
  const char *path;
  const unsigned char *bytes; /* (size) the file; NULL when there are parts */
  size_t size;
  Map map; /* of the file, unless the bytes are the caller's */
  JsonDocument header;
  Tensor *tensors; /* (count) in the order of their names */
  int64_t count;
  SafetensorsPart *parts; /* (part_count) the files that an index names, or NULL */
  int64_t part_count;
} Safetensors;

struct SafetensorsPart {
  char path[2048];
  Safetensors file;
};

/* Opens a file and checks its header against its size. Errors: not the format (the sentence says
   what the file is), a header that is too
   long or not strict JSON, offsets with holes or overlaps or beyond the file, sizes that do not
   follow from shape and type. `path` must live as long. Release with safetensors_close. */
int safetensors_open(Safetensors *s, const char *path, Err *err);
void safetensors_close(Safetensors *s);

/* The same on bytes in memory, which stay the caller's. */
int safetensors_parse(Safetensors *s, const char *name, const void *bytes, size_t size, Err *err);

/* Opens the files that model.safetensors.index.json names, in its folder, as one. Errors: those of
   the files; an index that is not strict JSON, names a file elsewhere, or does not agree with the
   files on which tensor is where. */
int safetensors_open_index(Safetensors *s, const char *path, Err *err);

/* Puts the tensors into the order of their names. Error: two have the same. */
int safetensors_sort(Safetensors *s, Err *err);

/* Removes the prefixes (a list that ends with NULL) from the tensors' names, as often as they
   occur. Error: two tensors have the same name then. Afterwards the sums cannot be verified. */
int safetensors_strip(Safetensors *s, const char *const *prefixes, Err *err);

/* Compares every tensor and the header with their CRC-32. Error: damage, or no sums to compare
   with. */
int safetensors_verify(const Safetensors *s, Err *err);

/* Whether our writer made the file, so that it holds these sums. */
int safetensors_has_sums(const Safetensors *s);

/* The tensor or metadata of that name; NULL when there is none. */
const Tensor *safetensors_find(const Safetensors *s, const char *name);
const char *safetensors_metadata(const Safetensors *s, const char *key);

/* out (n) = numbers at..at+n-1 of a tensor whose type is not DTYPE_OTHER. */
void tensor_read(const Tensor *t, int64_t at, int64_t n, float *out);

/* A tensor to be written. `get` fills out (n) with its numbers at..at+n-1 and is asked for them in
   order. */
typedef struct {
  char name[TENSOR_NAME];
  int rank;
  int64_t shape[TENSOR_RANK];
  void (*get)(const void *from, int64_t at, int64_t n, float *out);
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
