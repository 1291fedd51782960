#include "core/precision.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#ifdef __linux__
#include <sys/syscall.h>
#include <unistd.h>
#endif

#include "core/bf16.h"
#include "core/cpu.h"

#define VARIABLE "POLAR_PRECISION_PATH"

static Precision now;
static PrecisionPath path;
static char note[160];

Precision precision_set(Precision precision) {
  Precision previous = now;
  now = precision;
  return previous;
}

Precision precision_now(void) { return now; }
PrecisionPath precision_path(void) { return path; }
const char *precision_note(void) { return note; }

const char *precision_path_name(void) {
  static char name[32];
  word_at(PRECISION_PATHS(CHOICE_WORD), (int)path, name, sizeof name);
  return name;
}

#ifdef BF16_KERNELS
/* Linux saves AMX's tile registers only for processes that request it (arch_prctl). */
static int tiles_permitted(void) {
#ifdef __linux__
  enum { ARCH_REQ_XCOMP_PERM = 0x1023, XFEATURE_XTILEDATA = 18 };
  return syscall(SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA) == 0;
#else
  return 0;
#endif
}
#endif

/* Which paths this computer can execute. */
static void find_usable(const Cpu *cpu, int usable[PATH_AMX + 1]) {
  usable[PATH_SGEMM] = 1;
#ifdef BF16_KERNELS
  usable[PATH_AVX512_BF16] = (cpu->features & CPU_AVX512_BF16) != 0;
  int tiles = usable[PATH_AVX512_BF16] && (cpu->features & CPU_AMX_BF16);
  usable[PATH_AMX] = tiles && tiles_permitted();
  if (tiles && !usable[PATH_AMX])
    snprintf(note, sizeof note, "the system does not let this process use AMX");
#else
  (void)cpu;
#endif
}

/* AMD executes AVX512_BF16's dot products at twice the rate of float32; Intel at half of it
   (measured on a Xeon of model 207), so there sgemm on rounded operands is faster. */
static PrecisionPath fastest(const Cpu *cpu, const int usable[PATH_AMX + 1]) {
  if (usable[PATH_AMX]) return PATH_AMX;
  int amd = strcmp(cpu->vendor, "AuthenticAMD") == 0;
  return usable[PATH_AVX512_BF16] && amd ? PATH_AVX512_BF16 : PATH_SGEMM;
}

int precision_start(Err *err) {
  Cpu cpu = cpu_detect();
  int usable[PATH_AMX + 1] = {0};
  const char *wanted = getenv(VARIABLE);
  *note = 0;
  find_usable(&cpu, usable);
  path = fastest(&cpu, usable);
  if (!wanted || !*wanted) return 0;
  int index = word_index(PRECISION_PATHS(CHOICE_WORD), wanted);
  if (index < 0)
    return fail(err, VARIABLE "=%s: not a path; use sgemm, avx512-bf16 or amx", wanted);
  if (!usable[index])
    return fail(err, VARIABLE "=%s: this computer cannot execute it%s%s; unset the variable",
                wanted, *note ? ": " : "", note);
  path = (PrecisionPath)index;
  *note = 0;
  return 0;
}
