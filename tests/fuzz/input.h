/* What the fuzz targets share. */
#ifndef TESTS_FUZZ_INPUT_H
#define TESTS_FUZZ_INPUT_H

#include <stddef.h>
#include <stdint.h>

/* libFuzzer's entry: called with one input after the other. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Puts an input into a file for readers that take a path, and returns the path. At most eight
   files, of names that stay the same, are alone in a folder of this process and the current folder
   is that, so that no input can name another file; they go when the process ends. */
const char *input_file(const char *name, const uint8_t *data, size_t size);

#endif
