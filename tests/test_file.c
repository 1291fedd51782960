/* Files: read, written, replaced, never through a link; a reader, a writer and a map of one file
   agree. Tests: core/file core/reader core/writer core/map core/error */
#include "core/file.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/map.h"
#include "core/reader.h"
#include "core/writer.h"
#include "tests/check.h"
#include "tests/program.h"

static Err err;
static char path[PATH_SIZE], other[PATH_SIZE];

static int holds(const char *name, const char *text) {
  char *data;
  size_t size;
  if (file_read(name, &data, &size, &err)) return 0;
  int same = size == strlen(text) && memcmp(data, text, size + 1) == 0;
  free(data);
  return same;
}

static int mentions(const char *words) { return strstr(err.text, words) != NULL; }

static void test_whole_files(void) {
  program_path(path, "whole");
  check(file_write(path, "one", 3, &err) == 0 && holds(path, "one"), "written: %s", err.text);
  check(file_write(path, "two and more", 12, &err) == 0 && holds(path, "two and more"),
        "replaced: %s", err.text);
  check(file_write(path, "", 0, &err) == 0 && holds(path, ""), "an empty file: %s", err.text);
  check(file_read(program_path(other, "none"), &(char *){NULL}, &(size_t){0}, &err) == -1 &&
            mentions("none"), "a missing file: %s", err.text);
  check(file_write(program_path(other, "no/folder"), "x", 1, &err) == -1 && mentions("no/folder"),
        "no folder: %s", err.text);
  program_run("printf 'text that is packed' | gzip >%s", program_path(path, "packed.gz"));
  check(holds(path, "text that is packed"), "gzip: %s", err.text);
  program_run("head -c 20 %s >%s", path, program_path(other, "cut.gz"));
  check(file_read(other, &(char *){NULL}, &(size_t){0}, &err) == -1 && mentions("truncated"),
        "a truncated gzip file: %s", err.text);
}

static void test_links(void) {
  program_path(path, "target");
  program_path(other, "link");
  file_write(path, "kept", 4, &err);
  check(symlink("target", other) == 0 && file_exists(other) && file_taken(other), "a link");
  FILE *file = file_open(other, "a");
  check(!file, "a link is opened for appending");
  file = file_open(other, "w");
  check(file && fputs("new", file) >= 0 && fclose(file) == 0, "a link is replaced");
  check(holds(other, "new") && holds(path, "kept"), "the link's target is changed");
  unlink(path);
  unlink(other);
  check(symlink("target", other) == 0 && !file_exists(other) && file_taken(other), "broken link");
  check(folder_remove(other, &err) == 0 && !file_taken(other), "a link is removed: %s", err.text);
}

static void test_folders(void) {
  program_path(path, "a/b/c");
  check(folder_make(path, &err) == 0 && folder_exists(path), "made: %s", err.text);
  check(folder_make(path, &err) == 0, "a second time: %s", err.text);
  check(file_exists(path), "a folder exists");
  file_write(program_path(other, "a/b/c/file"), "x", 1, &err);
  check(folder_make(other, &err) == -1, "a folder in place of a file");
  program_path(other, "a/b");
  check(folder_remove(other, &err) == -1, "a folder in a folder is removed");
  check(folder_remove(path, &err) == 0 && !folder_exists(path), "removed: %s", err.text);
  check(folder_remove(path, &err) == 0, "a missing folder: %s", err.text);
}

/* Nothing is at the path before writer_close, and nothing new after a failure. */
static void test_writer(void) {
  Writer w;
  program_path(path, "written");
  check(writer_open(&w, path, &err) == 0 && !file_taken(path), "opened: %s", err.text);
  writer_put(&w, "....", 4);
  writer_seek(&w, 1);
  writer_put(&w, "ab", 2);
  check(writer_close(&w, 0, &err) == 0 && holds(path, ".ab."), "closed: %s", err.text);
  writer_open(&w, path, &err);
  writer_put(&w, "lost", 4);
  check(writer_close(&w, -1, &err) == -1 && holds(path, ".ab."), "a failed write replaces");
  check(program_run("ls %s*", path) == 0 && !strstr(program_output(), ".tmp"), "left: %s",
        program_output());
}

static void test_reader_and_map(void) {
  Reader r;
  Map m;
  char got[8] = "";
  size_t n;
  program_path(path, "read");
  file_write(path, "0123456789", 10, &err);
  check(reader_open(&r, path, &err) == 0, "%s", err.text);
  check(reader_get(&r, got, 7, &n, &err) == 0 && n == 7 && memcmp(got, "0123456", 7) == 0, "7");
  check(reader_get(&r, got, 7, &n, &err) == 0 && n == 3 && memcmp(got, "789", 3) == 0, "3");
  check(reader_get(&r, got, 7, &n, &err) == 0 && n == 0, "the end");
  reader_close(&r);
  check(map_open(&m, path, &err) == 0 && m.size == 10 && memcmp(m.bytes, "0123456789", 10) == 0,
        "mapped: %s", err.text);
  const char *named = map_path_at(m.bytes + 9);
  check(named && strcmp(named, path) == 0, "the file of an address");
  check(!map_path_at(got), "the file of another address");
  map_close(&m);
  check(map_open(&m, program_path(other, "."), &err) == -1 && mentions("ordinary"),
        "a folder is mapped: %s", err.text);
  file_write(path, "", 0, &err);
  check(map_open(&m, path, &err) == -1 && mentions("empty"), "an empty map: %s", err.text);
  check(reader_open(&r, other, &err) == -1, "a folder is read");
}

static void test_errors(void) {
  check(fail(&err, "%s is %d", "x", 7) == -1 && strcmp(err.text, "x is 7") == 0, "%s", err.text);
  char *huge = malloc(5000);
  memset(huge, 'a', 4999);
  huge[4999] = 0;
  check(fail(&err, "%s", huge) == -1 && strlen(err.text) == sizeof err.text - 1, "a long message");
  free(huge);
}

int main(void) {
  program_folder("test-file");
  test_whole_files();
  test_links();
  test_folders();
  test_writer();
  test_reader_and_map();
  test_errors();
  return check_report("file");
}
