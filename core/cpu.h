/* What the CPU can execute, and which of OpenBLAS's cores (sets of kernels) suits it. OpenBLAS
   chooses a core by CPU model. A CPU newer than the library gets the oldest core, which is several
   times slower (OpenBLAS issues 1146, 3453, 3620, 4267, 6029). */
#ifndef CORE_CPU_H
#define CORE_CPU_H

typedef enum { ARCH_OTHER, ARCH_X86_64, ARCH_AARCH64 } CpuArch;

/* Groups of instructions, set only if the operating system saves their registers. */
enum {
  CPU_SSE42 = 1,
  CPU_AVX = 2,
  CPU_AVX2 = 4,   /* and FMA */
  CPU_AVX512 = 8, /* F, CD, BW, DQ and VL, as every server CPU since Skylake has */
  CPU_AVX512_BF16 = 16,
  CPU_AMX_BF16 = 32, /* with AMX's tiles */
};

typedef struct {
  CpuArch arch;
  char vendor[13]; /* "GenuineIntel", "AuthenticAMD", ...; empty if unknown */
  int family, model; /* as in /proc/cpuinfo; 0 if unknown */
  unsigned features;
} Cpu;

/* The CPU that this process runs on. */
Cpu cpu_detect(void);

/* The best core of OpenBLAS for this CPU, or NULL if none is faster than `current`, the name that
   OpenBLAS reports. An unknown name is assumed to be good. If `current` is NULL, it gives wrong
   results, and any core that the CPU can execute is better. `rejected` is a comma-separated list of
   cores to skip; case does not matter. */
const char *cpu_core(const Cpu *cpu, const char *current, const char *rejected);

/* Whether the comma-separated `list` contains the name; case does not matter. */
int cpu_core_listed(const char *name, const char *list);

#endif
