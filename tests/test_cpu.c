/* Which core of OpenBLAS is chosen, and the restart that sets it. `test_cpu show` prints what was
   chosen, for the tests that run it with another OpenBLAS or under limits. Tests: core/cpu
   core/startup */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/blas_check.h"
#include "core/cpu.h"
#include "core/startup.h"
#include "tests/check.h"
#include "tests/program.h"

#define INTEL "GenuineIntel"
#define AMD "AuthenticAMD"
enum {
  SSE42 = CPU_SSE42,
  AVX = SSE42 | CPU_AVX,
  AVX2 = AVX | CPU_AVX2,
  AVX512 = AVX2 | CPU_AVX512,
};

static const struct {
  const char *name;
  Cpu cpu;
  const char *current, *rejected, *want; /* want NULL: no other core */
} rows[] = {
    {"Emerald Rapids", {ARCH_X86_64, INTEL, 6, 207, AVX512}, "Prescott", "", "SkylakeX"},
    {"Emerald Rapids, no SkylakeX", {ARCH_X86_64, INTEL, 6, 207, AVX512}, "Prescott", "SkylakeX",
     "Haswell"},
    {"Emerald Rapids, only old cores", {ARCH_X86_64, INTEL, 6, 207, AVX512}, "Prescott",
     "skylakex,haswell", "Sandybridge"},
    {"Emerald Rapids, none left", {ARCH_X86_64, INTEL, 6, 207, AVX512}, "Prescott",
     "SkylakeX,Haswell,Sandybridge,Nehalem", NULL},
    {"Emerald Rapids, chosen", {ARCH_X86_64, INTEL, 6, 207, AVX512}, "SkylakeX", "SkylakeX", NULL},
    {"Sapphire Rapids", {ARCH_X86_64, INTEL, 6, 143, AVX512}, "SapphireRapids", "", NULL},
    {"Sapphire Rapids, unknown", {ARCH_X86_64, INTEL, 6, 143, AVX512}, "Haswell", "", "SkylakeX"},
    {"Skylake-X", {ARCH_X86_64, INTEL, 6, 85, AVX512}, "SkylakeX", "", NULL},
    {"Ice Lake", {ARCH_X86_64, INTEL, 6, 106, AVX512}, "SkylakeX", "", NULL},
    {"Ice Lake, unknown", {ARCH_X86_64, INTEL, 6, 106, AVX512}, "Prescott", "", "SkylakeX"},
    {"Cooper Lake", {ARCH_X86_64, INTEL, 6, 85, AVX512}, "Cooperlake", "", NULL},
    {"AVX-512 off", {ARCH_X86_64, INTEL, 6, 85, AVX2}, "Haswell", "", NULL},
    {"Haswell", {ARCH_X86_64, INTEL, 6, 60, AVX2}, "Haswell", "", NULL},
    {"Haswell, in small letters", {ARCH_X86_64, INTEL, 6, 60, AVX2}, "haswell", "", NULL},
    {"Raptor Lake", {ARCH_X86_64, INTEL, 6, 183, AVX2}, "Prescott", "", "Haswell"},
    {"Alder Lake", {ARCH_X86_64, INTEL, 6, 151, AVX2}, "Nehalem", "", "Haswell"},
    {"Sandy Bridge, unknown", {ARCH_X86_64, INTEL, 6, 42, AVX}, "Prescott", "", "Sandybridge"},
    {"Tremont", {ARCH_X86_64, INTEL, 6, 150, SSE42}, "Prescott", "", "Nehalem"},
    {"Zen 1", {ARCH_X86_64, AMD, 23, 1, AVX2}, "Zen", "", NULL},
    {"Zen 2, unknown", {ARCH_X86_64, AMD, 23, 49, AVX2}, "Barcelona", "", "Zen"},
    {"Zen 2, no Zen", {ARCH_X86_64, AMD, 23, 49, AVX2}, "Barcelona", "Zen", "Haswell"},
    {"Zen 3", {ARCH_X86_64, AMD, 25, 33, AVX2}, "Zen", "", NULL},
    {"Zen 4", {ARCH_X86_64, AMD, 25, 17, AVX512}, "Cooperlake", "", NULL},
    {"Zen 4 as Zen", {ARCH_X86_64, AMD, 25, 17, AVX512}, "Zen", "", "SkylakeX"},
    {"Zen 5", {ARCH_X86_64, AMD, 26, 68, AVX512}, "Barcelona", "", "SkylakeX"},
    {"Excavator", {ARCH_X86_64, AMD, 21, 96, AVX2}, "Excavator", "", NULL},
    {"Core 2", {ARCH_X86_64, INTEL, 6, 15, 0}, "Core2", "", NULL},
    {"an unknown CPU with SSE", {ARCH_X86_64, "", 0, 0, 0}, "Prescott", "", NULL},
    {"a core of a later OpenBLAS", {ARCH_X86_64, AMD, 26, 68, AVX512}, "Zen5", "", NULL},
    {"AArch64", {ARCH_AARCH64, "", 0, 0, 0}, "ARMV8", "", NULL},
    {"Zen 4, core computes wrong", {ARCH_X86_64, AMD, 25, 17, AVX512}, NULL, "Cooperlake",
     "SkylakeX"},
    {"Haswell computes wrong", {ARCH_X86_64, INTEL, 6, 60, AVX2}, NULL, "Haswell", "Sandybridge"},
    {"all compute wrong", {ARCH_X86_64, INTEL, 6, 15, 0}, NULL, "Core2,Prescott", NULL},
};

static void test_choice(void) {
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    const char *got = cpu_core(&rows[i].cpu, rows[i].current, rows[i].rejected);
    const char *want = rows[i].want;
    check((!got && !want) || (got && want && strcmp(got, want) == 0), "%s: %s, not %s",
          rows[i].name, got ? got : "no other", want ? want : "no other");
  }
  check(!cpu_core_listed("Zen", "Zen5,Haswell") && cpu_core_listed("zen", "Haswell,Zen"), "a list");
  check(!cpu_core_listed("Zen", ""), "an empty list");
}

static const char *self; /* this program, to start again */

static void says(const char *what, const char *text) {
  const char *output = program_output();
  check(strstr(output, text) != NULL, "%s: \"%s\" is not in: %s", what, text, output);
}

/* Runs this program with an OpenBLAS that treats this CPU as a Prescott. */
static void show(const char *variables, int want) {
  int code = program_run("LD_PRELOAD=%s/openblas.so %s %s show", program_folder("cpu"),
                         variables, self);
  check(code == want, "%s: exit code %d: %s", variables, code, program_output());
}

static void test_restart(void) {
  Cpu cpu = cpu_detect();
  char variables[256], text[128];
  const char *first = cpu_core(&cpu, "Prescott", "");
  const char *second = first ? cpu_core(&cpu, "Prescott", first) : NULL;
  int code = program_run("cc -shared -fPIC -o %s/openblas.so tests/preload/openblas.c -ldl",
                         program_folder("cpu"));
  check(code == 0, "cc: %s", program_output());
  if (!first || !second) return; /* a CPU without choices */
  show("TEST_HAS=SkylakeX,Haswell,Zen,Sandybridge,Nehalem", 0);
  snprintf(text, sizeof text, "core %s, as the CPU can", first);
  says("all cores", text);
  says("all cores", "OpenBLAS chose Prescott");
  says("all cores", "left in the environment: nothing");
  snprintf(variables, sizeof variables, "TEST_HAS=%s", second);
  show(variables, 0);
  snprintf(text, sizeof text, "core %s, as the CPU can", second);
  says("the best is not built", text);
  snprintf(variables, sizeof variables, "TEST_HAS=%s,%s TEST_WRONG=%s", first, second, first);
  show(variables, 0);
  says("the best core gives wrong results", text);
  show("TEST_HAS=nothing", 0);
  says("no other core is built", "core Prescott");
  show("TEST_HAS=nothing TEST_WRONG=Prescott,Haswell,Zen", 1);
  says("all cores give wrong results", "OpenBLAS's core Prescott gives wrong products");
  show("OPENBLAS_CORETYPE=Prescott OMP_WAIT_POLICY=passive", 0);
  says("set by the user", "as OPENBLAS_CORETYPE says; waiting threads: OMP_WAIT_POLICY=passive");
  says("set by the user", "is slow on this CPU");
  show("POLAR_RESTART=off", 0);
  says("switched off", "core Prescott, as OpenBLAS chose; waiting threads: OpenMP's default");
}

static void test_limits(void) {
  int code = program_run("ulimit -v 90000; exec %s show", self);
  check(code == 1, "ulimit -v 90000: exit code %d", code);
  says("ulimit -v 90000", "OpenBLAS needs");
  code = program_run("ulimit -s 64; exec %s show", self);
  check(code == 0 || code == 1, "ulimit -s 64: exit code %d", code);
  code = program_run("OMP_NUM_THREADS=100000 %s show", self);
  check(code == 0, "OMP_NUM_THREADS=100000: exit code %d", code);
}

int main(int argc, char **argv) {
  self = argv[0];
  if (argc > 1 && strcmp(argv[1], "show") == 0) {
    int left = getenv("POLAR_RESTART") || getenv("POLAR_TRIED_CORES") ||
               getenv("POLAR_FOUND_CORE") || getenv("OPENBLAS_CORETYPE") ||
                getenv("GOMP_SPINCOUNT");
    printf("%s\n%s\nleft in the environment: %s\n", startup_describe(), startup_warning(),
           left ? "something" : "nothing");
    return check_report("show");
  }
  unsetenv("OMP_WAIT_POLICY");
  unsetenv("OPENBLAS_CORETYPE"); /* as it may be set for this test */
  program_folder("cpu");
  test_choice();
  check(blas_check(), "products agree with plain C");
  test_restart();
  test_limits();
  return check_report("cpu");
}
