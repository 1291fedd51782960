#include "tests/fuzz/input.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char folder[] = "/dev/shm/fuzz-XXXXXX", here[] = "fuzz-XXXXXX";
enum { FILES = 8 };
static const char *made, *names[FILES]; /* of the files */

static void remove_folder(void) {
  for (int i = 0; i < FILES && names[i]; i++) unlink(names[i]);
  if (chdir("..") == 0) rmdir(made == folder ? folder : here);
}

static void make_folder(void) {
  made = mkdtemp(folder) ? folder : mkdtemp(here); /* in memory, where there is such a place */
  if (!made || chdir(made) != 0) {
    perror("fuzz: a folder for the input");
    exit(1);
  }
  atexit(remove_folder);
}

const char *input_file(const char *name, const uint8_t *data, size_t size) {
  if (!made) make_folder();
  for (int i = 0; i < FILES; i++) {
    if (!names[i]) names[i] = name;
    if (strcmp(names[i], name) == 0) break;
  }
  FILE *file = fopen(name, "wb");
  if (!file || fwrite(data, 1, size, file) != size || fclose(file) != 0) {
    perror(name);
    exit(1);
  }
  return name;
}
