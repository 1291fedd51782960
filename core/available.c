#include "core/available.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

/* The number after `key` at the start of a line of a file, or after nothing if the key is empty.
   NAN if there is none, as in "max". */
static double number_in(const char *path, const char *key) {
  char line[512];
  double found = NAN;
  FILE *file = fopen(path, "r");
  while (file && isnan(found) && fgets(line, sizeof line, file)) {
    size_t length = strlen(key);
    char *end;
    if (strncmp(line, key, length) != 0) continue;
    double value = strtod(line + length, &end);
    if (end != line + length) found = value;
  }
  if (file) fclose(file);
  return found;
}

/* One file of a control group. */
static double group_number(const char *folder, const char *file, const char *key) {
  char path[PATH_MAX];
  if (snprintf(path, sizeof path, "%s/%s", folder, file) >= (int)sizeof path) return NAN;
  return number_in(path, key);
}

/* What a control group of version 2 or 1 leaves, or INFINITY. */
static double group_leaves(const char *folder) {
  double most = group_number(folder, "memory.max", ""), used, cache;
  if (!isnan(most)) {
    used = group_number(folder, "memory.current", "");
    cache = group_number(folder, "memory.stat", "inactive_file ");
  } else {
    most = group_number(folder, "memory.limit_in_bytes", ""); /* about 2^63 means none */
    used = group_number(folder, "memory.usage_in_bytes", "");
    cache = group_number(folder, "memory.stat", "total_inactive_file ");
  }
  if (isnan(most) || isnan(used)) return INFINITY;
  return fmax(0, most - used + (isnan(cache) ? 0 : cache));
}

/* The group and all groups around it limit the process. */
static double groups_leave(const char *top, const char *group) {
  char folder[PATH_MAX];
  double least = INFINITY;
  if (snprintf(folder, sizeof folder, "%s%s", top, group) >= (int)sizeof folder) return INFINITY;
  for (;;) {
    least = fmin(least, group_leaves(folder));
    char *slash = strrchr(folder, '/');
    if (strlen(folder) <= strlen(top) || !slash) return least;
    *slash = 0;
  }
}

static double control_groups(const char *root) {
  char path[PATH_MAX], line[1024];
  double least = INFINITY;
  snprintf(path, sizeof path, "%s/proc/self/cgroup", root);
  FILE *file = fopen(path, "r");
  while (file && fgets(line, sizeof line, file)) { /* "0::/group" or "9:memory:/group" */
    char *kind = strchr(line, ':'), *group = kind ? strchr(kind + 1, ':') : NULL;
    line[strcspn(line, "\n")] = 0;
    if (!group || (group != kind + 1 && strncmp(kind, ":memory:", 8) != 0)) continue;
    snprintf(path, sizeof path, "%s/sys/fs/cgroup%s", root, group == kind + 1 ? "" : "/memory");
    least = fmin(least, groups_leave(path, group + 1));
  }
  if (file) fclose(file);
  return least;
}

/* What `ulimit -v` leaves of the address space. */
static double address_space(const char *root) {
  char path[PATH_MAX];
  struct rlimit limit;
  snprintf(path, sizeof path, "%s/proc/self/statm", root);
  double pages = number_in(path, "");
  if (getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY || isnan(pages))
    return INFINITY;
  return fmax(0, (double)limit.rlim_cur - pages * (double)sysconf(_SC_PAGESIZE));
}

double memory_available(const char *root, const char **limit) {
  char path[PATH_MAX];
  snprintf(path, sizeof path, "%s/proc/meminfo", root);
  double system = 1024 * number_in(path, "MemAvailable:"); /* in kB */
  double group = control_groups(root), address = address_space(root);
  double least = isnan(system) ? INFINITY : system;
  *limit = "memory of this computer";
  if (group < least) *limit = "limit of the control group";
  least = fmin(least, group);
  if (address < least) *limit = "limit of ulimit -v";
  return fmin(least, address);
}
