/* How much memory this process can still use. */
#ifndef CORE_AVAILABLE_H
#define CORE_AVAILABLE_H

/* Bytes that can be allocated without swapping: the smallest of what the system reports as
   available (MemAvailable), what the control group leaves (its page cache counts as free), and what
   `ulimit -v` leaves. Sets *limit to the name of the smallest. INFINITY if none is known. `root` is
   "", or a folder with the files of /proc and /sys for tests. */
double memory_available(const char *root, const char **limit);

#endif
