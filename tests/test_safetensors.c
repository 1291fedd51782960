/* Headers of safetensors files: good, damaged, very long. */
#include "model/formats/safetensors.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/formats/weights.h"
#include "tests/check.h"
#include "tests/program.h"

static int parse(uint64_t length, const char *header, size_t data, Err *err) {
  size_t text = strlen(header), size = 8 + text + data;
  unsigned char *bytes = calloc(1, size);
  Safetensors s;
  for (int i = 0; i < 8; i++) bytes[i] = (unsigned char)(length >> 8 * i);
  memcpy(bytes + 8, header, text);
  int status = safetensors_parse(&s, "hostile", bytes, size, err);
  if (status == 0) safetensors_close(&s);
  free(bytes);
  return status;
}

#define ENTRY(dtype, shape, offsets) \
  "{\"a\":{\"dtype\":" dtype ",\"shape\":" shape ",\"data_offsets\":" offsets "}}"

static void test_hostile(void) {
  static const struct {
    const char *header;
    size_t data;
    const char *says; /* NULL: it is fine */
  } cases[] = {
      {ENTRY("\"F32\"", "[2,1]", "[0,8]"), 8, NULL},
      {ENTRY("\"F32\"", "[]", "[0,4]") "     ", 4, NULL},
      {ENTRY("\"BF16\"", "[3,0]", "[0,0]"), 0, NULL},
      {"{}", 0, NULL},
      {"{\"__metadata__\":{\"x\":\"y\"}}", 0, NULL},
      {ENTRY("\"F32\"", "[2]", "[0,8]"), 7, "offsets"},
      {ENTRY("\"F32\"", "[2]", "[0,8]"), 9, "fill 8 of 9"},
      {ENTRY("\"F32\"", "[3]", "[0,8]"), 8, "its shape"},
      {ENTRY("\"F32\"", "[2]", "[8,0]"), 8, "offsets"},
      {ENTRY("\"F32\"", "[2]", "[-8,0]"), 8, "offsets"},
      {ENTRY("\"F32\"", "[2]", "[0,8,9]"), 8, "offsets"},
      {ENTRY("\"F32\"", "[2]", "[0,8.0]"), 8, "offsets"},
      {ENTRY("\"F32\"", "[2]", "\"0,8\""), 8, "offsets"},
      {ENTRY("\"F32\"", "[2]", "[0,99999999999999999999]"), 8, "offsets"},
      {ENTRY("\"F32\"", "[2]", "[4,12]"), 12, "hole"},
      {ENTRY("\"F32\"", "[-2]", "[0,8]"), 8, "shape"},
      {ENTRY("\"F32\"", "[4294967296,4294967296]", "[0,8]"), 8, "shape"},
      {ENTRY("\"F32\"", "[1,1,1,1,1,1,1,1,1]", "[0,4]"), 4, "shape"},
      {ENTRY("\"F31\"", "[2]", "[0,8]"), 8, "unknown type"},
      {ENTRY("32", "[2]", "[0,8]"), 8, "unknown type"},
      {"{\"a\":7}", 0, "unknown type"},
      {"{\"a\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,4]},"
       "\"b\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[2,6]}}", 6, "overlap"},
      {"{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]},"
       "\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[1,2]}}", 2, "duplicate JSON key"},
      {"{\"__metadata__\":{\"x\":1}}", 0, "__metadata__"},
      {"{\"__metadata__\":[]}", 0, "__metadata__"},
      {"[1]", 0, "not a safetensors file"},
      {"{\"a\":[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[1]]]]", 0, "levels deep"},
  };
  Err err;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    err.text[0] = 0;
    int status = parse(strlen(cases[i].header), cases[i].header, cases[i].data, &err);
    if (cases[i].says)
      check(status && strstr(err.text, cases[i].says), "%s: %s", cases[i].header, err.text);
    else
      check(status == 0, "%s: %s", cases[i].header, err.text);
  }
  static const uint64_t lengths[] = {0, 1, 3, 100, 100000001, UINT64_MAX, UINT64_MAX - 7,
                                     (uint64_t)1 << 63};
  for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++)
    check(parse(lengths[i], "{}", 0, &err) != 0, "a header of %llu bytes",
          (unsigned long long)lengths[i]);
}

/* A file with 10,000 names is read, and rejected because it is not a GPT-2. */
static void test_many_names(void) {
  char *header = malloc(1 << 20);
  size_t used = 1;
  header[0] = '{';
  for (int i = 0; i < 10000; i++)
    used += (size_t)sprintf(header + used, "%s\"n%d\":{\"dtype\":\"U8\",\"shape\":[0],"
                            "\"data_offsets\":[0,0]}", i ? "," : "", i);
  strcpy(header + used, "}");
  Err err = {""};
  check(parse(used + 1, header, 0, &err) == 0, "10,000 names: %s", err.text);
  header[used - 1] = ',';
  check(parse(used + 1, header, 0, &err) != 0, "10,000 names, the last one not whole");
  char path[PATH_SIZE];
  unsigned char length[8];
  header[used - 1] = '}';
  for (int i = 0; i < 8; i++) length[i] = (unsigned char)((uint64_t)(used + 1) >> 8 * i);
  memmove(header + 8, header, used + 1);
  memcpy(header, length, 8);
  program_write(program_path(path, "names.safetensors"), header, used + 9);
  Weights w;
  check(weights_open(&w, path, &err) != 0 && strstr(err.text, "not a GPT-2"), "%s", err.text);
  free(header);
}

int main(void) {
  program_folder("test-safetensors");
  test_hostile();
  test_many_names();
  return check_report("safetensors");
}
