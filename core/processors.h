/* The processors that this process may use, and how busy other programs keep them. */
#ifndef CORE_PROCESSORS_H
#define CORE_PROCESSORS_H

/* Processors of the affinity mask (taskset), or fewer where a cgroup limits the time: the limit
   rounded up, so that half a processor is one. At least 1. */
int processors_usable(void);

/* The cgroup limit in processors (v2 cpu.max, v1 cpu.cfs_quota_us), the least of the process's
   group and the groups above it; 0 without one. `root` is put before /proc and /sys; "" for this
   system's. */
double processors_limit(const char *root);

/* A moment, in seconds: the clock, the time of this process's threads, and the time of all that ran
   on the processors of its affinity mask. */
typedef struct {
  double clock, own, all;
  int processors; /* of the mask */
} ProcessorTimes;

/* Returns -1 where /proc/stat cannot be read. Time at low priority (nice) is left out, unless this
   process has one too: it hardly slows a program of normal priority. `root` as above. */
int processors_times(ProcessorTimes *times, const char *root);

/* Processors that other programs kept busy between two times, for example 1.0. */
double processors_taken(const ProcessorTimes *from, const ProcessorTimes *to);

#endif
