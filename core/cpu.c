#include "core/cpu.h"

#include <stddef.h>
#include <string.h>
#include <strings.h>
#ifdef __x86_64__
#include <cpuid.h>
#endif

/* The cores of OpenBLAS up to 0.3.30 for x86-64, with the instructions that they use. Excavator and
   Steamroller are listed with AVX2 so that they are not replaced: OpenBLAS intends them for these
   CPUs. SapphireRapids and Cooperlake add bfloat16 products to SkylakeX's kernels. */
static const struct {
  const char *name;
  unsigned features;
} cores[] = {
    {"SapphireRapids", CPU_AVX512}, {"Cooperlake", CPU_AVX512}, {"SkylakeX", CPU_AVX512},
    {"Zen", CPU_AVX2},              {"Haswell", CPU_AVX2},      {"Excavator", CPU_AVX2},
    {"Steamroller", CPU_AVX2},      {"Piledriver", CPU_AVX},    {"Bulldozer", CPU_AVX},
    {"Sandybridge", CPU_AVX},       {"Nehalem", CPU_SSE42},     {"Prescott", 0},
    {"Northwood", 0},               {"Coppermine", 0},          {"Katmai", 0},
    {"Banias", 0},                  {"Atom", 0},                {"Core2", 0},
    {"Penryn", 0},                  {"Dunnington", 0},          {"Athlon", 0},
    {"Opteron", 0},                 {"Opteron_SSE3", 0},        {"Barcelona", 0},
    {"Bobcat", 0},                  {"Nano", 0},                {"Generic", 0},
};
enum { CORES = sizeof cores / sizeof *cores };

/* Cores that are worth a restart, best first. Zen is Haswell with block sizes for AMD's caches. */
static const struct {
  const char *name, *vendor; /* NULL: any */
  unsigned features;
} choices[] = {
    {"SkylakeX", NULL, CPU_AVX512}, {"Zen", "AuthenticAMD", CPU_AVX2}, {"Haswell", NULL, CPU_AVX2},
    {"Sandybridge", NULL, CPU_AVX}, {"Nehalem", NULL, CPU_SSE42},      {"Prescott", NULL, 0},
};
enum { CHOICES = sizeof choices / sizeof *choices };

#ifdef __x86_64__
/* Family and model from CPUID leaf 1, as in the manuals of Intel and AMD. */
static void read_model(Cpu *cpu) {
  unsigned a, b, c, d;
  if (!__get_cpuid(0, &a, &b, &c, &d)) return;
  memcpy(cpu->vendor, &b, 4);
  memcpy(cpu->vendor + 4, &d, 4);
  memcpy(cpu->vendor + 8, &c, 4);
  if (!__get_cpuid(1, &a, &b, &c, &d)) return;
  unsigned family = a >> 8 & 15, model = a >> 4 & 15;
  if (family == 6 || family == 15) model += (a >> 16 & 15) << 4;
  if (family == 15) family += a >> 20 & 255;
  cpu->family = (int)family;
  cpu->model = (int)model;
}

/* Bits of XCR0, the registers that the operating system saves: XTILECFG and XTILEDATA. */
static int saves_tiles(void) {
  enum { OSXSAVE = 1 << 27, TILES = 3 << 17 };
  unsigned a, b, c, d, low, high;
  if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & OSXSAVE)) return 0;
  __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return (low & TILES) == TILES;
}

/* CPUID leaf 7: compilers do not know all of these names. */
static unsigned bf16_features(void) {
  enum { AMX_BF16 = 1 << 22, AMX_TILE = 1 << 24, AVX512_BF16 = 1 << 5 };
  unsigned a, b, c, d, features = 0;
  if (__get_cpuid_count(7, 0, &a, &b, &c, &d) && (d & AMX_BF16) && (d & AMX_TILE) && saves_tiles())
    features |= CPU_AMX_BF16;
  if (__get_cpuid_count(7, 1, &a, &b, &c, &d) && (a & AVX512_BF16)) features |= CPU_AVX512_BF16;
  return features;
}

Cpu cpu_detect(void) {
  Cpu cpu = {.arch = ARCH_X86_64};
  read_model(&cpu);
  __builtin_cpu_init(); /* for the calls below, which also check the operating system */
  if (__builtin_cpu_supports("sse4.2")) cpu.features |= CPU_SSE42;
  if (__builtin_cpu_supports("avx")) cpu.features |= CPU_AVX;
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) cpu.features |= CPU_AVX2;
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512cd") &&
      __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
      __builtin_cpu_supports("avx512vl"))
    cpu.features |= CPU_AVX512 | bf16_features();
  return cpu;
}
#else
Cpu cpu_detect(void) {
#ifdef __aarch64__
  return (Cpu){.arch = ARCH_AARCH64};
#else
  return (Cpu){.arch = ARCH_OTHER};
#endif
}
#endif

int cpu_core_listed(const char *name, const char *list) {
  size_t length = strlen(name);
  for (;;) {
    size_t item = strcspn(list, ",");
    if (item == length && strncasecmp(list, name, length) == 0) return 1;
    if (!list[item]) return 0;
    list += item + 1;
  }
}

/* The instructions of a core; all bits for a name that is not in the table. */
static unsigned features_of(const char *name) {
  for (int i = 0; i < CORES; i++)
    if (strcasecmp(cores[i].name, name) == 0) return cores[i].features;
  return ~0u;
}

/* AArch64 needs no choice: ARMV8, the core of an unknown CPU, uses NEON like the others. */
const char *cpu_core(const Cpu *cpu, const char *current, const char *rejected) {
  if (cpu->arch != ARCH_X86_64) return NULL;
  for (int i = 0; i < CHOICES; i++) {
    if (current && choices[i].features <= features_of(current)) return NULL;
    if (choices[i].vendor && strcmp(choices[i].vendor, cpu->vendor) != 0) continue;
    if ((choices[i].features & ~cpu->features) || cpu_core_listed(choices[i].name, rejected))
      continue;
    return choices[i].name;
  }
  return NULL;
}
