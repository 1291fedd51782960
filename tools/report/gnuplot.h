/* Runs gnuplot on a script. The picture is returned in memory, so that no file name is ever quoted
   for gnuplot, and a figure is complete or absent. */
#ifndef TOOLS_REPORT_GNUPLOT_H
#define TOOLS_REPORT_GNUPLOT_H

#include <stdio.h>

#include "core/error.h"

/* Runs the script of `size` bytes; the picture is in *out (freed by the caller, a zero byte after
   its end). Errors: gnuplot is not installed, or reports an error. */
int gnuplot_run(const char *script, size_t size, char **out, size_t *out_size, Err *err);

#endif
