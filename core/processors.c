#include "core/processors.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "core/clock.h"

enum { PATH = 1024, LINE = 1024, PROCESSORS_MAX = 8192 };

#ifdef __linux__
typedef struct {
  unsigned long bits[PROCESSORS_MAX / 8 / sizeof(unsigned long)];
} Mask;

static int mask_get(Mask *mask) {
  memset(mask, 0, sizeof *mask);
  return sched_getaffinity(0, sizeof *mask, (cpu_set_t *)(void *)mask);
}

static int mask_has(const Mask *mask, int processor) {
  return CPU_ISSET_S((size_t)processor, sizeof *mask, (const cpu_set_t *)(const void *)mask);
}

static int mask_count(void) {
  Mask mask;
  if (mask_get(&mask)) return 0;
  return CPU_COUNT_S(sizeof mask, (cpu_set_t *)(void *)&mask);
}
#else
static int mask_count(void) { return 0; }
#endif

int processors_usable(void) {
  int count = mask_count();
  double limit = processors_limit("");
  if (count < 1) count = (int)sysconf(_SC_NPROCESSORS_ONLN);
  if (limit > 0 && limit < count) count = (int)limit + (limit > (int)limit);
  return count < 1 ? 1 : count;
}

/* The first line of a file; 0 if it cannot be read. */
static int first_line(const char *path, char line[LINE]) {
  FILE *file = fopen(path, "r");
  if (!file) return 0;
  int found = fgets(line, LINE, file) != NULL;
  fclose(file);
  return found;
}

/* Processors from quota and period in microseconds; 0 (no limit) for a quota of "max" or -1. */
static double ratio(const char *quota, const char *period) {
  double q = strtod(quota, NULL), p = strtod(period, NULL);
  return q > 0 && p > 0 ? q / p : 0;
}

static double limit_v2(const char *folder) {
  char path[PATH + 32], line[LINE];
  snprintf(path, sizeof path, "%s/cpu.max", folder);
  if (!first_line(path, line)) return 0;
  size_t quota = strcspn(line, " ");
  return line[quota] ? ratio(line, line + quota) : 0;
}

static double limit_v1(const char *folder) {
  char path[PATH + 32], quota[LINE], period[LINE];
  snprintf(path, sizeof path, "%s/cpu.cfs_quota_us", folder);
  if (!first_line(path, quota)) return 0;
  snprintf(path, sizeof path, "%s/cpu.cfs_period_us", folder);
  return first_line(path, period) ? ratio(quota, period) : 0;
}

/* The lowest limit of the group and its parents up to the mount. In a container the group's own
   path may be hidden, but then the mount is the container's group. */
static double least(const char *mount, const char *group, double (*limit_of)(const char *)) {
  char folder[PATH];
  double limit = 0;
  snprintf(folder, sizeof folder, "%s%s", mount, group);
  for (;;) {
    double here = limit_of(folder);
    if (here > 0 && (limit == 0 || here < limit)) limit = here;
    char *slash = strrchr(folder, '/');
    if (strlen(folder) <= strlen(mount) || !slash) return limit;
    *slash = 0;
  }
}

/* A line of /proc/self/cgroup is "0::/GROUP" (v2) or "N:CONTROLLER,...:/GROUP" (v1). */
static double limit_of_line(const char *root, char *line) {
  char mount[PATH], list[LINE];
  char *controllers = strchr(line, ':'), *group;
  if (!controllers || !(group = strchr(++controllers, ':'))) return 0;
  *group++ = 0;
  group[strcspn(group, "\n")] = 0;
  if (!*controllers) {
    snprintf(mount, sizeof mount, "%s/sys/fs/cgroup", root);
    return least(mount, group, limit_v2);
  }
  snprintf(list, sizeof list, ",%s,", controllers);
  if (!strstr(list, ",cpu,")) return 0;
  snprintf(mount, sizeof mount, "%s/sys/fs/cgroup/%s", root, controllers);
  double limit = least(mount, group, limit_v1);
  snprintf(mount, sizeof mount, "%s/sys/fs/cgroup/cpu", root);
  return limit > 0 ? limit : least(mount, group, limit_v1);
}

double processors_limit(const char *root) {
  char path[PATH], line[LINE];
  double limit = 0;
  snprintf(path, sizeof path, "%s/proc/self/cgroup", root);
  FILE *file = fopen(path, "r");
  if (!file) return 0;
  while (fgets(line, sizeof line, file)) {
    double here = limit_of_line(root, line);
    if (here > 0 && (limit == 0 || here < limit)) limit = here;
  }
  fclose(file);
  return limit;
}

#ifdef __linux__
/* "cpuN user nice system idle iowait irq softirq ..." in ticks; user includes guests. */
static double busy_ticks(const char *line, int with_nice) {
  double user, nice, system, irq, softirq;
  if (sscanf(line, "cpu%*d %lf %lf %lf %*f %*f %lf %lf", &user, &nice, &system, &irq, &softirq) !=
      5)
    return 0;
  return user + system + irq + softirq + (with_nice ? nice : 0);
}

static int read_stat(ProcessorTimes *times, const char *root) {
  char path[PATH], line[LINE];
  Mask mask;
  int with_nice = getpriority(PRIO_PROCESS, 0) > 0, processor;
  double ticks = 0;
  times->processors = 0;
  snprintf(path, sizeof path, "%s/proc/stat", root);
  FILE *file = mask_get(&mask) == 0 ? fopen(path, "r") : NULL;
  if (!file) return -1;
  while (fgets(line, sizeof line, file) && strncmp(line, "cpu", 3) == 0)
    if (line[3] != ' ' && sscanf(line, "cpu%d", &processor) == 1 && processor >= 0 &&
        processor < PROCESSORS_MAX && mask_has(&mask, processor)) {
      ticks += busy_ticks(line, with_nice);
      times->processors++;
    }
  fclose(file);
  times->all = ticks / (double)sysconf(_SC_CLK_TCK);
  return times->processors > 0 ? 0 : -1;
}
#else
static int read_stat(ProcessorTimes *times, const char *root) {
  (void)times, (void)root;
  return -1;
}
#endif

int processors_times(ProcessorTimes *times, const char *root) {
  struct timespec own;
  times->clock = clock_seconds();
  if (clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &own)) return -1;
  times->own = (double)own.tv_sec + 1e-9 * (double)own.tv_nsec;
  return read_stat(times, root);
}

double processors_taken(const ProcessorTimes *from, const ProcessorTimes *to) {
  double seconds = to->clock - from->clock;
  if (seconds <= 0) return 0;
  double others = ((to->all - from->all) - (to->own - from->own)) / seconds;
  return others > 0 ? others : 0;
}
