/* A model in several files, and the index that says which tensor is where. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/file.h"
#include "model/formats/safetensors.h"

/* The part of that name, opened when it is new; NULL and a sentence when it cannot be. */
static const Safetensors *open_part(Safetensors *s, const char *folder, const char *name,
                                    Err *err) {
  char path[sizeof s->parts->path];
  if (!*name || strchr(name, '/'))
    return fail(err, "%s: names the file %.200s, which is not in its folder", s->path, name), NULL;
  if (snprintf(path, sizeof path, "%s%s", folder, name) >= (int)sizeof path)
    return fail(err, "%.100s...: the path is too long", folder), NULL;
  for (int64_t i = 0; i < s->part_count; i++)
    if (strcmp(s->parts[i].path, path) == 0) return &s->parts[i].file;
  SafetensorsPart *part = &s->parts[s->part_count];
  strcpy(part->path, path);
  if (safetensors_open(&part->file, part->path, err)) return NULL;
  s->part_count++;
  return &part->file;
}

/* Every tensor of the map is copied from the part that it names. */
static int read_map(Safetensors *s, const char *folder, const Json *map, Err *err) {
  int64_t in_files = 0;
  for (const Json *entry = map->first; entry; entry = entry->next) {
    if (entry->type != JSON_STRING)
      return fail(err, "%s: %.100s is not given a file", s->path, entry->key);
    const Safetensors *part = open_part(s, folder, entry->text, err);
    if (!part) return -1;
    const Tensor *t = safetensors_find(part, entry->key);
    if (!t)
      return fail(err, "%s: %s does not hold %.100s; the files are not of one model", s->path,
                  part->path, entry->key);
    s->tensors[s->count++] = *t;
  }
  for (int64_t i = 0; i < s->part_count; i++) in_files += s->parts[i].file.count;
  if (in_files == s->count) return 0;
  return fail(err, "%s: lists %lld tensors, its files hold %lld", s->path, (long long)s->count,
              (long long)in_files);
}

static int read_index(Safetensors *s, const char *text, size_t size, Err *err) {
  const char *slash = strrchr(s->path, '/');
  char folder[sizeof s->parts->path];
  if (json_read(&s->header, s->path, text, size, err)) return -1;
  const Json *map = json_member(s->header.root, "weight_map");
  if (!map || map->type != JSON_OBJECT || map->count == 0)
    return fail(err, "%s: has no weight_map that says which tensor is in which file", s->path);
  if (snprintf(folder, sizeof folder, "%.*s", slash ? (int)(slash + 1 - s->path) : 0, s->path) >=
      (int)sizeof folder)
    return fail(err, "%.100s...: the path is too long", s->path);
  s->tensors = calloc((size_t)map->count, sizeof *s->tensors);
  s->parts = calloc((size_t)map->count, sizeof *s->parts);
  if (!s->tensors || !s->parts)
    return fail(err, "%s: no memory for %d tensors", s->path, map->count);
  return read_map(s, folder, map, err) ? -1 : safetensors_sort(s, err);
}

int safetensors_open_index(Safetensors *s, const char *path, Err *err) {
  char *text;
  size_t size;
  *s = (Safetensors){.path = path};
  if (file_read(path, &text, &size, err)) return -1;
  int status = read_index(s, text, size, err);
  free(text);
  if (status) safetensors_close(s);
  return status;
}
