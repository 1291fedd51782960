/* The memory that is left, from files as Linux has them: without control groups, with version 2 and
   its parents, with version 1, and with `ulimit -v`. */
#include "core/available.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "tests/check.h"
#include "tests/program.h"

static char root[PATH_SIZE];

static void put(const char *name, const char *text) {
  char path[PATH_SIZE];
  program_run("mkdir -p $(dirname %s/%s)", root, name);
  program_write(program_path(path, "root/%s", name), text, strlen(text));
}

static void gives(double bytes, const char *limit, const char *when) {
  const char *got;
  double left = memory_available(root, &got);
  check(left == bytes && strcmp(got, limit) == 0, "%s: %.17g, %s", when, left, got);
}

static void test_files(void) {
  const char *computer = "memory of this computer", *group = "limit of the control group";
  const char *ignored;
  check(isinf(memory_available(root, &ignored)), "nothing is known, and memory is limited");
  put("proc/meminfo", "MemTotal:  100 kB\nMemFree:    1 kB\nMemAvailable:   4000 kB\n");
  gives(4096000, computer, "no control group");
  put("proc/self/cgroup", "0::/a/b\n");
  gives(4096000, computer, "a control group without files");
  put("sys/fs/cgroup/a/b/memory.max", "max\n");
  put("sys/fs/cgroup/a/b/memory.current", "900000\n");
  gives(4096000, computer, "a control group without limit");
  put("sys/fs/cgroup/a/memory.max", "1000000\n");
  put("sys/fs/cgroup/a/memory.current", "950000\n");
  gives(50000, group, "the limit of the group around it");
  put("sys/fs/cgroup/a/memory.stat", "anon 900000\ninactive_file 30000\nactive_file 20000\n");
  gives(80000, group, "page cache in the group");
  put("sys/fs/cgroup/a/b/memory.max", "900001\n");
  gives(1, group, "the smaller of two limits");
  put("proc/self/cgroup", "5:cpu:/\n4:memory:/job\n");
  put("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
  put("sys/fs/cgroup/memory/memory.usage_in_bytes", "5\n");
  gives(4096000, computer, "version 1 without limit");
  put("sys/fs/cgroup/memory/job/memory.limit_in_bytes", "2000000\n");
  put("sys/fs/cgroup/memory/job/memory.usage_in_bytes", "1500000\n");
  put("sys/fs/cgroup/memory/job/memory.stat", "total_inactive_file 7\n");
  gives(500007, group, "version 1");
}

static void test_address_space(void) {
  struct rlimit old, limit;
  char text[64];
  getrlimit(RLIMIT_AS, &old);
  put("proc/meminfo", "MemAvailable:   4000000000000 kB\n");
  put("proc/self/cgroup", "\n");
  snprintf(text, sizeof text, "10 5 3 1 0 4 0\n"); /* pages */
  put("proc/self/statm", text);
  limit = (struct rlimit){.rlim_cur = (rlim_t)1 << 45, .rlim_max = old.rlim_max};
  if (setrlimit(RLIMIT_AS, &limit) != 0) return; /* the limit is already lower */
  const char *got;
  double left = memory_available(root, &got);
  setrlimit(RLIMIT_AS, &old);
  check(left < 0x1p45 && left > 0x1p45 - 10 * 1e6 && strcmp(got, "limit of ulimit -v") == 0,
        "ulimit -v: %.17g, %s", left, got);
}

int main(void) {
  program_folder("available");
  program_path(root, "root");
  program_run("mkdir -p %s", root);
  test_files();
  test_address_space();
  return check_report("available memory");
}
