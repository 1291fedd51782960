/* The terminal that a person looks at. */
#ifndef CORE_TERMINAL_H
#define CORE_TERMINAL_H

#include <stddef.h>

/* The size of the terminal of an open file (STDOUT_FILENO), in characters. Returns 0, and leaves
   *width and *height as they are, where there is no terminal. Either may be NULL. */
int terminal_size(int file, int *width, int *height);

/* "42s", "3m07s", "2h15m"; "?" for NaN and infinity. */
void terminal_duration(double seconds, char *out, size_t size);

/* "951", "2.05 k", "1.33 M"; returns out. */
const char *terminal_count(double n, char out[24]);

#endif
