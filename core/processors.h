/* The processors that this process may use, and their load from other programs. */
#ifndef CORE_PROCESSORS_H
#define CORE_PROCESSORS_H

/* Number of processors in the affinity mask (taskset), or the cgroup limit, rounded up, if that is
   lower. At least 1. */
int processors_usable(void);

/* The cgroup limit in processors (v2 cpu.max, v1 cpu.cfs_quota_us): the lowest of the process's
   group and its parents; 0 if there is none. `root` is a prefix for /proc and /sys, normally "". */
double processors_limit(const char *root);

/* Times in seconds: the clock, CPU time of this process, and CPU time of all processes on the
   processors of its affinity mask. */
typedef struct {
  double clock, own, all;
  int processors; /* of the mask */
} ProcessorTimes;

/* Reads the times. Returns -1 if /proc/stat cannot be read. Does not count processes at low
   priority (nice), unless this one is too: they hardly slow a normal process. `root` as above. */
int processors_times(ProcessorTimes *times, const char *root);

/* Processors that other programs kept busy between two readings, for example 1.0. */
double processors_taken(const ProcessorTimes *from, const ProcessorTimes *to);

#endif
