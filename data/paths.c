#include "data/paths.h"

#include <dirent.h>
#include <errno.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>

#include "core/file.h"
#include "core/text.h"

void paths_free(PathList *list) {
  for (int64_t i = 0; i < list->count; i++) free(list->path[i]);
  free(list->path);
}

static int paths_add(PathList *list, const char *folder, const char *name, size_t length,
                     Err *err) {
  if (list->count == list->room) {
    list->room = list->room ? 2 * list->room : 16;
    char **more = realloc(list->path, (size_t)list->room * sizeof *more);
    if (!more) return fail(err, "no memory for %lld file names", (long long)list->room);
    list->path = more;
  }
  size_t before = strlen(folder);
  int slash = before > 0 && folder[before - 1] != '/';
  char *path = malloc(before + 1 + length + 1);
  if (!path) return fail(err, "no memory for %lld file names", (long long)list->room);
  memcpy(path, folder, before);
  if (slash) path[before] = '/';
  memcpy(path + before + slash, name, length);
  path[before + (size_t)slash + length] = 0;
  list->path[list->count++] = path;
  return 0;
}

/* Byte order, not the locale's: the same files give the same stream everywhere. */
static int by_name(const void *a, const void *b) {
  return strcmp(*(char *const *)a, *(char *const *)b);
}

static void paths_sort(PathList *list, int64_t from) {
  qsort(list->path + from, (size_t)(list->count - from), sizeof *list->path, by_name);
}

int path_of_tokens(const char *name) {
  return text_ends(name, ".bin") || text_ends(name, ".bin.gz");
}

static int named_data(const char *name) {
  return name[0] != '.' &&
         (path_of_tokens(name) || text_ends(name, ".npy") || text_ends(name, ".txt") ||
          text_ends(name, ".txt.gz"));
}

static int add_folder(PathList *list, const char *folder, Err *err) {
  int64_t from = list->count;
  int status = 0;
  DIR *stream = opendir(folder);
  if (!stream) return fail(err, "%s: the folder cannot be read: %s", folder, strerror(errno));
  for (struct dirent *e = readdir(stream); e && status == 0; e = readdir(stream))
    if (named_data(e->d_name)) status = paths_add(list, folder, e->d_name, strlen(e->d_name), err);
  closedir(stream);
  if (status) return -1;
  if (list->count == from)
    return fail(err,
                "%s: the folder holds no data; name its files .txt, .txt.gz, .bin, .bin.gz or .npy",
                folder);
  paths_sort(list, from);
  return 0;
}

static int add_pattern(PathList *list, const char *pattern, Err *err) {
  int64_t from = list->count;
  int status = 0;
  glob_t found;
  int code = glob(pattern, GLOB_NOSORT, NULL, &found);
  if (code == GLOB_NOMATCH) return fail(err, "%s: no file matches this pattern", pattern);
  if (code) return fail(err, "%s: the files of this pattern cannot be listed", pattern);
  for (size_t i = 0; i < found.gl_pathc && status == 0; i++)
    if (!folder_exists(found.gl_pathv[i]))
      status = paths_add(list, "", found.gl_pathv[i], strlen(found.gl_pathv[i]), err);
  globfree(&found);
  if (status) return -1;
  if (list->count == from) return fail(err, "%s: only folders match this pattern", pattern);
  paths_sort(list, from);
  return 0;
}

/* A name that exists is used literally, even if it contains * or other special characters. */
static int add_name(PathList *list, const char *name, Err *err) {
  if (folder_exists(name)) return add_folder(list, name, err);
  if (!file_exists(name) && strpbrk(name, "*?[")) return add_pattern(list, name, err);
  return paths_add(list, "", name, strlen(name), err);
}

int paths_list(PathList *list, const char *paths, Err *err) {
  *list = (PathList){0};
  if (file_exists(paths)) return add_name(list, paths, err);
  PathList parts = {0};
  int status = 0;
  for (const char *at = paths; status == 0; at++) {
    size_t length = strcspn(at, ",");
    if (length == 0)
      status = fail(err, "\"%s\": a file name is missing; separate names by one comma", paths);
    else
      status = paths_add(&parts, "", at, length, err);
    at += length;
    if (*at == 0) break;
  }
  for (int64_t i = 0; i < parts.count && status == 0; i++)
    status = add_name(list, parts.path[i], err);
  paths_free(&parts);
  return status;
}
