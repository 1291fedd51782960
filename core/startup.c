#include "core/startup.h"

#include <cblas.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "core/blas_check.h"
#include "core/cpu.h"
#include "core/processors.h"
#include "core/threads.h"

/* Iterations that a thread waits before it sleeps, some 0.2 ms: libgomp's 300,000 hold a processor
   that another program could use; a few hundred make every loop wake its threads. */
#define SPINS "10000"
#define RESTART "POLAR_RESTART"   /* names of the variables that we set; or "off" */
#define TRIED "POLAR_TRIED_CORES" /* the cores that were set */
#define FOUND "POLAR_FOUND_CORE"  /* the one that OpenBLAS chose */

enum { STACK_LEAST = 256 << 10, STACK_WANTED = 8 << 20 };

static char description[512], warning[512];
static char ours[256], tried[256], found[64];

const char *startup_describe(void) { return description; }
const char *startup_warning(void) { return warning; }

/* ---- before main, and before OpenBLAS and OpenMP start ---- */

static int stack_raised;

static void stop(const char *text) {
  if (write(STDERR_FILENO, text, strlen(text)) < 0) _exit(1);
  _exit(1);
}

/* A stack below some 100 KB ends in a segmentation fault. */
static void check_stack(void) {
  struct rlimit stack;
  if (getrlimit(RLIMIT_STACK, &stack) || stack.rlim_cur >= STACK_WANTED) return;
  int enough = stack.rlim_cur >= STACK_LEAST;
  stack.rlim_cur = stack.rlim_max < STACK_WANTED ? stack.rlim_max : STACK_WANTED;
  if (stack.rlim_cur >= STACK_LEAST && setrlimit(RLIMIT_STACK, &stack) == 0) stack_raised = !enough;
  else if (!enough) stop("The stack limit is below 256 KB; set ulimit -s 8192.\n");
}

static long number_of(char **environment, const char *name) {
  size_t length = strlen(name);
  for (; *environment; environment++)
    if (strncmp(*environment, name, length) == 0 && (*environment)[length] == '=')
      return strtol(*environment + length + 1, NULL, 10);
  return 0;
}

/* Buffers that OpenBLAS maps while it is loaded and for the first product: one for each of its
   threads; in the OpenMP build one more for the caller. */
static int first_buffers(char **environment) {
  int parallel = openblas_get_parallel();
  long n = parallel == 1 ? number_of(environment, "OPENBLAS_NUM_THREADS") : 0;
  if (n < 1) n = number_of(environment, "OMP_NUM_THREADS");
  if (n < 1) n = processors_usable();
  if (n > 64) n = 64; /* MAX_THREADS of most builds */
  return parallel == 0 ? 1 : parallel == 1 ? (int)n : (int)n + 1;
}

static long mapped_bytes(void) {
  long pages = 0;
  FILE *file = fopen("/proc/self/statm", "r");
  if (file && fscanf(file, "%ld", &pages) != 1) pages = 0;
  if (file) fclose(file);
  return pages * sysconf(_SC_PAGESIZE);
}

static void check_memory(char **environment) {
  char text[256];
  int buffers = first_buffers(environment), parallel = openblas_get_parallel();
  if (threads_have_memory(buffers)) return;
  double bytes = (double)buffers * (double)threads_buffer_bytes() + (double)mapped_bytes();
  snprintf(text, sizeof text,
           "OpenBLAS needs %.0f MB of memory, more than the limit: set ulimit -v %.0f or more%s.\n",
           bytes / 1e6, bytes / 1024 + (64 << 10),
           buffers == 1 || parallel == 0 ? "" : parallel == 1 ? ", or OPENBLAS_NUM_THREADS=1"
                                                              : ", or OMP_NUM_THREADS=1");
  stop(text);
}

/* There is no main yet that could print and exit. */
static void check_limits(int argc, char **argv, char **environment) {
  (void)argc, (void)argv;
  check_stack();
  check_memory(environment);
}

/* The sanitizers have their own start, and map more than any limit. */
#if defined(__SANITIZE_ADDRESS__) || !defined(__linux__)
#define BEFORE_MAIN __attribute__((unused))
#else
#define BEFORE_MAIN __attribute__((used, section(".preinit_array")))
#endif
static void (*const before_main)(int, char **, char **) BEFORE_MAIN = check_limits;

/* ---- the second start ---- */

static void append(char *list, size_t size, const char *name) {
  size_t used = strlen(list);
  snprintf(list + used, size - used, "%s%s", used ? "," : "", name);
}

static void set(const char *name, const char *value) {
  setenv(name, value, 1);
  append(ours, sizeof ours, name);
}

/* Takes our variables out of the environment. Returns whether this is a second start. */
static int forget_ours(void) {
  const char *names = getenv(RESTART), *text;
  char copy[sizeof ours];
  if (!names) return 0;
  snprintf(copy, sizeof copy, "%s", names);
  if ((text = getenv(TRIED))) snprintf(tried, sizeof tried, "%s", text);
  if ((text = getenv(FOUND))) snprintf(found, sizeof found, "%s", text);
  for (char *rest, *name = strtok_r(copy, ",", &rest); name; name = strtok_r(NULL, ",", &rest))
    unsetenv(name);
  unsetenv(RESTART);
  return 1;
}

/* Sets the variables for waiting threads, unless the user did. */
static int choose_wait(void) {
  const char *threads = getenv("OMP_NUM_THREADS");
  if (getenv("OMP_WAIT_POLICY") || getenv("GOMP_SPINCOUNT")) return 0;
  if (processors_usable() == 1 || (threads && strcmp(threads, "1") == 0)) return 0;
  set("GOMP_SPINCOUNT", SPINS);
  return 1;
}

static void describe(const Cpu *cpu, int second) {
  const char *core = openblas_get_corename(), *wait = getenv("OMP_WAIT_POLICY");
  const char *spins = getenv("GOMP_SPINCOUNT");
  int used = snprintf(description, sizeof description, "core %s", core);
  size_t room = sizeof description - (size_t)used;
  if (*found)
    used += snprintf(description + used, room, ", as the CPU can execute it (%s, family %d, model "
                     "%d); OpenBLAS chose %s", cpu->vendor, cpu->family, cpu->model, found);
  else
    used += snprintf(description + used, room, ", %s", getenv("OPENBLAS_CORETYPE")
                     ? "as OPENBLAS_CORETYPE says" : "as OpenBLAS chose");
  room = sizeof description - (size_t)used;
  if (wait || spins)
    snprintf(description + used, room, "; waiting threads: %s=%s",
             wait ? "OMP_WAIT_POLICY" : "GOMP_SPINCOUNT", wait ? wait : spins);
  else
    snprintf(description + used, room, "; waiting threads: %s",
             second ? "short spin (GOMP_SPINCOUNT=" SPINS ")" : "OpenMP's default");
}

/* Whether the next core has to be tried: sets the variables. */
static int choose_core(const Cpu *cpu, Err *err) {
  const char *core = openblas_get_corename(), *user = getenv("OPENBLAS_CORETYPE");
  int right = blas_check();
  if (!right) append(tried, sizeof tried, core);
  const char *better = cpu_core(cpu, right ? core : NULL, tried);
  int choice = strstr(openblas_get_config(), "DYNAMIC_ARCH") != NULL;
  if (!right && (user || !choice || !better))
    return fail(err, "OpenBLAS computes wrong products with its core %s on this CPU; %s", core,
                user ? "unset OPENBLAS_CORETYPE" : "install another version of OpenBLAS");
  if (!better) return 0;
  if (user || !choice) {
    snprintf(warning, sizeof warning, "%s %s is slow on this CPU, which can execute %s: %s",
             user ? "OPENBLAS_CORETYPE:" : "OpenBLAS's core", core, better,
             user ? "unset it" : "use a build of OpenBLAS with DYNAMIC_ARCH");
    return 0;
  }
  if (!*found) snprintf(found, sizeof found, "%s", core);
  append(tried, sizeof tried, better);
  set("OPENBLAS_CORETYPE", better);
  set(TRIED, tried);
  set(FOUND, found);
  return 1;
}

int startup(char **argv, Err *err) {
  Cpu cpu = cpu_detect();
  const char *off = getenv(RESTART);
  int never = off && strcmp(off, "off") == 0, second = !never && forget_ours();
  int core = never ? 0 : choose_core(&cpu, err);
  if (core < 0) return -1;
  describe(&cpu, second);
#ifdef __linux__
  int wait = core || (!never && !second) ? choose_wait() : 0;
  if (!core && !wait && !(stack_raised && !never)) return 0;
  if (openblas_get_parallel() == 1 && !getenv("OPENBLAS_NUM_THREADS"))
    set("OPENBLAS_NUM_THREADS", "1"); /* the pthread build starts no threads of its own */
  setenv(RESTART, ours, 1);
  execv("/proc/self/exe", argv);
  snprintf(warning, sizeof warning, "cannot start again with better settings: %s", strerror(errno));
  forget_ours();
#else
  (void)argv;
#endif
  return 0;
}
