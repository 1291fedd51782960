/* What the CPU can execute, and which of OpenBLAS's cores (sets of kernels) suits it. OpenBLAS
   chooses a core from the CPU's model; a model that is newer than the library gets the oldest core,
   which is several times slower (OpenBLAS issues 1146, 3453, 3620, 4267, 6029). */
#ifndef CORE_CPU_H
#define CORE_CPU_H

typedef enum { ARCH_OTHER, ARCH_X86_64, ARCH_AARCH64 } CpuArch;

/* Groups of instructions, each usable only if the operating system saves its registers too. */
enum {
  CPU_SSE42 = 1,
  CPU_AVX = 2,
  CPU_AVX2 = 4,   /* and FMA */
  CPU_AVX512 = 8, /* F, CD, BW, DQ and VL, as every server CPU since Skylake has */
};

typedef struct {
  CpuArch arch;
  char vendor[13]; /* "GenuineIntel", "AuthenticAMD", ...; empty if unknown */
  int family, model; /* as /proc/cpuinfo has them; 0 if unknown */
  unsigned features;
} Cpu;

/* The CPU that this process runs on. */
Cpu cpu_detect(void);

/* The name of the core, one of OpenBLAS's, that is faster than `current` on this CPU and is not in
   `rejected`, best first; NULL if there is none. `current` is the name that OpenBLAS reports; a
   name that is not known here is taken for a good one. NULL for `current`: it computes wrong, so
   that any core which the CPU can execute is better. `rejected` is a list with commas of the cores
   that the build does not have or that compute wrong; names match in any case. */
const char *cpu_core(const Cpu *cpu, const char *current, const char *rejected);

/* Whether `list`, with commas, has the name, in any case. */
int cpu_core_listed(const char *name, const char *list);

#endif
